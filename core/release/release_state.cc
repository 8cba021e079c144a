#include "core/release/release_state.h"

#include <array>
#include <vector>

#include <fmt/ranges.h>

namespace dml {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"DRAFT", "SEALED", "TESTED", "WITHDRAWN"};
constexpr std::array<std::string_view, 3> kEvents = {"seal", "test", "withdraw"};
constexpr std::array<std::string_view, 8> kDeploymentStates = {
    "NONE", "APPROVED", "PERMITTED", "ROLLING_OUT", "DEPLOYED", "HALTED", "BACKED_OUT", "REVIEWED"};
constexpr std::array<std::string_view, 10> kDeploymentEvents = {
    "approve", "lapse", "permit", "permit-end", "start",
    "finish",  "halt",  "resume", "back-out",   "review"};

using S = ReleaseState;
using E = ReleaseEvent;
constexpr ReleaseTransition kReleaseTable[] = {
    {S::kDraft, E::kSeal, S::kSealed},         {S::kDraft, E::kWithdraw, S::kWithdrawn},
    {S::kSealed, E::kTest, S::kTested},        {S::kSealed, E::kWithdraw, S::kWithdrawn},
    {S::kTested, E::kTest, S::kTested},  // More evidence.
    {S::kTested, E::kWithdraw, S::kWithdrawn},
};

using D = DeploymentState;
using V = DeploymentEvent;
constexpr DeploymentTransition kDeploymentTable[] = {
    {D::kNone, V::kApprove, D::kApproved},
    {D::kApproved, V::kApprove, D::kApproved},  // One more than needed.
    {D::kApproved, V::kLapse, D::kNone},
    {D::kApproved, V::kPermit, D::kPermitted},
    {D::kPermitted, V::kPermit, D::kPermitted},  // For other nodes, or anew.
    {D::kPermitted, V::kPermitEnd, D::kApproved},
    {D::kPermitted, V::kStart, D::kRollingOut},
    {D::kRollingOut, V::kPermit, D::kRollingOut},
    {D::kRollingOut, V::kFinish, D::kDeployed},
    {D::kRollingOut, V::kHalt, D::kHalted},
    {D::kRollingOut, V::kBackOut, D::kBackedOut},
    {D::kHalted, V::kPermit, D::kHalted},
    {D::kHalted, V::kResume, D::kRollingOut},
    {D::kHalted, V::kBackOut, D::kBackedOut},
    {D::kHalted, V::kReview, D::kReviewed},
    {D::kDeployed, V::kHalt, D::kHalted},  // Found to be wrong: it goes back.
    {D::kDeployed, V::kBackOut, D::kBackedOut},
    {D::kDeployed, V::kReview, D::kReviewed},
    {D::kBackedOut, V::kReview, D::kReviewed},
};

// FAILED_PRECONDITION, or the state that follows.
template <typename State, typename Event, typename Table>
absl::StatusOr<State> Follow(const Table& table, State state, Event event,
                             std::string_view state_name, std::string_view event_name,
                             std::string_view (*name_of)(Event)) {
  std::vector<std::string_view> possible;
  for (const auto& line : table) {
    if (line.from != state) continue;
    if (line.event == event) return line.to;
    possible.push_back(name_of(line.event));
  }
  return FailedPrecondition(
      ErrorReason("RELEASE_STATE_UNEXPECTED"), "the release is {}, in which there is no {}; {}",
      state_name, event_name,
      possible.empty() ? "nothing happens to it any more"
                       : fmt::format("what may happen is: {}", fmt::join(possible, ", ")));
}

}  // namespace

std::string_view ReleaseStateName(ReleaseState state) {
  return kStates[static_cast<size_t>(state) - 1];
}
std::string_view ReleaseEventName(ReleaseEvent event) {
  return kEvents[static_cast<size_t>(event) - 1];
}
std::string_view DeploymentStateName(DeploymentState state) {
  return kDeploymentStates[static_cast<size_t>(state) - 1];
}
std::string_view DeploymentEventName(DeploymentEvent event) {
  return kDeploymentEvents[static_cast<size_t>(event) - 1];
}

std::span<const ReleaseTransition> ReleaseTransitions() { return kReleaseTable; }
std::span<const DeploymentTransition> DeploymentTransitions() { return kDeploymentTable; }

absl::StatusOr<ReleaseState> StateAfter(ReleaseState state, ReleaseEvent event) {
  return Follow(kReleaseTable, state, event, ReleaseStateName(state), ReleaseEventName(event),
                &ReleaseEventName);
}

absl::StatusOr<DeploymentState> StateAfter(DeploymentState state, DeploymentEvent event) {
  return Follow(kDeploymentTable, state, event, DeploymentStateName(state),
                DeploymentEventName(event), &DeploymentEventName);
}

}  // namespace dml
