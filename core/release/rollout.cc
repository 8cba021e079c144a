#include "core/release/rollout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("ROLLOUT_INVALID");
constexpr std::array<std::string_view, 7> kStages = {"PENDING",   "STAGED", "INSTALLED", "ACTIVE",
                                                     "CONFIRMED", "FAILED", "BACKED_OUT"};

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

// As many as `percent` of `total` are, rounded up.
size_t ShareOf(size_t total, uint32_t percent) { return (total * percent + 99) / 100; }

bool HasBegun(NodeStage stage) { return stage != NodeStage::kPending; }

absl::Status CheckWave(const RolloutWave& wave, uint32_t& share) {
  if (wave.nodes.empty() == (wave.percent == 0)) {
    return InvalidArgument(kInvalid, "a wave has labels of its nodes, or a share of all of them");
  }
  if (!wave.nodes.empty()) return absl::OkStatus();
  if (wave.percent > 100 || wave.percent <= share) {
    return InvalidArgument(kInvalid,
                           "a share is of 1 to 100 percent, more than that of the wave before, "
                           "not {}",
                           wave.percent);
  }
  share = wave.percent;
  return absl::OkStatus();
}

}  // namespace

std::string_view NodeStageName(NodeStage stage) { return kStages[static_cast<size_t>(stage) - 1]; }

bool MayFollow(NodeStage from, NodeStage to) {
  if (to == NodeStage::kFailed) {
    return from != NodeStage::kFailed && from != NodeStage::kBackedOut;
  }
  if (to == NodeStage::kBackedOut) {
    return from != NodeStage::kPending && from != NodeStage::kBackedOut;
  }
  return from < NodeStage::kConfirmed && static_cast<int>(to) == static_cast<int>(from) + 1;
}

absl::Status ValidateRolloutPlan(const RolloutPlan& plan) {
  if (plan.waves.empty()) return InvalidArgument(kInvalid, "a rollout has at least one wave");
  if (plan.confirmed_percent < 1 || plan.confirmed_percent > 100 || plan.failed_percent > 100) {
    return InvalidArgument(kInvalid, "shares are of at most 100 percent, and some are confirmed");
  }
  if (plan.soak < std::chrono::seconds(0)) {
    return InvalidArgument(kInvalid, "a wave does not soak for less than no time");
  }
  uint32_t share = 0;
  for (size_t i = 0; i < plan.waves.size(); ++i) {
    DML_RETURN_IF_ERROR(AtField(CheckWave(plan.waves[i], share), fmt::format("waves[{}]", i)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Rollout> Rollout::Start(RolloutPlan plan, std::vector<RolloutNode> nodes,
                                       Timestamp now) {
  DML_RETURN_IF_ERROR(ValidateRolloutPlan(plan));
  if (nodes.empty()) return InvalidArgument(kInvalid, "there is no node to go to");
  std::ranges::sort(nodes, {}, &RolloutNode::name);
  Rollout out(std::move(plan), now);
  const std::vector<RolloutWave>& waves = out.plan_.waves;
  for (const RolloutNode& node : nodes) {
    if (!out.nodes_.emplace(node.name, Node{waves.size() - 1, NodeStage::kPending}).second) {
      return InvalidArgument(kInvalid, "node '{}' is there twice", Excerpt(node.name));
    }
  }
  std::vector<const RolloutNode*> left;
  for (const RolloutNode& node : nodes) left.push_back(&node);
  for (size_t i = 0; i + 1 < waves.size(); ++i) {
    const size_t taken = nodes.size() - left.size();
    const size_t goal = ShareOf(nodes.size(), waves[i].percent);
    size_t room = goal > taken ? goal - taken : 0;
    std::erase_if(left, [&](const RolloutNode* node) {
      const bool goes = waves[i].nodes.empty() ? room > 0 : HasAll(node->labels, waves[i].nodes);
      if (!goes) return false;
      if (room > 0) --room;
      out.nodes_.find(node->name)->second.wave = i;
      return true;
    });
  }
  out.waves_ = waves.size();
  out.Settle();
  return out;
}

NodeStage Rollout::StageOf(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? NodeStage::kPending : found->second.stage;
}

bool Rollout::Wants(std::string_view node) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || backs_out_) return false;
  const bool has_begun = HasBegun(found->second.stage);
  // Halted: what has begun stays where it is, and nothing new begins.
  return state_ == DeploymentState::kHalted || paused_ ? has_begun : found->second.wave <= wave_;
}

std::map<NodeStage, size_t> Rollout::Counts() const {
  std::map<NodeStage, size_t> out;
  for (const auto& [name, node] : nodes_) ++out[node.stage];
  return out;
}

absl::Status Rollout::Unexpected(std::string_view what) const {
  return FailedPrecondition(ErrorReason("ROLLOUT_STEP_UNEXPECTED"), "the rollout is {}{}: {}",
                            DeploymentStateName(state_), paused_ ? ", paused" : "", what);
}

absl::Status Rollout::Report(std::string_view name, NodeStage stage, Timestamp now) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) {
    return NotFound(ErrorReason("NODE_NOT_FOUND"), "the rollout has no node '{}'", Excerpt(name));
  }
  Node& node = found->second;
  if (node.stage == stage) return absl::OkStatus();
  if (!MayFollow(node.stage, stage)) {
    return Unexpected(fmt::format("{} comes after {} on no node", NodeStageName(stage),
                                  NodeStageName(node.stage)));
  }
  if (node.wave > wave_) {
    return Unexpected(fmt::format("wave {} of node {} has not begun", node.wave, name));
  }
  if (stage == NodeStage::kBackedOut && !backs_out_ && node.stage != NodeStage::kFailed) {
    return Unexpected(fmt::format("node {} was not told to go back", name));
  }
  now_ = std::max(now_, now);
  node.stage = stage;
  HaltIfTooManyFailed();
  Settle();
  return absl::OkStatus();
}

