#include "client/rollouts.h"

#include "client/calls.h"
#include "client/stall_guard.h"
#include "core/wire/api_releases.h"
#include "core/wire/api_rollouts.h"
#include "dml/v1/rollout.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::RolloutService::Stub;

// A stream says something three times as often.
constexpr std::chrono::seconds kWatchSilence(60);

template <typename Request>
Request About(const ReleaseName& release, const std::string& environment) {
  Request request;
  request.set_release(wire::ReleaseResource(release.name, release.version));
  request.set_environment(wire::EnvironmentResource(environment));
  return request;
}

absl::StatusOr<RolloutDetails> ReadRollout(const v1::Rollout& in) {
  DML_ASSIGN_OR_RETURN(wire::NamedRollout rollout, wire::From(in));
  return RolloutDetails{{std::move(rollout.name), std::move(rollout.version)},
                        std::move(rollout.record)};
}

// With validate_only there may be nothing to read.
template <typename Done>
absl::StatusOr<Committed<RolloutDetails>> CommittedRollout(Done done) {
  Committed<RolloutDetails> out;
  out.commit = std::move(done.commit);
  if (!done.response.has_rollout()) return out;
  DML_ASSIGN_OR_RETURN(out.value, Answered(ReadRollout(done.response.rollout())));
  return out;
}

// One stream, to its end or until `visit` has had enough; an error where it broke.
absl::Status WatchOnce(Connection& connection, const v1::WatchRolloutRequest& request,
                       const std::function<bool(const RolloutDetails&)>& visit,
                       std::optional<uint64_t>& told, Backoff& backoff) {
  grpc::ClientContext context;
  StallGuard guard(context, kWatchSilence);
  Calls stub(connection.channel());
  const auto stream = stub.WatchRollout(&context, request);
  v1::WatchRolloutResponse message;
  absl::Status refused;
  bool enough = false;
  while (!enough && refused.ok() && stream->Read(&message)) {
    guard.Progress();
    backoff.Reset();
    const absl::StatusOr<RolloutDetails> rollout = Answered(ReadRollout(message.rollout()));
    refused = rollout.status();
    // The same again only shows that the stream is alive.
    if (!rollout.ok() || told == rollout->record.index) continue;
    told = rollout->record.index;
    enough = !visit(*rollout);
  }
  if (enough || !refused.ok()) context.TryCancel();
  const absl::Status ended = guard.Ended(connection.Received(stream->Finish()));
  if (enough) return absl::OkStatus();
  DML_RETURN_IF_ERROR(refused);
  return ended;
}

}  // namespace

absl::StatusOr<Committed<RolloutDetails>> RolloutClient::Start(const ReleaseName& release,
                                                               const std::string& environment,
                                                               const std::string& permit,
                                                               const RolloutPlan& plan,
                                                               const MutationOptions& options) {
  auto request = About<v1::StartRolloutRequest>(release, environment);
  request.set_permit(permit);
  wire::To(plan, request.mutable_plan());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<RolloutStarted>(client_.connection(), &Calls::StartRollout,
                                                         std::move(request), options));
  return CommittedRollout(std::move(done));
}

absl::StatusOr<Committed<RolloutDetails>> RolloutClient::Report(
    const ReleaseName& release, const std::string& environment, const std::string& node,
    NodeStage stage, const std::string& reason, const std::string& report,
    const MutationOptions& options) {
  auto request = About<v1::ReportNodeRequest>(release, environment);
  request.set_node(node);
  request.set_stage(static_cast<v1::RolloutNode::Stage>(stage));
  request.set_reason(reason);
  request.set_report(report);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<NodeReported>(client_.connection(), &Calls::ReportNode,
                                                       std::move(request), options));
  return CommittedRollout(std::move(done));
}

