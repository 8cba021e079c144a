#include "client/references.h"

#include "client/calls.h"
#include "client/signing_keys.h"
#include "core/trust/dsse.h"
#include "dml/v1/reference.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::ReferenceService::Stub;

}  // namespace

absl::StatusOr<ReferencesAnswer> ReferenceClient::Publish(const std::string& ns,
                                                          const std::string& source,
                                                          const std::vector<std::string>& specs,
                                                          std::span<const Signer* const> keys,
                                                          const MutationOptions& options) {
  ReferenceBatch batch{ns, source, {}};
  v1::PublishReferencesRequest request;
  for (const std::string& spec : specs) {
    batch.specs.push_back(Sha256(spec));
    request.add_specs(spec);
  }
  DML_ASSIGN_OR_RETURN(const SchemedSigners signers, SignersFor(client_, keys));
  DML_ASSIGN_OR_RETURN(
      const DsseEnvelope envelope,
      SignEnvelope(kReferenceBatchPayloadType, FormatReferenceBatch(batch), signers.get()));
  request.set_envelope(FormatEnvelope(envelope));
  request.set_request_id(options.request_id.empty() ? NewRequestId() : options.request_id);
  request.set_validate_only(options.validate_only);
  Connection& connection = client_.connection();
  DML_ASSIGN_OR_RETURN(const v1::PublishReferencesResponse response,
                       connection.Call(&Calls::PublishReferences, request));
  ReferencesAnswer out;
  out.published = response.published();
  out.present = response.present();
  for (const v1::RefusedReference& item : response.refused()) {
    out.refused.push_back({item.variant(), item.reason(), item.message()});
  }
  if (out.published + out.present + out.refused.size() != specs.size()) {
    return BadAnswer("it does not account for all references of the batch");
  }
  if (options.validate_only || out.published == 0) return out;
  DML_ASSIGN_OR_RETURN(ProvenReceipt proven,
                       connection.ProveReceipt(response.receipt(), request.request_id()));
  const auto* entry = std::get_if<ReferencesPublished>(&proven.entry.payload);
  if (entry == nullptr || entry->references.size() != out.published ||
      entry->envelope.digest != Sha256(request.envelope())) {
    return DataLoss(ErrorReason("RECEIPT_INVALID"),
                    "the receipt of request {} names entry {}, which is not this batch; ask the "
                    "library's operator what happened to the request",
                    request.request_id(), proven.commit.index);
  }
  out.commit = std::move(proven.commit);
  return out;
}

}  // namespace dml
