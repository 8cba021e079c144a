// The states of a release, and of a release in one environment. Nobody sets a state: something
// happens, and the table says what follows. Pure functions; any thread.
#pragma once

#include <span>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// A draft is a file of whoever writes it; the library knows a release from its sealing on.
enum class ReleaseState { kDraft = 1, kSealed, kTested, kWithdrawn };
enum class ReleaseEvent {
  kSeal = 1,  // Its exact bytes are signed, and stored.
  kTest,      // The evidence that it requires is there.
  kWithdraw,
};

/// In one environment. kNone: nobody has approved it there.
enum class DeploymentState {
  kNone = 1,
  kApproved,
  kPermitted,
  kRollingOut,
  kDeployed,
  kHalted,
  kBackedOut,
  kReviewed,  // Somebody looked at how it went. The end.
};
enum class DeploymentEvent {
  kApprove = 1,  // Somebody did; whether enough have is for the gate to say.
  kLapse,        // An approval expired, or was taken back, so that too few are left.
  kPermit,       // A permit was given.
  kPermitEnd,    // The last permit expired or was revoked, and nothing had started.
  kStart,        // A node took the first step.
  kFinish,       // All nodes have it.
  kHalt,
  kResume,
  kBackOut,
  kReview,
};

std::string_view ReleaseStateName(ReleaseState state);        // "DRAFT", ...
std::string_view ReleaseEventName(ReleaseEvent event);        // "seal", ...
std::string_view DeploymentStateName(DeploymentState state);  // "NONE", "APPROVED", ...
std::string_view DeploymentEventName(DeploymentEvent event);  // "approve", "permit-end", ...

/// One line of the table.
struct ReleaseTransition {
  ReleaseState from;
  ReleaseEvent event;
  ReleaseState to;
};
struct DeploymentTransition {
  DeploymentState from;
  DeploymentEvent event;
  DeploymentState to;
};
std::span<const ReleaseTransition> ReleaseTransitions();
std::span<const DeploymentTransition> DeploymentTransitions();

/// The state that follows. FAILED_PRECONDITION (RELEASE_STATE_UNEXPECTED), saying what the state is
/// and what may happen in it.
absl::StatusOr<ReleaseState> StateAfter(ReleaseState state, ReleaseEvent event);
absl::StatusOr<DeploymentState> StateAfter(DeploymentState state, DeploymentEvent event);

}  // namespace dml