absl::StatusOr<RolloutNodeDetails> RolloutClient::AskNode(const ReleaseName& release,
                                                          const std::string& environment,
                                                          const std::string& node,
                                                          NodeStage stage) {
  auto request = About<v1::ReportNodeRequest>(release, environment);
  request.set_node(node);
  request.set_stage(static_cast<v1::RolloutNode::Stage>(stage));
  request.set_reason("asks whether it may");
  request.set_validate_only(true);
  DML_ASSIGN_OR_RETURN(const auto response, client_.connection().Call(&Calls::ReportNode, request));
  if (!response.has_node()) return BadAnswer("a node's answer has no node");
  DML_ASSIGN_OR_RETURN(auto found, Answered(wire::From(response.node())));
  return RolloutNodeDetails{std::move(found.record), found.wanted};
}

absl::StatusOr<Committed<RolloutDetails>> RolloutClient::Steer(
    const ReleaseName& release, const std::string& environment, RolloutAction action,
    const std::string& reason, const std::string& etag, const MutationOptions& options) {
  const auto steer = [&](auto method, auto request) -> absl::StatusOr<Committed<RolloutDetails>> {
    request.set_etag(etag);
    if constexpr (requires { request.set_reason(reason); }) request.set_reason(reason);
    DML_ASSIGN_OR_RETURN(auto done, Mutate<RolloutSteered>(client_.connection(), method,
                                                           std::move(request), options));
    return CommittedRollout(std::move(done));
  };
  switch (action) {
    case RolloutAction::kPause:
      return steer(&Calls::PauseRollout, About<v1::PauseRolloutRequest>(release, environment));
    case RolloutAction::kResume:
      return steer(&Calls::ResumeRollout, About<v1::ResumeRolloutRequest>(release, environment));
    case RolloutAction::kAbort:
      return steer(&Calls::AbortRollout, About<v1::AbortRolloutRequest>(release, environment));
    case RolloutAction::kBackOut:
      return steer(&Calls::BackOutRollout, About<v1::BackOutRolloutRequest>(release, environment));
    case RolloutAction::kTick:
      break;
  }
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "time goes by itself");
}

absl::StatusOr<RolloutDetails> RolloutClient::Get(const ReleaseName& release,
                                                  const std::string& environment) {
  DML_ASSIGN_OR_RETURN(
      auto response, client_.connection().Call(&Calls::GetRollout,
                                               About<v1::GetRolloutRequest>(release, environment)));
  return Answered(ReadRollout(response.rollout()));
}

absl::StatusOr<ListPage<RolloutDetails>> RolloutClient::List(const std::string& environment,
                                                             const ListOptions& options) {
  v1::ListRolloutsRequest request;
  if (!environment.empty()) request.set_environment(wire::EnvironmentResource(environment));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListRollouts, request));
  return ReadPageBy<RolloutDetails>(response.rollouts(), response.next_page_token(),
                                    [](const auto& item) { return ReadRollout(item); });
}

absl::StatusOr<ListPage<RolloutNodeDetails>> RolloutClient::Nodes(const ReleaseName& release,
                                                                  const std::string& environment,
                                                                  const ListOptions& options) {
  auto request = About<v1::ListRolloutNodesRequest>(release, environment);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListRolloutNodes, request));
  return ReadPageBy<RolloutNodeDetails>(
      response.nodes(), response.next_page_token(),
      [](const auto& item) -> absl::StatusOr<RolloutNodeDetails> {
        DML_ASSIGN_OR_RETURN(wire::WantedNode node, wire::From(item));
        return RolloutNodeDetails{std::move(node.record), node.wanted};
      });
}

absl::Status RolloutClient::Watch(const ReleaseName& release, const std::string& environment,
                                  const std::function<bool(const RolloutDetails&)>& visit) {
  Connection& connection = client_.connection();
  Backoff backoff = connection.NewBackoff(connection.channel());
  const auto request = About<v1::WatchRolloutRequest>(release, environment);
  std::optional<uint64_t> told;
  while (true) {
    const absl::Status ended = WatchOnce(connection, request, visit, told, backoff);
    if (ended.ok() || !backoff.WaitAfter(ended)) return ended;
  }
}

}  // namespace dml
