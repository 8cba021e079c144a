// Rules of rollouts, of what is set aside in an emergency, and of what is found afterwards.
#include <algorithm>

#include "core/gate/release_rules.h"
#include "core/rules/decider.h"
#include "core/rules/rollout_start.h"

namespace dml {
namespace {

constexpr size_t kMaxNodeName = 512;
constexpr size_t kMaxOverriddenRules = 64;

absl::Status EtagMismatch(const RolloutRecord& rollout, std::string_view seen) {
  return Aborted(ErrorReason("ETAG_MISMATCH"),
                 "the rollout in {} is at etag '{}', not '{}': read it again and decide anew",
                 rollout.environment, rollout.Etag(), seen);
}

}  // namespace

absl::StatusOr<RolloutRecord> Decider::ExistingRollout(const Digest& release,
                                                       std::string_view environment) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindRollout(release, environment));
  if (found.has_value()) return *std::move(found);
  return NotFound(ErrorReason("ROLLOUT_NOT_FOUND"), "there is no rollout of release {} in {}",
                  release.ToString(), environment);
}

// Nothing happens any more to what was reviewed.
absl::Status Decider::CheckNotReviewed(const Digest& release, std::string_view environment) const {
  DML_ASSIGN_OR_RETURN(const auto deployment, state_.FindDeployment(release, environment));
  if (!deployment.has_value() || deployment->state != DeploymentState::kReviewed) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("ROLLOUT_STEP_UNEXPECTED"),
                            "what became of the release in {} was reviewed: it is over",
                            environment);
}

absl::Status Decider::CheckPermits(const RolloutStarted& p) const {
  const absl::StatusOr<PermitRecord> permit = ExistingPermit(p.permit);
  if (!permit.ok()) return AtField(permit.status(), "permit");
  const PermitDecided& decided = permit->decided;
  const auto refuse = [&](std::string_view why) {
    return AtField(
        FailedPrecondition(ErrorReason("PERMIT_UNEXPECTED"), "permit {} {}", decided.id, why),
        "permit");
  };
  if (decided.is_back_out) return refuse("is to go back by");
  if (decided.release != p.release || decided.environment != p.environment) {
    return refuse("is for another release or environment");
  }
  if (decided.not_before > now_) {
    return refuse(fmt::format("holds from {} on", FormatTime(decided.not_before)));
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const RolloutStarted& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateRolloutPlan(p.plan), "plan"));
  if (p.nodes.size == 0 || p.nodes.size > kMaxRolloutNodesBytes) {
    return AtField(InvalidArgument(ErrorReason("ROLLOUT_INVALID"),
                                   "a list of nodes has 1 to {} bytes", kMaxRolloutNodesBytes),
                   "nodes");
  }
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  if (release.state == ReleaseState::kWithdrawn) {
    return FailedPrecondition(ErrorReason("RELEASE_WITHDRAWN"), "release {} {} was withdrawn: {}",
                              release.name, release.version, release.withdraw_reason);
  }
  DML_ASSIGN_OR_RETURN(const auto before, state_.FindRollout(p.release, p.environment));
  if (before.has_value()) {
    return AlreadyExists(ErrorReason("ROLLOUT_EXISTS"),
                         "release {} {} goes through {} since {}: make another release to go anew",
                         release.name, release.version, p.environment, FormatTime(before->started));
  }
  DML_ASSIGN_OR_RETURN(const auto deployment, state_.FindDeployment(p.release, p.environment));
  if (!deployment.has_value()) {
    return NotFound(ErrorReason("DEPLOYMENT_NOT_FOUND"), "release {} {} is not approved for {}",
                    release.name, release.version, p.environment);
  }
  DML_RETURN_IF_ERROR(CheckPermits(p));
  return AfterStart(*deployment, release, now_).status();
}

