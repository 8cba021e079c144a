#include "core/rules/rollouts.h"

#include <utility>

namespace dml {

RolloutRecord BeginRollout(const RolloutStarted& started, const std::vector<RolloutPlace>& nodes,
                           Timestamp time) {
  RolloutRecord out;
  out.release = started.release;
  out.environment = started.environment;
  out.permit = started.permit;
  out.nodes = started.nodes;
  out.baseline = started.baseline;
  out.progress = RolloutProgress::Start(started.plan, nodes, time).parts();
  out.started = time;
  return out;
}

absl::Status ApplyReport(const NodeReported& report, Timestamp time, RolloutRecord& rollout,
                         RolloutNodeRecord& node) {
  DML_ASSIGN_OR_RETURN(RolloutProgress progress, RolloutProgress::Restore(rollout.progress));
  DML_ASSIGN_OR_RETURN(node.progress.stage,
                       progress.Report(node.node, node.progress, report.stage, time));
  node.reason = report.reason;
  node.report = report.report;
  rollout.progress = progress.parts();
  return absl::OkStatus();
}

absl::Status ApplyAction(const RolloutSteered& steered, Timestamp time, RolloutRecord& rollout) {
  DML_ASSIGN_OR_RETURN(RolloutProgress progress, RolloutProgress::Restore(rollout.progress));
  const auto act = [&]() -> absl::Status {
    switch (steered.action) {
      case RolloutAction::kPause:
        return progress.Pause();
      case RolloutAction::kResume:
        return progress.Resume(time);
      case RolloutAction::kAbort:
        return progress.Halt(steered.reason);
      case RolloutAction::kBackOut:
        return progress.BackOut(steered.reason);
      case RolloutAction::kTick:
        progress.Tick(time);
        break;
    }
    const RolloutProgress::Parts& after = progress.parts();
    if (after.wave != rollout.progress.wave || after.state != rollout.progress.state) {
      return absl::OkStatus();
    }
    return FailedPrecondition(ErrorReason("ROLLOUT_STEP_UNEXPECTED"),
                              "the time that went by changes nothing");
  };
  DML_RETURN_IF_ERROR(act());
  rollout.progress = progress.parts();
  return absl::OkStatus();
}

std::optional<DeploymentEvent> EventOf(DeploymentState before, DeploymentState after) {
  if (before == after) return std::nullopt;
  switch (after) {
    case DeploymentState::kDeployed:
      return DeploymentEvent::kFinish;
    case DeploymentState::kHalted:
      return DeploymentEvent::kHalt;
    case DeploymentState::kBackedOut:
      return DeploymentEvent::kBackOut;
    case DeploymentState::kRollingOut:
      return DeploymentEvent::kResume;
    default:
      return std::nullopt;
  }
}

}  // namespace dml
