// How far a rollout has come: counts of its nodes by wave and stage, and what follows from them and
// from the time. Which node is where is known elsewhere, so that a report of one of many costs
// little: in Rollout (core/release/rollout.h) and in the views. A value; one thread at a time.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/release/release_state.h"
#include "core/release/rollout_plan.h"

namespace dml {

/// Where a node is.
struct NodeProgress {
  size_t wave = 0;
  NodeStage stage = NodeStage::kPending;
  bool operator==(const NodeProgress&) const = default;
};

class RolloutProgress {
 public:
  using Counts = std::array<uint64_t, kNodeStages>;  // By stage.
  /// All that it is made of, for storing it.
  struct Parts {
    RolloutPlan plan;
    std::vector<Counts> waves;           // One each.
    size_t wave = 0;                     // Of the waves begun, counted from 0.
    std::optional<Timestamp> through{};  // Since when the wave's nodes are confirmed.
    DeploymentState state = DeploymentState::kRollingOut;  // Or deployed, halted, backed out.
    bool paused = false;
    bool backs_out = false;  // Nodes are told to go back.
    std::string reason{};    // Why it was halted or backed out; "" where it was not.
    Timestamp now;           // Never goes back.
    bool operator==(const Parts&) const = default;
  };

  /// `nodes` by wave, of a plan that is valid.
  static RolloutProgress Start(RolloutPlan plan, const std::vector<RolloutPlace>& nodes,
                               Timestamp now);
  /// As it was stored. ROLLOUT_INVALID where that makes no sense.
  static absl::StatusOr<RolloutProgress> Restore(Parts parts);

  const Parts& parts() const { return parts_; }
  /// How many nodes have come to each stage; no zeros.
  std::map<NodeStage, size_t> CountsByStage() const;
  /// What such a node is to run: the release (true), or what was there before (false).
  bool Wants(const NodeProgress& node) const;
  /// When a tick may change something; none: it waits for nodes or people.
  std::optional<Timestamp> DueAt() const;

  /// A node says how far it has come; its stage after that. FAILED_PRECONDITION
  /// (ROLLOUT_STEP_UNEXPECTED) for a step that does not follow, or of a node whose wave has not
  /// begun; `name` is for the message. The same report again changes nothing.
  absl::StatusOr<NodeStage> Report(std::string_view name, const NodeProgress& node, NodeStage stage,
                                   Timestamp now);
  /// Time went by: a wave may begin.
  void Tick(Timestamp now);

  /// No further wave begins until Resume(). ROLLOUT_STEP_UNEXPECTED where it is over.
  absl::Status Pause();
  /// Goes on after Pause(), or after it was halted and not backed out.
  absl::Status Resume(Timestamp now);
  absl::Status Halt(std::string reason);
  /// All nodes that began go back.
  absl::Status BackOut(std::string reason);

  bool operator==(const RolloutProgress&) const = default;

 private:
  explicit RolloutProgress(Parts parts) : parts_(std::move(parts)) {}
  void Settle();
  bool IsThrough(size_t wave) const;
  /// Nodes of all waves, or of those up to one, in stages.
  uint64_t Sum(size_t waves, NodeStage first, NodeStage last) const;
  uint64_t SumAll(NodeStage first, NodeStage last) const {
    return Sum(parts_.waves.size(), first, last);
  }
  void HaltIfTooManyFailed();
  absl::Status Unexpected(std::string_view what) const;

  Parts parts_;
};

}  // namespace dml
