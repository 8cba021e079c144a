// A rollout: a release going through the nodes of an environment, wave by wave. What happens
// follows from the plan, from what nodes report and from the time, and from nothing else: the same
// reports at the same times give the same rollout. A value; pure; one thread at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/release/rollout_progress.h"

namespace dml {

/// RolloutProgress with the nodes that it counts.
class Rollout {
 public:
  /// As PlaceNodes(), whose errors it has.
  static absl::StatusOr<Rollout> Start(RolloutPlan plan, std::vector<RolloutNode> nodes,
                                       Timestamp now);
  /// Of nodes that were placed before, by a plan that is valid.
  static Rollout StartPlaced(RolloutPlan plan, const std::vector<RolloutPlace>& nodes,
                             Timestamp now);

  /// kRollingOut, kDeployed, kHalted or kBackedOut.
  DeploymentState state() const { return progress_.parts().state; }
  bool is_paused() const { return progress_.parts().paused; }
  /// Of the waves begun, counted from 0.
  size_t wave() const { return progress_.parts().wave; }
  /// Why it was halted; "" where it was not.
  const std::string& reason() const { return progress_.parts().reason; }
  const RolloutProgress& progress() const { return progress_; }

  NodeStage StageOf(std::string_view node) const;
  /// What nodes are to run: the release (true), or what was there before (false).
  bool Wants(std::string_view node) const;
  /// How many nodes have come to each stage.
  std::map<NodeStage, size_t> Counts() const { return progress_.CountsByStage(); }

  /// As of RolloutProgress; NOT_FOUND (NODE_NOT_FOUND).
  absl::Status Report(std::string_view node, NodeStage stage, Timestamp now);
  void Tick(Timestamp now) { progress_.Tick(now); }
  absl::Status Pause() { return progress_.Pause(); }
  absl::Status Resume(Timestamp now) { return progress_.Resume(now); }
  absl::Status Halt(std::string reason) { return progress_.Halt(std::move(reason)); }
  absl::Status BackOut(std::string reason) { return progress_.BackOut(std::move(reason)); }

 private:
  explicit Rollout(RolloutProgress progress) : progress_(std::move(progress)) {}

  RolloutProgress progress_;
  std::map<std::string, NodeProgress, std::less<>> nodes_;
};

}  // namespace dml
