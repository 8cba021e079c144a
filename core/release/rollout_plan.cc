#include "core/release/rollout_plan.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("ROLLOUT_INVALID");
constexpr std::array<std::string_view, kNodeStages> kStages = {
    "PENDING", "STAGED", "INSTALLED", "ACTIVE", "CONFIRMED", "FAILED", "BACKED_OUT"};

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

// As many as `percent` of `total` are, rounded up.
size_t ShareOf(size_t total, uint32_t percent) { return (total * percent + 99) / 100; }

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

absl::Status BadLine(size_t line, std::string_view what) {
  return InvalidArgument(kInvalid, "nodes of a rollout: line {}: {}", line, what);
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
  if (plan.waves.size() > kMaxRolloutWaves) {
    return InvalidArgument(kInvalid, "{} waves; at most {}", plan.waves.size(), kMaxRolloutWaves);
  }
  if (plan.confirmed_percent < 1 || plan.confirmed_percent > 100 || plan.failed_percent > 100) {
    return InvalidArgument(kInvalid, "shares are of at most 100 percent, and some are confirmed");
  }
  if (plan.soak < std::chrono::seconds(0) || plan.soak > kMaxSoak) {
    return InvalidArgument(kInvalid, "a wave does not soak for less than no time, or over a year");
  }
  uint32_t share = 0;
  for (size_t i = 0; i < plan.waves.size(); ++i) {
    DML_RETURN_IF_ERROR(AtField(CheckWave(plan.waves[i], share), fmt::format("waves[{}]", i)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RolloutPlace>> PlaceNodes(const RolloutPlan& plan,
                                                     std::vector<RolloutNode> nodes) {
  DML_RETURN_IF_ERROR(ValidateRolloutPlan(plan));
  if (nodes.empty()) return InvalidArgument(kInvalid, "there is no node to go to");
  if (nodes.size() > kMaxRolloutNodes) {
    return InvalidArgument(kInvalid, "{} nodes; at most {} go together", nodes.size(),
                           kMaxRolloutNodes);
  }
  std::ranges::sort(nodes, {}, &RolloutNode::name);
  std::vector<RolloutPlace> out;
  for (const RolloutNode& node : nodes) {
    if (!out.empty() && out.back().node == node.name) {
      return InvalidArgument(kInvalid, "node '{}' is there twice", Excerpt(node.name));
    }
    out.push_back({node.name, plan.waves.size() - 1});
  }
  std::vector<size_t> left(nodes.size());
  for (size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (size_t wave = 0; wave + 1 < plan.waves.size(); ++wave) {
    const RolloutWave& wanted = plan.waves[wave];
    const size_t taken = nodes.size() - left.size();
    const size_t goal = ShareOf(nodes.size(), wanted.percent);
    size_t room = goal > taken ? goal - taken : 0;
    std::erase_if(left, [&](size_t i) {
      const bool goes = wanted.nodes.empty() ? room > 0 : HasAll(nodes[i].labels, wanted.nodes);
      if (!goes) return false;
      if (room > 0) --room;
      out[i].wave = wave;
      return true;
    });
  }
  return out;
}

std::string FormatRolloutPlaces(const std::vector<RolloutPlace>& places) {
  std::string out;
  for (const RolloutPlace& place : places) out += fmt::format("{} {}\n", place.wave, place.node);
  return out;
}

absl::StatusOr<std::vector<RolloutPlace>> ParseRolloutPlaces(std::string_view text, size_t waves) {
  if (text.size() > kMaxRolloutNodesBytes || !text.ends_with('\n')) {
    return BadLine(1, "the list is empty, too long, or has no end");
  }
  std::vector<RolloutPlace> out;
  while (!text.empty()) {
    const size_t line = out.size() + 1;
    const size_t end = text.find('\n');
    RolloutPlace place;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + end, place.wave);
    const std::string_view name(rest, text.data() + end);
    const bool is_written =
        error == std::errc() && name.size() > 1 && name.front() == ' ' &&
        name.find(' ', 1) == std::string_view::npos &&
        text.substr(0, static_cast<size_t>(rest - text.data())) == std::to_string(place.wave);
    if (!is_written) return BadLine(line, "is not 'WAVE NAME'");
    place.node = name.substr(1);
    if (place.wave >= waves) return BadLine(line, "the plan has no such wave");
    if (!out.empty() && place.node <= out.back().node) {
      return BadLine(line, "is not after the one before, by name");
    }
    if (out.size() == kMaxRolloutNodes) return BadLine(line, "these are too many");
    out.push_back(std::move(place));
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace dml