absl::Status Decider::operator()(const NodeReported& p) const {
  DML_RETURN_IF_ERROR(CheckText(p.node, kMaxNodeName, "node"));
  DML_RETURN_IF_ERROR(p.stage == NodeStage::kFailed
                          ? CheckReason(p.reason)
                          : CheckText(p.reason, kMaxEntryReason, "reason"));
  DML_ASSIGN_OR_RETURN(RolloutRecord rollout, ExistingRollout(p.release, p.environment));
  DML_ASSIGN_OR_RETURN(auto node, state_.FindRolloutNode(p.release, p.environment, p.node));
  if (!node.has_value()) {
    return NotFound(ErrorReason("NODE_NOT_FOUND"), "the rollout in {} has no node '{}'",
                    p.environment, p.node);
  }
  if (node->progress.stage == p.stage) {
    return AlreadyExists(ErrorReason("REPORT_REPEATED"), "{} is {} since entry {}", p.node,
                         NodeStageName(p.stage), node->index);
  }
  DML_RETURN_IF_ERROR(CheckNotReviewed(p.release, p.environment));
  return ApplyReport(p, now_, rollout, *node);
}

absl::Status Decider::operator()(const RolloutSteered& p) const {
  const bool needs_reason =
      p.action == RolloutAction::kAbort || p.action == RolloutAction::kBackOut;
  DML_RETURN_IF_ERROR(needs_reason ? CheckReason(p.reason)
                                   : CheckText(p.reason, kMaxEntryReason, "reason"));
  DML_ASSIGN_OR_RETURN(RolloutRecord rollout, ExistingRollout(p.release, p.environment));
  if (p.replaces_etag != rollout.Etag()) return EtagMismatch(rollout, p.replaces_etag);
  DML_RETURN_IF_ERROR(CheckNotReviewed(p.release, p.environment));
  return ApplyAction(p, now_, rollout);
}

absl::Status Decider::operator()(const ReleaseOverridden& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  if (release.state == ReleaseState::kWithdrawn) {
    return FailedPrecondition(ErrorReason("RELEASE_WITHDRAWN"), "release {} {} was withdrawn: {}",
                              release.name, release.version, release.withdraw_reason);
  }
  DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(p.environment), "environment"));
  if (p.rules.empty() || p.rules.size() > kMaxOverriddenRules ||
      !std::ranges::is_sorted(p.rules, std::ranges::less_equal())) {
    return AtField(InvalidArgument(ErrorReason("OVERRIDE_INVALID"),
                                   "1 to {} rules, ascending, are set aside", kMaxOverriddenRules),
                   "rules");
  }
  for (const std::string& rule : p.rules) {
    if (IsOverridable(rule)) continue;
    return AtField(InvalidArgument(ErrorReason("OVERRIDE_INVALID"),
                                   "'{}' is nothing that may be overridden", rule.substr(0, 100)),
                   "rules");
  }
  if (p.expires <= now_ || p.expires > now_ + kMaxOverride) {
    return AtField(
        InvalidArgument(ErrorReason("OVERRIDE_INVALID"), "an override ends within {} h from now on",
                        kMaxOverride.count()),
        "expires");
  }
  if (!std::ranges::binary_search(p.envelope.key_ids, p.requester) ||
      p.envelope.key_ids.size() < 2) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "an override is signed by whoever asks for it, and by another who "
                            "approves of it");
  }
  return CheckEnvelopeIsNew(release, p.envelope);
}

absl::Status Decider::operator()(const ReleaseReevaluated& p) const {
  DML_RETURN_IF_ERROR(ExistingRelease(p.release).status());
  DML_ASSIGN_OR_RETURN(const auto deployment, state_.FindDeployment(p.release, p.environment));
  if (!deployment.has_value()) {
    return NotFound(ErrorReason("DEPLOYMENT_NOT_FOUND"), "the release is not approved for {}",
                    p.environment);
  }
  if (p.new_findings <= p.findings && p.report.size > 0) return absl::OkStatus();
  return InvalidArgument(ErrorReason("REPORT_INVALID"),
                         "what is new is among what is found, and a report says what it is");
}

}  // namespace dml
