// What entries about rollouts, overrides and re-evaluations mean for the views.
#include "core/rules/rollout_start.h"
#include "core/rules/rollouts.h"
#include "storage/views/application.h"
#include "storage/views/rollout_keys.h"

namespace dml {

void Application::PutRollout(RolloutRecord record) {
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  Put(view_keys::Rollout(record.environment, record.release), wire::Encode(record));
  const std::string open = view_keys::RolloutOpen(record.environment, record.release);
  if (record.progress.state == DeploymentState::kRollingOut) {
    Put(open, "");
  } else {
    views_.Delete(Table::kViews, open);
  }
}

void Application::PutRolloutNode(const RolloutRecord& rollout, const RolloutNodeRecord& node) {
  Put(view_keys::RolloutNode(rollout.environment, rollout.release, node.node), wire::Encode(node));
}

// The deployment goes where its rollout went.
absl::Status Application::MoveDeployment(const RolloutRecord& rollout, DeploymentState before) {
  const std::optional<DeploymentEvent> event = EventOf(before, rollout.progress.state);
  if (!event.has_value()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(rollout.release));
  DML_ASSIGN_OR_RETURN(auto deployment,
                       state_.FindDeployment(rollout.release, rollout.environment));
  DML_ASSIGN_OR_RETURN(
      DeploymentRecord after,
      AfterEvent(std::move(deployment), release, rollout.environment, *event, entry_.time));
  if (!rollout.progress.reason.empty()) after.reason = rollout.progress.reason;
  PutDeployment(std::move(after));
  return absl::OkStatus();
}

absl::StatusOr<RolloutRecord> Application::ExistingRollout(const Digest& release,
                                                           const std::string& environment) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindRollout(release, environment));
  if (!found.has_value()) return Broken("a rollout that has not begun");
  return *std::move(found);
}

absl::Status Application::operator()(const RolloutStarted& p) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadMetadata(metadata_, p.nodes));
  DML_ASSIGN_OR_RETURN(const std::vector<RolloutPlace> places,
                       ParseRolloutPlaces(text, p.plan.waves.size()));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(p.release, p.environment));
  if (!deployment.has_value()) return Broken("a release that is not approved there");
  DML_ASSIGN_OR_RETURN(DeploymentRecord after, AfterStart(*deployment, release, entry_.time));
  PutDeployment(std::move(after));
  const RolloutRecord rollout = BeginRollout(p, places, entry_.time);
  for (const RolloutPlace& place : places) {
    RolloutNodeRecord node;
    node.node = place.node;
    node.progress.wave = place.wave;
    PutRolloutNode(rollout, node);
  }
  PutRollout(rollout);
  return absl::OkStatus();
}

absl::Status Application::operator()(const NodeReported& p) {
  DML_ASSIGN_OR_RETURN(RolloutRecord rollout, ExistingRollout(p.release, p.environment));
  DML_ASSIGN_OR_RETURN(auto node, state_.FindRolloutNode(p.release, p.environment, p.node));
  if (!node.has_value()) return Broken("a node that is not of the rollout");
  const DeploymentState before = rollout.progress.state;
  DML_RETURN_IF_ERROR(ApplyReport(p, entry_.time, rollout, *node));
  node->index = entry_.index;
  node->time = entry_.time;
  node->author = entry_.author;
  PutRolloutNode(rollout, *node);
  PutRollout(rollout);
  return MoveDeployment(rollout, before);
}

absl::Status Application::operator()(const RolloutSteered& p) {
  DML_ASSIGN_OR_RETURN(RolloutRecord rollout, ExistingRollout(p.release, p.environment));
  const DeploymentState before = rollout.progress.state;
  DML_RETURN_IF_ERROR(ApplyAction(p, entry_.time, rollout));
  PutRollout(rollout);
  return MoveDeployment(rollout, before);
}

absl::Status Application::operator()(const ReleaseOverridden& p) {
  DML_ASSIGN_OR_RETURN(ReleaseRecord record, ExistingRelease(p.release));
  ReleaseEnvelopeRecord envelope;
  envelope.envelope = p.envelope;
  envelope.environment = p.environment;
  envelope.expires = p.expires;
  envelope.requester = p.requester;
  envelope.rules = p.rules;
  envelope.reason = p.reason;
  PutEnvelope(std::move(envelope), record);
  PutRelease(std::move(record));
  return absl::OkStatus();
}

absl::Status Application::operator()(const ReleaseReevaluated& p) {
  Put(view_keys::Reevaluation(p.environment, p.release),
      wire::Encode(ReevaluationRecord{p, entry_.index, entry_.time, entry_.author}));
  return absl::OkStatus();
}

}  // namespace dml
