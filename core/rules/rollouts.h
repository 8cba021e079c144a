// What rules and projections ask about rollouts, and the one way in which both reckon what an entry
// makes of one. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/journal/entry.h"
#include "core/journal/records.h"
#include "core/journal/rollout_records.h"

namespace dml {

/// The part of the state that is about rollouts; see LibraryState.
class RolloutLookup {
 public:
  template <typename T>
  using Sought = absl::StatusOr<std::optional<T>>;

  virtual ~RolloutLookup() = default;
  virtual Sought<RolloutRecord> FindRollout(const Digest& release,
                                            std::string_view environment) const = 0;
  virtual Sought<RolloutNodeRecord> FindRolloutNode(const Digest& release,
                                                    std::string_view environment,
                                                    std::string_view node) const = 0;
};

/// The rollout before any node reported, at the time of its entry.
RolloutRecord BeginRollout(const RolloutStarted& started, const std::vector<RolloutPlace>& nodes,
                           Timestamp time);
/// Both records after a report. The errors of RolloutProgress::Report.
absl::Status ApplyReport(const NodeReported& report, Timestamp time, RolloutRecord& rollout,
                         RolloutNodeRecord& node);
/// The record after it was steered. The errors of RolloutProgress; ROLLOUT_STEP_UNEXPECTED for a
/// tick that changes nothing.
absl::Status ApplyAction(const RolloutSteered& steered, Timestamp time, RolloutRecord& rollout);

/// What a rollout's going from one state to another is for the deployment; none: nothing.
std::optional<DeploymentEvent> EventOf(DeploymentState before, DeploymentState after);

}  // namespace dml
