// A rollout: a release going through the nodes of an environment, wave by wave. What happens
// follows from the plan, from what nodes report and from the time, and from nothing else: the same
// reports at the same times give the same rollout. A value; pure; one thread at a time.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/labels.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/release/release_state.h"

namespace dml {

/// How far a node has come, by its own reports. "Installed" is what it says after it did so.
enum class NodeStage {
  kPending = 1,
  kStaged,
  kInstalled,
  kActive,
  kConfirmed,
  kFailed,
  kBackedOut
};
std::string_view NodeStageName(NodeStage stage);  // "PENDING", ...

/// Whether a node may report `to` after `from`: each step in order, failing from any step, and back
/// out from whatever it has begun. A step again is no step.
bool MayFollow(NodeStage from, NodeStage to);

/// Some nodes that go together: those with all of these labels, or a share of all nodes.
struct RolloutWave {
  Labels nodes;          // Empty: by `percent`.
  uint32_t percent = 0;  // Of all nodes, those of earlier waves included; rounded up; 1 to 100.
};

struct RolloutPlan {
  std::vector<RolloutWave> waves;    // Nodes that none takes go with the last.
  uint32_t confirmed_percent = 100;  // Of a wave's nodes, before the next one begins; 1 to 100.
  std::chrono::seconds soak{0};      // From then on, before it does.
  uint32_t failed_percent = 0;       // Of the nodes begun; more than that halts. 0: the first one.
  bool backs_out = true;             // What halts by itself is backed out, too.
};
/// ROLLOUT_INVALID: no wave, a share out of bounds or below that of an earlier wave, labels and a
/// share, no labels and no share.
absl::Status ValidateRolloutPlan(const RolloutPlan& plan);

struct RolloutNode {
  std::string name;
  Labels labels;
};

class Rollout {
 public:
  /// Nodes of the same wave go in the order of their names. ROLLOUT_INVALID where a node is there
  /// twice, or there is none.
  static absl::StatusOr<Rollout> Start(RolloutPlan plan, std::vector<RolloutNode> nodes,
                                       Timestamp now);

  /// kRollingOut, kDeployed, kHalted or kBackedOut.
  DeploymentState state() const { return state_; }
  bool is_paused() const { return paused_; }
  /// Of the waves begun, counted from 0.
  size_t wave() const { return wave_; }
  /// Why it was halted; "" where it was not.
  const std::string& reason() const { return reason_; }

  NodeStage StageOf(std::string_view node) const;
  /// What nodes are to run: the release (true), or what was there before (false).
  bool Wants(std::string_view node) const;
  /// How many nodes have come to each stage.
  std::map<NodeStage, size_t> Counts() const;

  /// A node says how far it has come. NOT_FOUND (NODE_NOT_FOUND); FAILED_PRECONDITION
  /// (ROLLOUT_STEP_UNEXPECTED) for a step that does not follow, or of a node whose wave has not
  /// begun. The same report again changes nothing.
  absl::Status Report(std::string_view node, NodeStage stage, Timestamp now);
  /// Time went by: a wave may begin. Never goes back.
  void Tick(Timestamp now);

  /// No further wave begins until Resume(). ROLLOUT_STEP_UNEXPECTED where it is over.
  absl::Status Pause();
  /// Goes on after Pause(), or after it was halted and not backed out.
  absl::Status Resume(Timestamp now);
  absl::Status Halt(std::string reason);
  /// All nodes that began go back.
  absl::Status BackOut(std::string reason);

 private:
  struct Node {
    size_t wave = 0;
    NodeStage stage = NodeStage::kPending;
  };

  Rollout(RolloutPlan plan, Timestamp now) : plan_(std::move(plan)), now_(now) {}
  void Settle();
  bool IsThrough(size_t wave) const;
  void HaltIfTooManyFailed();
  absl::Status Unexpected(std::string_view what) const;

  RolloutPlan plan_;
  std::map<std::string, Node, std::less<>> nodes_;
  size_t waves_ = 0;  // That have nodes, or had.
  size_t wave_ = 0;
  std::optional<Timestamp> through_;  // Since when the wave's nodes are confirmed.
  DeploymentState state_ = DeploymentState::kRollingOut;
  bool paused_ = false;
  bool backs_out_ = false;
  std::string reason_;
  Timestamp now_;
};

}  // namespace dml
