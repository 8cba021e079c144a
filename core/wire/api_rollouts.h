// Domain values <-> API messages of rollouts; see core/wire/api.h.
#pragma once

#include "core/journal/rollout_records.h"
#include "core/wire/api.h"
#include "dml/v1/rollout.pb.h"

namespace dml::wire {

/// A rollout with the name of its release, which its record does not have.
struct NamedRollout {
  std::string name;
  std::string version;
  RolloutRecord record;  // The list of its nodes is not told.
};

void To(const RolloutPlan& plan, v1::RolloutPlan* out);
/// ROLLOUT_INVALID, with the field, where it is no plan.
absl::StatusOr<RolloutPlan> From(const v1::RolloutPlan& in);
void To(const NamedRollout& rollout, v1::Rollout* out);
absl::StatusOr<NamedRollout> From(const v1::Rollout& in);
/// `rollout`: of which it is a node.
void To(const RolloutNodeRecord& node, const RolloutRecord& rollout, v1::RolloutNode* out);

/// A node, and whether it is to run the release.
struct WantedNode {
  RolloutNodeRecord record;
  bool wanted = false;
};
absl::StatusOr<WantedNode> From(const v1::RolloutNode& in);

}  // namespace dml::wire
