#include "core/filter/variant_filter.h"
#include "core/trust/root_walk.h"
#include "core/trust/statement.h"
#include "core/wire/api_upkeep.h"
#include "dml/v1/catalog.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/preparation.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// Documents in one request, before anything is copied out of it.
constexpr size_t kMaxEnvelopes = 16;
constexpr size_t kAttestationsInline = 64;

class CatalogServiceImpl final : public v1::CatalogService::Service {
 public:
  explicit CatalogServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status CreateNamespace(grpc::ServerContext* context,
                               const v1::CreateNamespaceRequest* request,
                               v1::CreateNamespaceResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CatalogService/CreateNamespace",
        [&](const Caller& caller) -> absl::Status {
          Command command;
          command.payload = NamespaceCreated{request->namespace_(), request->description(),
                                             wire::From(request->labels())};
          DML_ASSIGN_OR_RETURN(Receipt receipt,
                               CommitAs(context_, caller, request->request_id(),
                                        request->validate_only(), std::move(command)));
          To(receipt, response->mutable_receipt());
          wire::To(NamespaceRecord{request->namespace_(), request->description(),
                                   wire::From(request->labels()), receipt.index, receipt.time},
                   response->mutable_namespace_());
          return absl::OkStatus();
        });
  }

  grpc::Status GetNamespace(grpc::ServerContext* context, const v1::GetNamespaceRequest* request,
                            v1::GetNamespaceResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/GetNamespace",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string name,
                                         wire::ParseResource(request->name(), "namespaces"));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, LibraryView(*snapshot).FindNamespace(name));
                    if (!found.has_value()) {
                      return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"), "no {}", request->name());
                    }
                    wire::To(*found, response->mutable_namespace_());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListNamespaces(grpc::ServerContext* context,
                              const v1::ListNamespacesRequest* request,
                              v1::ListNamespacesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/ListNamespaces",
                  [&](const Caller& caller) -> absl::Status {
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Namespaces(
                                                         page, [&](const NamespaceRecord& record) {
                                                           return caller.SeesNamespace(record.name);
                                                         }));
                    FillItems(found, response->mutable_namespaces());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetRetention(grpc::ServerContext* context, const v1::GetRetentionRequest* request,
                            v1::GetRetentionResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/GetRetention",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string ns,
                                         wire::ParseResource(request->namespace_(), "namespaces"));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(ns));
                    auto snapshot = context_.library.Read();
                    const LibraryView view(*snapshot);
                    DML_ASSIGN_OR_RETURN(auto there, view.FindNamespace(ns));
                    if (!there.has_value()) {
                      return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"), "no {}",
                                      request->namespace_());
                    }
                    DML_ASSIGN_OR_RETURN(auto found, view.FindRetention(ns));
                    RetentionRecord none;
                    none.ns = ns;
                    wire::To(found.value_or(none), response->mutable_retention());
                    return absl::OkStatus();
                  });
  }

  grpc::Status SetRetention(grpc::ServerContext* context, const v1::SetRetentionRequest* request,
                            v1::SetRetentionResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/SetRetention",
                  [&](const Caller& caller) -> absl::Status {
                    absl::StatusOr<RetentionRecord> record = wire::From(request->retention());
                    if (!record.ok()) return AtField(record.status(), "retention");
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(record->ns));
                    Command command;
                    command.payload = NamespaceRetentionSet{record->ns, record->policy,
                                                            request->retention().etag()};
                    DML_ASSIGN_OR_RETURN(Receipt receipt,
                                         CommitAs(context_, caller, request->request_id(),
                                                  request->validate_only(), std::move(command)));
                    To(receipt, response->mutable_receipt());
                    record->index = receipt.index;
                    record->time = receipt.time;
                    record->author = caller.principal();
                    wire::To(*record, response->mutable_retention());
                    return absl::OkStatus();
                  });
  }

  grpc::Status PublishVersion(grpc::ServerContext* context,
                              const v1::PublishVersionRequest* request,
                              v1::PublishVersionResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/PublishVersion",
                  [&](const Caller& caller) { return Publish(caller, *request, *response); });
  }

  grpc::Status GetPackage(grpc::ServerContext* context, const v1::GetPackageRequest* request,
                          v1::GetPackageResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/GetPackage",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PackageName name,
                                         wire::ParsePackageResource(request->name()));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.ns));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, LibraryView(*snapshot).FindPackage(name));
                    if (!found.has_value()) return NoPackage(*snapshot, name);
                    wire::To(*found, response->mutable_package());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListPackages(grpc::ServerContext* context, const v1::ListPackagesRequest* request,
                            v1::ListPackagesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/ListPackages",
                  [&](const Caller& caller) -> absl::Status {
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    DML_ASSIGN_OR_RETURN(Filter filter,
                                         Filter::Parse(request->filter(), PackageFilterSchema()));
                    auto snapshot = context_.library.Read();
                    if (!request->namespace_().empty()) {
                      DML_RETURN_IF_ERROR(caller.MayInNamespace(request->namespace_()));
                      DML_ASSIGN_OR_RETURN(
                          auto ns, LibraryView(*snapshot).FindNamespace(request->namespace_()));
                      if (!ns.has_value()) {
                        return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"), "no namespace {}",
                                        request->namespace_());
                      }
                    }
                    DML_ASSIGN_OR_RETURN(
                        auto found,
                        ListView(*snapshot).Packages(
                            request->namespace_(), page, [&](const PackageRecord& record) {
                              return caller.SeesNamespace(record.name.ns) &&
                                     Matches(filter, record);
                            }));
                    FillItems(found, response->mutable_packages());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetVariant(grpc::ServerContext* context, const v1::GetVariantRequest* request,
                          v1::GetVariantResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/GetVariant",
                  [&](const Caller& caller) { return GetOne(caller, *request, *response); });
  }

  grpc::Status ListVariants(grpc::ServerContext* context, const v1::ListVariantsRequest* request,
                            v1::ListVariantsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CatalogService/ListVariants",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(PackageName name, wire::ParsePackageResource(request->package()));
          DML_RETURN_IF_ERROR(caller.MayInNamespace(name.ns));
          DML_ASSIGN_OR_RETURN(PageRequest page,
                               ReadPage(request->page_size(), request->page_token()));
          DML_ASSIGN_OR_RETURN(Filter filter,
                               Filter::Parse(request->filter(), VariantFilterSchema()));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(auto package, LibraryView(*snapshot).FindPackage(name));
          if (!package.has_value()) return NoPackage(*snapshot, name);
          DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Variants(
                                               name, page, [&](const VariantRecord& record) {
                                                 return Matches(filter, record);
                                               }));
          FillItems(found, response->mutable_variants());
          response->set_next_page_token(PageToken(found.next_key));
          return absl::OkStatus();
        });
  }

  grpc::Status SearchVariants(grpc::ServerContext* context,
                              const v1::SearchVariantsRequest* request,
                              v1::SearchVariantsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/SearchVariants",
                  [&](const Caller& caller) -> absl::Status {
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    DML_ASSIGN_OR_RETURN(Filter filter,
                                         Filter::Parse(request->filter(), VariantFilterSchema()));
                    // A filter that fixes the namespace looks at that namespace's rows only.
                    std::string ns = filter.EqualityOf("namespace").value_or("");
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(
                        auto found,
                        ListView(*snapshot).AllVariants(ns, page, [&](const VariantRecord& record) {
                          return caller.SeesNamespace(record.name.package.ns) &&
                                 Matches(filter, record);
                        }));
                    FillItems(found, response->mutable_variants());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status WithdrawVersion(grpc::ServerContext* context,
                               const v1::WithdrawVersionRequest* request,
                               v1::WithdrawVersionResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/WithdrawVersion",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request->name()));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
                    Command command;
                    command.payload = VersionWithdrawn{name, request->reason()};
                    DML_ASSIGN_OR_RETURN(Receipt receipt,
                                         CommitAs(context_, caller, request->request_id(),
                                                  request->validate_only(), std::move(command)));
                    To(receipt, response->mutable_receipt());
                    return FillVariant(name, response->mutable_variant());
                  });
  }

  grpc::Status AttachAttestation(grpc::ServerContext* context,
                                 const v1::AttachAttestationRequest* request,
                                 v1::AttachAttestationResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.CatalogService/AttachAttestation",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request->name()));
          DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
          AttestationRef ref;
          Receipt receipt;
          DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
            auto snapshot = context_.library.Read();
            DML_ASSIGN_OR_RETURN(auto trust, context_.trust.Get(*snapshot, WallClockNow()));
            DML_ASSIGN_OR_RETURN(auto data, context_.policies->Data(*snapshot));
            DML_ASSIGN_OR_RETURN(Command command, PrepareAttach(*snapshot, *trust, *data->list,
                                                                name, request->envelope()));
            ref = std::get<AttestationAttached>(command.payload).attestation;
            DML_ASSIGN_OR_RETURN(receipt, CommitAs(context_, caller, request->request_id(),
                                                   request->validate_only(), std::move(command)));
            return absl::OkStatus();
          }));
          if (!request->validate_only()) context_.admission.JudgeAgain(name);
          To(receipt, response->mutable_receipt());
          wire::To(AttestationRecord{ref, receipt.index, receipt.time, caller.principal(), {}},
                   response->mutable_attestation());
          return absl::OkStatus();
        });
  }

  grpc::Status ListAttestations(grpc::ServerContext* context,
                                const v1::ListAttestationsRequest* request,
                                v1::ListAttestationsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.CatalogService/ListAttestations",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request->name()));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_RETURN_IF_ERROR(FindVariant(*snapshot, name).status());
                    DML_ASSIGN_OR_RETURN(
                        std::string next,
                        FillAttestations(*snapshot, name, page, context_.max_message_bytes / 4,
                                         response->mutable_attestations()));
                    response->set_next_page_token(next);
                    return absl::OkStatus();
                  });
  }

 private:
  // Whose namespace it is, before anything about it is told.
  static absl::StatusOr<PackageName> PackageOfSpec(const std::string& bytes) {
    absl::StatusOr<PackageSpec> spec = ParsePackageSpec(bytes);
    if (!spec.ok()) return AtField(spec.status(), "spec");
    return spec->package;
  }

  static absl::Status NoPackage(const Reader& state, const PackageName& name) {
    DML_ASSIGN_OR_RETURN(auto ns, LibraryView(state).FindNamespace(name.ns));
    if (!ns.has_value()) {
      return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"), "no namespace '{}', and so no {}",
                      name.ns, name.ResourceName());
    }
    return NotFound(ErrorReason("PACKAGE_NOT_FOUND"), "no {}", name.ResourceName());
  }

  static absl::StatusOr<VariantRecord> FindVariant(const Reader& state, const VariantName& name) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindVariant(name));
    if (!found.has_value()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
    }
    return *std::move(found);
  }

  absl::Status FillVariant(const VariantName& name, v1::Variant* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(VariantRecord record, FindVariant(*snapshot, name));
    wire::To(record, out);
    return absl::OkStatus();
  }

  absl::Status GetOne(const Caller& caller, const v1::GetVariantRequest& request,
                      v1::GetVariantResponse& response) {
    DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request.name()));
    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(VariantRecord record, FindVariant(*snapshot, name));
    wire::To(record, response.mutable_variant());
    DML_ASSIGN_OR_RETURN(*response.mutable_manifest(), ReadMetadata(*snapshot, record.manifest));
    DML_ASSIGN_OR_RETURN(*response.mutable_spec(), ReadMetadata(*snapshot, record.spec));
    DML_ASSIGN_OR_RETURN(
        *response.mutable_next_attestation_page_token(),
        FillAttestations(*snapshot, name, {.size = kAttestationsInline},
                         context_.max_message_bytes / 4, response.mutable_attestations()));
    return absl::OkStatus();
  }

  absl::Status Publish(const Caller& caller, const v1::PublishVersionRequest& request,
                       v1::PublishVersionResponse& response) {
    if (request.envelopes_size() > static_cast<int>(kMaxEnvelopes)) {
      return AtField(
          InvalidArgument(ErrorReason("TOO_MANY_ATTESTATIONS"), "{} envelopes; at most {}",
                          request.envelopes_size(), kMaxEnvelopes),
          "envelopes");
    }
    std::vector<std::string> envelopes(request.envelopes().begin(), request.envelopes().end());
    DML_ASSIGN_OR_RETURN(PackageName package, PackageOfSpec(request.spec()));
    DML_RETURN_IF_ERROR(caller.MayInNamespace(package.ns));
    VariantName name;
    Receipt receipt;
    std::optional<VersionPublished> examined;  // Once: it may have scanned all files.
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      auto snapshot = context_.library.Read();
      DML_ASSIGN_OR_RETURN(auto trust, context_.trust.Get(*snapshot, WallClockNow()));
      DML_RETURN_IF_ERROR(CheckRootExpiry(trust->root(), WallClockNow()));
      DML_ASSIGN_OR_RETURN(const auto data, context_.policies->Data(*snapshot));
      DML_ASSIGN_OR_RETURN(
          Command command,
          PreparePublish(*snapshot, *trust, *data->list, context_.library.content(),
                         request.manifest(), request.spec(), envelopes));
      auto& published = std::get<VersionPublished>(command.payload);
      name = published.variant;
      if (!examined.has_value()) {
        DML_RETURN_IF_ERROR(context_.admission.Examine(command));
        examined = published;
      }
      published.admission = examined->admission;
      published.quarantine_reason = examined->quarantine_reason;
      published.scan = examined->scan;
      DML_ASSIGN_OR_RETURN(receipt, CommitAs(context_, caller, request.request_id(),
                                             request.validate_only(), std::move(command)));
      return absl::OkStatus();
    }));
    To(receipt, response.mutable_receipt());
    if (request.validate_only()) {
      response.mutable_variant()->set_name(name.ResourceName());
      return absl::OkStatus();
    }
    return FillVariant(name, response.mutable_variant());
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCatalogService(const ServiceContext& context) {
  return std::make_unique<CatalogServiceImpl>(context);
}

}  // namespace dml
