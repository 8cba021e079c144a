#include "core/release/rollout_progress.h"

#include <algorithm>
#include <utility>

namespace dml {
namespace {

size_t At(NodeStage stage) { return static_cast<size_t>(stage) - 1; }

}  // namespace

RolloutProgress RolloutProgress::Start(RolloutPlan plan, const std::vector<RolloutPlace>& nodes,
                                       Timestamp now) {
  Parts parts;
  parts.waves.resize(plan.waves.size());
  for (const RolloutPlace& node : nodes) ++parts.waves.at(node.wave)[At(NodeStage::kPending)];
  parts.plan = std::move(plan);
  parts.now = now;
  RolloutProgress out(std::move(parts));
  out.Settle();
  return out;
}

absl::StatusOr<RolloutProgress> RolloutProgress::Restore(Parts parts) {
  DML_RETURN_IF_ERROR(ValidateRolloutPlan(parts.plan));
  const bool is_state =
      parts.state >= DeploymentState::kRollingOut && parts.state <= DeploymentState::kBackedOut;
  if (parts.waves.size() != parts.plan.waves.size() || parts.wave >= parts.waves.size() ||
      !is_state) {
    return InvalidArgument(ErrorReason("ROLLOUT_INVALID"), "a rollout is not of its plan");
  }
  return RolloutProgress(std::move(parts));
}

uint64_t RolloutProgress::Sum(size_t waves, NodeStage first, NodeStage last) const {
  uint64_t out = 0;
  for (size_t wave = 0; wave < waves; ++wave) {
    for (size_t stage = At(first); stage <= At(last); ++stage) out += parts_.waves[wave][stage];
  }
  return out;
}

std::map<NodeStage, size_t> RolloutProgress::CountsByStage() const {
  std::map<NodeStage, size_t> out;
  for (int stage = 1; stage <= static_cast<int>(kNodeStages); ++stage) {
    const auto one = static_cast<NodeStage>(stage);
    if (const uint64_t count = SumAll(one, one); count > 0) out[one] = count;
  }
  return out;
}

bool RolloutProgress::Wants(const NodeProgress& node) const {
  if (parts_.backs_out) return false;
  // Halted: what has begun stays where it is, and nothing new begins.
  return parts_.state == DeploymentState::kHalted || parts_.paused
             ? node.stage != NodeStage::kPending
             : node.wave <= parts_.wave;
}

std::optional<Timestamp> RolloutProgress::DueAt() const {
  const bool waits =
      parts_.state == DeploymentState::kRollingOut && !parts_.paused && parts_.through.has_value();
  if (!waits) return std::nullopt;
  const Timestamp due = *parts_.through + parts_.plan.soak;
  // What is due and has not happened waits for nodes of earlier waves.
  if (due <= parts_.now) return std::nullopt;
  return due;
}

absl::Status RolloutProgress::Unexpected(std::string_view what) const {
  return FailedPrecondition(ErrorReason("ROLLOUT_STEP_UNEXPECTED"), "the rollout is {}{}: {}",
                            DeploymentStateName(parts_.state), parts_.paused ? ", paused" : "",
                            what);
}

absl::StatusOr<NodeStage> RolloutProgress::Report(std::string_view name, const NodeProgress& node,
                                                  NodeStage stage, Timestamp now) {
  if (node.stage == stage) return stage;
  if (!MayFollow(node.stage, stage)) {
    return Unexpected(fmt::format("{} comes after {} on no node", NodeStageName(stage),
                                  NodeStageName(node.stage)));
  }
  if (node.wave > parts_.wave) {
    return Unexpected(fmt::format("wave {} of node {} has not begun", node.wave, name));
  }
  if (stage == NodeStage::kBackedOut && !parts_.backs_out && node.stage != NodeStage::kFailed) {
    return Unexpected(fmt::format("node {} was not told to go back", name));
  }
  Counts& counts = parts_.waves.at(node.wave);
  if (counts[At(node.stage)] == 0) {
    return DataLoss(ErrorReason("ROLLOUT_INVALID"), "node {} is counted nowhere", name);
  }
  parts_.now = std::max(parts_.now, now);
  --counts[At(node.stage)];
  ++counts[At(stage)];
  HaltIfTooManyFailed();
  Settle();
  return stage;
}

void RolloutProgress::HaltIfTooManyFailed() {
  if (parts_.state != DeploymentState::kRollingOut) return;
  const uint64_t failed = SumAll(NodeStage::kFailed, NodeStage::kBackedOut);
  const uint64_t begun = Sum(parts_.wave + 1, NodeStage::kPending, NodeStage::kBackedOut);
  if (failed == 0 || failed * 100 <= begun * parts_.plan.failed_percent) return;
  parts_.reason = fmt::format("{} of {} nodes failed", failed, begun);
  parts_.state = DeploymentState::kHalted;
  parts_.backs_out = parts_.plan.backs_out;
}

bool RolloutProgress::IsThrough(size_t wave) const {
  const Counts& counts = parts_.waves[wave];
  uint64_t all = 0;
  uint64_t open = 0;  // Neither confirmed nor given up.
  for (size_t stage = 0; stage < kNodeStages; ++stage) {
    all += counts[stage];
    if (stage < At(NodeStage::kConfirmed)) open += counts[stage];
  }
  // The last wave is through when nothing is open: that is the end.
  if (wave + 1 == parts_.waves.size() && open > 0) return false;
  return counts[At(NodeStage::kConfirmed)] * 100 >= all * parts_.plan.confirmed_percent;
}

// Goes as far as the time and the reports let it.
void RolloutProgress::Settle() {
  if (parts_.backs_out) {
    // What never began has nothing to go back from.
    if (SumAll(NodeStage::kStaged, NodeStage::kFailed) == 0) {
      parts_.state = DeploymentState::kBackedOut;
    }
    return;
  }
  while (parts_.state == DeploymentState::kRollingOut && !parts_.paused) {
    if (!IsThrough(parts_.wave)) {
      parts_.through.reset();  // A node may have failed since.
      return;
    }
    if (!parts_.through.has_value()) parts_.through = parts_.now;
    if (parts_.now < *parts_.through + parts_.plan.soak) return;
    if (parts_.wave + 1 < parts_.waves.size()) {
      parts_.through.reset();
      ++parts_.wave;
      continue;
    }
    // Some of earlier waves may still be on their way.
    if (SumAll(NodeStage::kPending, NodeStage::kActive) > 0) return;
    parts_.through.reset();
    parts_.state = DeploymentState::kDeployed;
  }
}

void RolloutProgress::Tick(Timestamp now) {
  parts_.now = std::max(parts_.now, now);
  Settle();
}

absl::Status RolloutProgress::Pause() {
  if (parts_.state != DeploymentState::kRollingOut) return Unexpected("there is nothing to pause");
  if (parts_.paused) return Unexpected("it is paused already");
  parts_.paused = true;
  return absl::OkStatus();
}

absl::Status RolloutProgress::Resume(Timestamp now) {
  const bool is_halted = parts_.state == DeploymentState::kHalted && !parts_.backs_out;
  if (!parts_.paused && !is_halted) return Unexpected("there is nothing to resume");
  parts_.paused = false;
  parts_.state = DeploymentState::kRollingOut;
  parts_.reason.clear();
  Tick(now);
  return absl::OkStatus();
}

absl::Status RolloutProgress::Halt(std::string reason) {
  if (parts_.state != DeploymentState::kRollingOut) return Unexpected("there is nothing to halt");
  parts_.state = DeploymentState::kHalted;
  parts_.paused = false;
  parts_.reason = std::move(reason);
  return absl::OkStatus();
}

absl::Status RolloutProgress::BackOut(std::string reason) {
  if (parts_.backs_out) return Unexpected("it goes back already");
  if (!reason.empty()) parts_.reason = std::move(reason);
  parts_.backs_out = true;
  parts_.paused = false;
  parts_.through.reset();
  parts_.state = DeploymentState::kHalted;
  Settle();
  return absl::OkStatus();
}

}  // namespace dml
