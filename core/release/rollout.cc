#include "core/release/rollout.h"

#include <utility>

#include "core/base/text.h"

namespace dml {

absl::StatusOr<Rollout> Rollout::Start(RolloutPlan plan, std::vector<RolloutNode> nodes,
                                       Timestamp now) {
  DML_ASSIGN_OR_RETURN(const std::vector<RolloutPlace> places, PlaceNodes(plan, std::move(nodes)));
  return StartPlaced(std::move(plan), places, now);
}

Rollout Rollout::StartPlaced(RolloutPlan plan, const std::vector<RolloutPlace>& nodes,
                             Timestamp now) {
  Rollout out(RolloutProgress::Start(std::move(plan), nodes, now));
  for (const RolloutPlace& place : nodes) {
    out.nodes_.emplace(place.node, NodeProgress{place.wave, NodeStage::kPending});
  }
  return out;
}

NodeStage Rollout::StageOf(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? NodeStage::kPending : found->second.stage;
}

bool Rollout::Wants(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && progress_.Wants(found->second);
}

absl::Status Rollout::Report(std::string_view name, NodeStage stage, Timestamp now) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) {
    return NotFound(ErrorReason("NODE_NOT_FOUND"), "the rollout has no node '{}'", Excerpt(name));
  }
  DML_ASSIGN_OR_RETURN(found->second.stage, progress_.Report(name, found->second, stage, now));
  return absl::OkStatus();
}

}  // namespace dml
