#include "client/signed_policies.h"

#include "client/calls.h"
#include "dml/v1/policy.grpc.pb.h"

namespace dml {

absl::StatusOr<Committed<PolicyDocument>> SetSignedPolicy(
    Client& client, const std::string& environment, const std::string& document,
    const std::string& etag, const std::string& envelope, const MutationOptions& options) {
  v1::SetPolicyRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_document(document);
  request.set_etag(etag);
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<PolicySet>(client.connection(), &v1::PolicyService::Stub::SetPolicy,
                                         std::move(request), options));
  DML_ASSIGN_OR_RETURN(PolicyRecord record, Answered(wire::From(done.response.policy())));
  DML_RETURN_IF_ERROR(CheckBytes("policy", document, record.document));
  DML_RETURN_IF_ERROR(CheckBytes("policy envelope", envelope, record.envelope));
  return Committed<PolicyDocument>{{std::move(record), document}, std::move(done.commit)};
}

}  // namespace dml
