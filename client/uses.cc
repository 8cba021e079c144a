#include "client/uses.h"

#include "client/calls.h"
#include "client/relation_request.h"
#include "core/wire/api_compatibility.h"
#include "dml/v1/compatibility.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::CompatibilityService::Stub;

absl::StatusOr<VariantUse> ReadUse(const v1::Use& in) {
  VariantUse out;
  DML_ASSIGN_OR_RETURN(out.environment, wire::ParseResource(in.environment(), "environments"));
  out.release = in.release();
  DML_ASSIGN_OR_RETURN(out.variant, VariantName::Parse(in.variant()));
  out.node = in.node();
  out.state = in.state();
  out.license = in.license();
  return out;
}

absl::StatusOr<RollbackAnswer> ReadTarget(const v1::RollbackTarget& in) {
  RollbackAnswer out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantName::Parse(in.variant()));
  DML_ASSIGN_OR_RETURN(out.verdict, wire::From(in.outcome()));
  for (const v1::EnvironmentFinding& reason : in.reasons()) {
    out.reasons.push_back({wire::From(reason.finding()),
                           reason.node(),
                           reason.nodes(),
                           reason.source(),
                           {reason.signers().begin(), reason.signers().end()},
                           reason.before()});
  }
  out.reason_count = in.reason_count();
  return out;
}

}  // namespace

absl::StatusOr<ListPage<RelationUse>> UsesClient::WhoProvides(RelationKind kind,
                                                              const std::string& name,
                                                              const std::string& versions,
                                                              const ListOptions& options) {
  v1::WhoProvidesRequest request;
  request.set_name(name);
  request.set_kind(std::string(RelationKindName(kind)));
  DML_RETURN_IF_ERROR(SetVersions(versions, request));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(const auto response,
                       client_.connection().Call(&Calls::WhoProvides, request));
  return ReadMatches(response.matches(), response.next_page_token());
}

absl::StatusOr<ListPage<VariantUse>> UsesClient::WhoUses(const UsesQuery& query,
                                                         const ListOptions& options) {
  v1::WhoUsesRequest request;
  if (query.package.has_value()) request.set_package(query.package->ResourceName());
  request.set_range(query.range);
  request.set_license(query.license);
  request.set_digest(query.digest);
  if (!query.environment.empty()) {
    request.set_environment(wire::EnvironmentResource(query.environment));
  }
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(const auto response,
                       Ask(client_.connection(), &Calls::WhoUses, request,
                           [](const v1::WhoUsesResponse& r) { return r.index(); }));
  return ReadPageBy<VariantUse>(response.uses(), response.next_page_token(), ReadUse);
}

absl::StatusOr<ListPage<RollbackAnswer>> UsesClient::SafeRollbackTargets(
    const PackageName& package, const std::vector<NodeDescription>& nodes,
    const std::string& environment, const std::string& node, const ListOptions& options) {
  v1::SafeRollbackTargetsRequest request;
  for (const NodeDescription& item : nodes) wire::To(item, request.add_nodes());
  if (!environment.empty()) request.set_environment(wire::EnvironmentResource(environment));
  request.set_package(package.ResourceName());
  request.set_node(node);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(const auto response,
                       Ask(client_.connection(), &Calls::SafeRollbackTargets, request,
                           [](const v1::SafeRollbackTargetsResponse& r) { return r.index(); }));
  return ReadPageBy<RollbackAnswer>(response.targets(), response.next_page_token(), ReadTarget);
}

}  // namespace dml
