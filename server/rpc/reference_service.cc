// References: versions with relations and without files, for planning.
#include "core/package/references.h"
#include "core/trust/dsse.h"
#include "core/trust/root_walk.h"
#include "dml/v1/reference.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/references.h"

namespace dml {
namespace {

class ReferenceServiceImpl final : public v1::ReferenceService::Service {
 public:
  explicit ReferenceServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status PublishReferences(grpc::ServerContext* context,
                                 const v1::PublishReferencesRequest* request,
                                 v1::PublishReferencesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ReferenceService/PublishReferences",
                  [&](const Caller& caller) { return Publish(caller, *request, *response); });
  }

 private:
  // Whose namespace it is, before anything about it is told.
  static absl::StatusOr<std::string> NamespaceOf(const std::string& bytes) {
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(bytes);
    if (!envelope.ok()) return AtField(envelope.status(), "envelope");
    absl::StatusOr<ReferenceBatch> batch = ParseReferenceBatch(envelope->payload);
    if (!batch.ok()) return AtField(batch.status(), "envelope");
    return std::move(batch->ns);
  }

  absl::Status Publish(const Caller& caller, const v1::PublishReferencesRequest& request,
                       v1::PublishReferencesResponse& response) const {
    DML_ASSIGN_OR_RETURN(const std::string ns, NamespaceOf(request.envelope()));
    DML_RETURN_IF_ERROR(caller.MayInNamespace(ns));
    if (request.specs_size() > static_cast<int>(kMaxReferenceBatch)) {
      return AtField(
          InvalidArgument(ErrorReason("REFERENCES_INVALID"), "{} specs; a batch has at most {}",
                          request.specs_size(), kMaxReferenceBatch),
          "specs");
    }
    const std::vector<std::string> specs(request.specs().begin(), request.specs().end());
    ReferencesPrepared prepared;
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      const auto snapshot = context_.library.Read();
      DML_ASSIGN_OR_RETURN(const auto trust, context_.trust.Get(*snapshot, WallClockNow()));
      DML_RETURN_IF_ERROR(CheckRootExpiry(trust->root(), WallClockNow()));
      DML_ASSIGN_OR_RETURN(prepared,
                           PrepareReferences(*snapshot, *trust, request.envelope(), specs));
      if (!prepared.command.has_value()) return absl::OkStatus();
      DML_ASSIGN_OR_RETURN(const Receipt receipt,
                           CommitAs(context_, caller, request.request_id(), request.validate_only(),
                                    *std::move(prepared.command)));
      To(receipt, response.mutable_receipt());
      return absl::OkStatus();
    }));
    response.set_published(static_cast<uint32_t>(prepared.published));
    response.set_present(static_cast<uint32_t>(prepared.present));
    for (const ReferenceRefusal& refusal : prepared.refused) {
      v1::RefusedReference* item = response.add_refused();
      item->set_variant(refusal.variant.ResourceName());
      item->set_reason(std::string(Reason(refusal.why)));
      item->set_message(std::string(Message(refusal.why)));
    }
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReferenceService(const ServiceContext& context) {
  return std::make_unique<ReferenceServiceImpl>(context);
}

}  // namespace dml