void Rollout::HaltIfTooManyFailed() {
  if (state_ != DeploymentState::kRollingOut) return;
  size_t failed = 0;
  size_t begun = 0;
  for (const auto& [name, node] : nodes_) {
    if (node.wave <= wave_) ++begun;
    if (node.stage == NodeStage::kFailed || node.stage == NodeStage::kBackedOut) ++failed;
  }
  if (failed == 0 || failed * 100 <= begun * plan_.failed_percent) return;
  reason_ = fmt::format("{} of {} nodes failed", failed, begun);
  state_ = DeploymentState::kHalted;
  backs_out_ = plan_.backs_out;
}

bool Rollout::IsThrough(size_t wave) const {
  size_t all = 0;
  size_t confirmed = 0;
  size_t open = 0;  // Neither confirmed nor given up.
  for (const auto& [name, node] : nodes_) {
    if (node.wave != wave) continue;
    ++all;
    if (node.stage == NodeStage::kConfirmed) ++confirmed;
    if (node.stage < NodeStage::kConfirmed) ++open;
  }
  // The last wave is through when nothing is open: that is the end.
  if (wave + 1 == waves_ && open > 0) return false;
  return confirmed * 100 >= all * plan_.confirmed_percent;
}

// Goes as far as the time and the reports let it.
void Rollout::Settle() {
  if (backs_out_) {
    const bool is_back = std::ranges::all_of(nodes_, [](const auto& item) {
      return !HasBegun(item.second.stage) || item.second.stage == NodeStage::kBackedOut;
    });
    if (is_back) state_ = DeploymentState::kBackedOut;
    return;
  }
  while (state_ == DeploymentState::kRollingOut && !paused_) {
    if (!IsThrough(wave_)) {
      through_.reset();  // A node may have failed since.
      return;
    }
    if (!through_.has_value()) through_ = now_;
    if (now_ < *through_ + plan_.soak) return;
    through_.reset();
    if (wave_ + 1 < waves_) {
      ++wave_;
      continue;
    }
    // Some of earlier waves may still be on their way.
    const bool is_done = std::ranges::none_of(
        nodes_, [](const auto& item) { return item.second.stage < NodeStage::kConfirmed; });
    if (!is_done) return;
    state_ = DeploymentState::kDeployed;
  }
}

void Rollout::Tick(Timestamp now) {
  now_ = std::max(now_, now);
  Settle();
}

absl::Status Rollout::Pause() {
  if (state_ != DeploymentState::kRollingOut) return Unexpected("there is nothing to pause");
  paused_ = true;
  return absl::OkStatus();
}

absl::Status Rollout::Resume(Timestamp now) {
  const bool is_halted = state_ == DeploymentState::kHalted && !backs_out_;
  if (!paused_ && !is_halted) return Unexpected("there is nothing to resume");
  paused_ = false;
  state_ = DeploymentState::kRollingOut;
  reason_.clear();
  Tick(now);
  return absl::OkStatus();
}

absl::Status Rollout::Halt(std::string reason) {
  if (state_ != DeploymentState::kRollingOut) return Unexpected("there is nothing to halt");
  state_ = DeploymentState::kHalted;
  reason_ = std::move(reason);
  return absl::OkStatus();
}

absl::Status Rollout::BackOut(std::string reason) {
  if (backs_out_) return Unexpected("it goes back already");
  if (!reason.empty()) reason_ = std::move(reason);
  backs_out_ = true;
  paused_ = false;
  state_ = DeploymentState::kHalted;
  Settle();
  return absl::OkStatus();
}

}  // namespace dml
