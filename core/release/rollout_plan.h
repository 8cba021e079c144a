// The plan of a rollout: which nodes go together, and what must hold between the waves. Values and
// pure functions; any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/labels.h"
#include "core/base/status.h"

namespace dml {

inline constexpr size_t kMaxRolloutWaves = 100;
inline constexpr size_t kMaxRolloutNodes = 50'000;
inline constexpr size_t kMaxRolloutNodesBytes = 16 << 20;  // Of a list of them.

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
inline constexpr size_t kNodeStages = 7;
std::string_view NodeStageName(NodeStage stage);  // "PENDING", ...

/// Whether a node may report `to` after `from`: each step in order, failing from any step, and back
/// out from whatever it has begun. A step again is no step.
bool MayFollow(NodeStage from, NodeStage to);

/// Some nodes that go together: those with all of these labels, or a share of all nodes.
struct RolloutWave {
  Labels nodes;          // Empty: by `percent`.
  uint32_t percent = 0;  // Of all nodes, those of earlier waves included; rounded up; 1 to 100.
  bool operator==(const RolloutWave&) const = default;
};

struct RolloutPlan {
  std::vector<RolloutWave> waves;    // Nodes that none takes go with the last.
  uint32_t confirmed_percent = 100;  // Of a wave's nodes, before the next one begins; 1 to 100.
  std::chrono::seconds soak{0};      // From then on, before it does; at most kMaxSoak.
  uint32_t failed_percent = 0;       // Of the nodes begun; more than that halts. 0: the first one.
  bool backs_out = true;             // What halts by itself is backed out, too.
  bool operator==(const RolloutPlan&) const = default;
};
inline constexpr std::chrono::hours kMaxSoak{24 * 366};
/// ROLLOUT_INVALID: no wave or too many, a share out of bounds or below that of an earlier wave,
/// labels and a share, no labels and no share.
absl::Status ValidateRolloutPlan(const RolloutPlan& plan);

struct RolloutNode {
  std::string name;
  Labels labels;
};

/// A node in its wave, counted from 0.
struct RolloutPlace {
  std::string node;
  size_t wave = 0;
  bool operator==(const RolloutPlace&) const = default;
};

/// Who goes in which wave, by name; nodes of the same wave are taken in the order of their names.
/// ROLLOUT_INVALID where the plan is, a node is there twice, or there is none or too many.
absl::StatusOr<std::vector<RolloutPlace>> PlaceNodes(const RolloutPlan& plan,
                                                     std::vector<RolloutNode> nodes);

/// The list as it is stored: a line "WAVE NAME" each, by name.
std::string FormatRolloutPlaces(const std::vector<RolloutPlace>& places);
/// ROLLOUT_INVALID for anything that FormatRolloutPlaces() does not write, and for waves that the
/// plan does not have.
absl::StatusOr<std::vector<RolloutPlace>> ParseRolloutPlaces(std::string_view text, size_t waves);

}  // namespace dml
