// Environments, nodes and policy.
#include "client/calls.h"
#include "client/client.h"
#include "client/policies.h"
#include "dml/v1/environment.grpc.pb.h"
#include "dml/v1/policy.grpc.pb.h"

namespace dml {
namespace {

using Environments = v1::EnvironmentService::Stub;
using Policies = v1::PolicyService::Stub;

}  // namespace

absl::StatusOr<Committed<EnvironmentRecord>> Client::CreateEnvironment(
    const std::string& name, const std::string& description, const Labels& labels,
    const MutationOptions& options) {
  v1::CreateEnvironmentRequest request;
  request.set_environment(name);
  request.set_description(description);
  wire::To(labels, request.mutable_labels());
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<EnvironmentCreated>(connection(), &Environments::CreateEnvironment,
                                                  std::move(request), options));
  DML_ASSIGN_OR_RETURN(EnvironmentRecord record, Answered(wire::From(done.response.environment())));
  return Committed<EnvironmentRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<EnvironmentRecord> Client::GetEnvironment(const std::string& name) {
  v1::GetEnvironmentRequest request;
  request.set_name(wire::EnvironmentResource(name));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Environments::GetEnvironment, request));
  return Answered(wire::From(response.environment()));
}

absl::StatusOr<ListPage<EnvironmentRecord>> Client::ListEnvironments(const ListOptions& options) {
  v1::ListEnvironmentsRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Environments::ListEnvironments, request));
  return ReadPage<EnvironmentRecord>(response.environments(), response.next_page_token());
}

absl::StatusOr<Committed<NodeRecord>> Client::CreateNode(const std::string& environment,
                                                         const std::string& name,
                                                         const Labels& labels,
                                                         const MutationOptions& options) {
  v1::CreateNodeRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_node(name);
  wire::To(labels, request.mutable_labels());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<NodeCreated>(connection(), &Environments::CreateNode,
                                                      std::move(request), options));
  DML_ASSIGN_OR_RETURN(NodeRecord record, Answered(wire::From(done.response.node())));
  return Committed<NodeRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<NodeRecord> Client::GetNode(const std::string& environment,
                                           const std::string& name) {
  v1::GetNodeRequest request;
  request.set_name(wire::NodeResource(environment, name));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Environments::GetNode, request));
  return Answered(wire::From(response.node()));
}

absl::StatusOr<ListPage<NodeRecord>> Client::ListNodes(const std::string& environment,
                                                       const ListOptions& options) {
  v1::ListNodesRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Environments::ListNodes, request));
  return ReadPage<NodeRecord>(response.nodes(), response.next_page_token());
}

absl::StatusOr<PolicyDocument> Client::GetPolicy(const std::string& environment) {
  v1::GetPolicyRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Policies::GetPolicy, request));
  PolicyDocument out;
  DML_ASSIGN_OR_RETURN(out.record, Answered(wire::From(response.policy())));
  out.text = response.policy().document();
  DML_RETURN_IF_ERROR(CheckBytes("policy", out.text, out.record.document));
  return out;
}

}  // namespace dml
