#include "client/policies.h"

#include "client/calls.h"
#include "dml/v1/policy.grpc.pb.h"

namespace dml {

absl::StatusOr<Committed<PolicyDocument>> PolicyClient::Set(const std::string& environment,
                                                            const PolicyChange& change,
                                                            const MutationOptions& options) {
  v1::SetPolicyRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_document(change.document);
  request.set_etag(change.etag);
  request.set_force_reason(change.force_reason);
  request.set_envelope(change.envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<PolicySet>(client_.connection(), &v1::PolicyService::Stub::SetPolicy,
                                         std::move(request), options));
  Committed<PolicyDocument> out;
  out.commit = std::move(done.commit);
  if (options.validate_only) return out;
  DML_ASSIGN_OR_RETURN(out.value.record, Answered(wire::From(done.response.policy())));
  DML_RETURN_IF_ERROR(CheckBytes("policy", change.document, out.value.record.document));
  if (!change.envelope.empty()) {
    DML_RETURN_IF_ERROR(CheckBytes("policy envelope", change.envelope, out.value.record.envelope));
  }
  out.value.text = change.document;
  return out;
}

}  // namespace dml
