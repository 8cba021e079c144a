// Rules of releases: what is sealed is so for ever, and states follow the table of
// core/release/release_state.h.
#include <algorithm>

#include "core/rules/decider.h"

namespace dml {
namespace {

absl::Status EtagMismatch(std::string_view what, std::string_view current, std::string_view seen) {
  return Aborted(ErrorReason("ETAG_MISMATCH"),
                 "{} is at etag '{}', not '{}': read it again and decide anew", what, current,
                 seen);
}

absl::Status CheckLive(const ReleaseRecord& release) {
  if (release.state != ReleaseState::kWithdrawn) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("RELEASE_WITHDRAWN"), "release {} {} was withdrawn: {}",
                            release.name, release.version, release.withdraw_reason);
}

}  // namespace

absl::StatusOr<ReleaseRecord> Decider::ExistingRelease(const Digest& document) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindRelease(document));
  if (found.has_value()) return *std::move(found);
  return AtField(
      NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no release {} was sealed", document.ToString()),
      "release");
}

// One more envelope of a release, which it has not yet.
absl::Status Decider::CheckEnvelopeIsNew(const ReleaseRecord& release,
                                         const ReleaseEnvelope& envelope) const {
  if (envelope.key_ids.empty()) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"), "nobody's good signature is on it");
  }
  DML_ASSIGN_OR_RETURN(
      auto found, state_.FindReleaseEnvelope(release.document.digest, envelope.envelope.digest));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("RELEASE_ENVELOPE_EXISTS"),
                         "this very envelope is attached to the release since entry {}",
                         found->index);
  }
  if (release.envelope_count < kMaxReleaseEnvelopes) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("ATTESTATION_LIMIT"),
                            "release {} {} has {} envelopes, as many as it may", release.name,
                            release.version, kMaxReleaseEnvelopes);
}

absl::Status Decider::operator()(const ReleaseSealed& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(p.name), "name"));
  DML_RETURN_IF_ERROR(AtField(ValidateVersionText(p.version), "version"));
  for (const std::string& environment : p.environments) {
    DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(environment), "environments"));
  }
  if (p.seal.key_ids.empty()) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"), "nobody's good signature is on it");
  }
  DML_ASSIGN_OR_RETURN(auto same, state_.FindRelease(p.document.digest));
  DML_ASSIGN_OR_RETURN(auto named, state_.FindRelease(p.name, p.version));
  const auto& found = named.has_value() ? named : same;
  if (!found.has_value()) return absl::OkStatus();
  return AlreadyExists(ErrorReason("RELEASE_EXISTS"),
                       "release {} {} was sealed at entry {} as {}; give another version",
                       found->name, found->version, found->index,
                       found->document.digest.ToString());
}

absl::Status Decider::operator()(const ReleaseAttested& p) const {
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_RETURN_IF_ERROR(CheckLive(release));
  DML_RETURN_IF_ERROR(CheckEnvelopeIsNew(release, p.attestation));
  return AfterAttestation(release, p.attestation.predicate_type).status();
}

absl::Status Decider::operator()(const ReleaseApproved& p) const {
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_RETURN_IF_ERROR(CheckLive(release));
  DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(p.environment), "environment"));
  const bool is_for = std::ranges::any_of(release.environments, [&](const std::string& name) {
    return CoversEnvironment(name, p.environment);
  });
  if (!is_for) {
    return AtField(
        InvalidArgument(ErrorReason("ENVIRONMENT_UNEXPECTED"), "release {} {} is not for {}",
                        release.name, release.version, p.environment),
        "environment");
  }
  if (p.expires <= now_) {
    return FailedPrecondition(ErrorReason("APPROVAL_EXPIRED"), "the approval expired on {}",
                              FormatTime(p.expires));
  }
  DML_RETURN_IF_ERROR(CheckEnvelopeIsNew(release, p.approval));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(p.release, p.environment));
  // Further approvals change nothing once it is permitted, but are good for later permits.
  if (deployment.has_value() && deployment->state != DeploymentState::kNone &&
      deployment->state != DeploymentState::kReviewed) {
    return absl::OkStatus();
  }
  return AfterEvent(deployment, release, p.environment, DeploymentEvent::kApprove, now_).status();
}

absl::Status Decider::operator()(const ReleaseWithdrawn& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_RETURN_IF_ERROR(StateAfter(release.state, ReleaseEvent::kWithdraw).status());
  if (p.replaces_etag == release.Etag()) return absl::OkStatus();
  return EtagMismatch(fmt::format("release {} {}", release.name, release.version), release.Etag(),
                      p.replaces_etag);
}

absl::Status Decider::operator()(const ReleaseMoved& p) const {
  if (p.event < DeploymentEvent::kStart) {
    return AtField(InvalidArgument(ErrorReason("EVENT_INVALID"),
                                   "'{}' follows from approvals and permits alone",
                                   DeploymentEventName(p.event)),
                   "event");
  }
  const bool needs_reason = p.event == DeploymentEvent::kHalt ||
                            p.event == DeploymentEvent::kBackOut ||
                            p.event == DeploymentEvent::kReview;
  DML_RETURN_IF_ERROR(needs_reason ? CheckReason(p.reason)
                                   : CheckText(p.reason, kMaxEntryReason, "reason"));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(p.release, p.environment));
  if (!deployment.has_value()) {
    return NotFound(ErrorReason("DEPLOYMENT_NOT_FOUND"), "release {} {} is not approved for {}",
                    release.name, release.version, p.environment);
  }
  DML_ASSIGN_OR_RETURN(const auto rollout, state_.FindRollout(p.release, p.environment));
  if (rollout.has_value() && p.event != DeploymentEvent::kReview) {
    return FailedPrecondition(ErrorReason("ROLLOUT_EXISTS"),
                              "a rollout moves release {} {} in {}: steer that (dml rollout)",
                              release.name, release.version, p.environment);
  }
  if (p.replaces_etag != deployment->Etag()) {
    return EtagMismatch(
        fmt::format("release {} {} in {}", release.name, release.version, p.environment),
        deployment->Etag(), p.replaces_etag);
  }
  return AfterEvent(deployment, release, p.environment, p.event, now_).status();
}

}  // namespace dml
