// Advisories: what became known of packages after they were published.
#include <algorithm>

#include "core/wire/api_advisories.h"
#include "dml/v1/advisory.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/advisories.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr size_t kListBytes = 1 << 20;  // About what a page's envelopes take.

class AdvisoryServiceImpl final : public v1::AdvisoryService::Service {
 public:
  explicit AdvisoryServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status SetAdvisory(grpc::ServerContext* context, const v1::SetAdvisoryRequest* request,
                           v1::SetAdvisoryResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdvisoryService/SetAdvisory",
                  [&](const Caller& caller) { return Set(caller, *request, false, *response); });
  }

  grpc::Status WithdrawAdvisory(grpc::ServerContext* context,
                                const v1::WithdrawAdvisoryRequest* request,
                                v1::WithdrawAdvisoryResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdvisoryService/WithdrawAdvisory",
                  [&](const Caller& caller) { return Set(caller, *request, true, *response); });
  }

  grpc::Status GetAdvisory(grpc::ServerContext* context, const v1::GetAdvisoryRequest* request,
                           v1::GetAdvisoryResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdvisoryService/GetAdvisory",
                  [&](const Caller& caller) -> absl::Status {
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(const std::string id,
                                         wire::ParseResource(request->name(), "advisories"));
                    const auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(const auto record,
                                         LibraryView(*snapshot).FindAdvisory(id));
                    if (!record.has_value() || !Sees(caller, *record)) {
                      return NotFound(ErrorReason("ADVISORY_NOT_FOUND"),
                                      "no advisory {} that you may see", id);
                    }
                    return Fill(*snapshot, *record, response->mutable_advisory());
                  });
  }

  grpc::Status ListAdvisories(grpc::ServerContext* context,
                              const v1::ListAdvisoriesRequest* request,
                              v1::ListAdvisoriesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdvisoryService/ListAdvisories",
                  [&](const Caller& caller) { return List(caller, *request, *response); });
  }

 private:
  // Who sees one of the packages that it affects sees all of it.
  static bool Sees(const Caller& caller, const AdvisoryRecord& record) {
    return std::ranges::any_of(record.set.packages, [&](const std::string& package) {
      return caller.SeesNamespace(package.substr(0, package.find('/')));
    });
  }

  static absl::Status Fill(const Reader& state, const AdvisoryRecord& record, v1::Advisory* out) {
    wire::To(record, out);
    DML_ASSIGN_OR_RETURN(*out->mutable_envelope(), ReadMetadata(state, record.set.envelope));
    return absl::OkStatus();
  }

  static absl::Status CheckWithdrawal(const Advisory& advisory, bool withdraw) {
    if (withdraw == !advisory.withdrawn.empty()) return absl::OkStatus();
    return AtField(withdraw ? InvalidArgument(ErrorReason("ADVISORY_NOT_WITHDRAWN"),
                                              "the document does not say why it is withdrawn: "
                                              "give it `withdrawn`")
                            : InvalidArgument(ErrorReason("ADVISORY_WITHDRAWN"),
                                              "the document withdraws advisory {}: use "
                                              "WithdrawAdvisory",
                                              advisory.id),
                   "envelope");
  }

  template <typename Request, typename Response>
  absl::Status Set(const Caller& caller, const Request& request, bool withdraw,
                   Response& response) const {
    AdvisoryRecord record;
    Receipt receipt;
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      const auto snapshot = context_.library.Read();
      DML_ASSIGN_OR_RETURN(const auto trust, context_.trust.Get(*snapshot, WallClockNow()));
      DML_ASSIGN_OR_RETURN(AdvisoryChange change,
                           PrepareSetAdvisory(*snapshot, *trust, request.envelope()));
      record.set = std::get<AdvisorySet>(change.command.payload);
      for (const std::string& package : record.set.packages) {
        DML_RETURN_IF_ERROR(caller.MayInNamespace(package.substr(0, package.find('/'))));
      }
      DML_RETURN_IF_ERROR(CheckWithdrawal(change.advisory, withdraw));
      DML_ASSIGN_OR_RETURN(receipt, CommitAs(context_, caller, request.request_id(),
                                             request.validate_only(), std::move(change.command)));
      return absl::OkStatus();
    }));
    To(receipt, response.mutable_receipt());
    record.index = receipt.index;
    record.time = receipt.time;
    record.author = caller.principal();
    wire::To(record, response.mutable_advisory());
    response.mutable_advisory()->set_envelope(request.envelope());
    return absl::OkStatus();
  }

  absl::Status List(const Caller& caller, const v1::ListAdvisoriesRequest& request,
                    v1::ListAdvisoriesResponse& response) const {
    caller.WillSeeEach();
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
    std::optional<PackageName> package;
    if (!request.package().empty()) {
      absl::StatusOr<PackageName> parsed = wire::ParsePackageResource(request.package());
      if (!parsed.ok()) return AtField(parsed.status(), "package");
      DML_RETURN_IF_ERROR(caller.MayInNamespace(parsed->ns));
      package = *std::move(parsed);
    }
    const auto snapshot = context_.library.Read();
    const ListView view(*snapshot);
    size_t bytes = 0;
    // One at a time, so that a page ends where its envelopes are too large.
    const size_t wanted = std::exchange(page.size, 1);
    auto sees = [&](const AdvisoryRecord& record) { return Sees(caller, record); };
    for (size_t i = 0; i < wanted && bytes < kListBytes; ++i) {
      DML_ASSIGN_OR_RETURN(const Page<AdvisoryRecord> found, package.has_value()
                                                                 ? view.AdvisoriesOf(*package, page)
                                                                 : view.Advisories(page, sees));
      for (const AdvisoryRecord& record : found.items) {
        DML_RETURN_IF_ERROR(Fill(*snapshot, record, response.add_advisories()));
        bytes += record.set.envelope.size;
      }
      page.after_key = found.next_key;
      if (page.after_key.empty()) break;
    }
    response.set_next_page_token(PageToken(page.after_key));
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdvisoryService(const ServiceContext& context) {
  return std::make_unique<AdvisoryServiceImpl>(context);
}

}  // namespace dml
