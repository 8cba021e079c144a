#include "core/compat/upgrade_order.h"

#include <algorithm>

#include <absl/container/flat_hash_set.h>

#include "core/compat/upgrade_states.h"

namespace dml {
namespace {

using RuleId = UpgradeStates::RuleId;

/// Searches orders of moves under some of the rules; depth first, each state once.
class OrderSearch {
 public:
  OrderSearch(UpgradeStates& states, SolveBudget& budget) : states_(states), budget_(budget) {}

  /// `heeded` null: all rules.
  Solvable Run(const std::set<RuleId>* heeded) {
    heeded_ = heeded;
    visited_.clear();
    met_.clear();
    moves_.clear();
    std::vector<Frame> frames;
    Enter(states_.Start(), frames);
    while (!frames.empty()) {
      Frame& frame = frames.back();
      if (states_.IsEnd(frame.state)) return Solvable::kYes;
      if (!Spend()) return Solvable::kUndecided;
      if (frame.next == frame.moves.size()) {
        frames.pop_back();
        if (!moves_.empty()) moves_.pop_back();
        continue;
      }
      const size_t group = frame.moves[frame.next++];
      UpgradeState there = states_.Move(frame.state, group);
      if (visited_.contains(there) || IsBlocked(frame.state, group)) continue;
      moves_.push_back(group);
      Enter(std::move(there), frames);
    }
    return Solvable::kNo;
  }

  /// After kYes: the groups that moved, in order.
  const std::vector<size_t>& moves() const { return moves_; }
  /// After kNo: the rules that stood in the way.
  const std::set<RuleId>& met() const { return met_; }

  bool IsBlocked(const UpgradeState& state, size_t group) {
    bool blocked = false;
    for (RuleId rule : states_.AgainstMove(state, group)) {
      if (heeded_ != nullptr && !heeded_->contains(rule)) continue;
      met_.insert(rule);
      blocked = true;
    }
    return blocked;
  }

  bool Spend() {
    const uint64_t spent = spent_;
    spent_ = states_.work();
    return budget_.Spend(spent_ - spent + 1 + states_.group_count());
  }

 private:
  struct Frame {
    UpgradeState state;
    std::vector<size_t> moves;  // Groups, in the order in which they are tried.
    size_t next = 0;
  };

  void Enter(UpgradeState state, std::vector<Frame>& frames) {
    Frame frame;
    for (size_t group = 0; group < states_.group_count(); ++group) {
      if (states_.CanMove(state, group)) frame.moves.push_back(group);
    }
    auto rank = [&](size_t group) {
      return states_.IsMixed(state, group) ? 0 : states_.HasNoReturn(group) ? 2 : 1;
    };
    std::stable_sort(frame.moves.begin(), frame.moves.end(),
                     [&](size_t a, size_t b) { return rank(a) < rank(b); });
    visited_.insert(state);
    frame.state = std::move(state);
    frames.push_back(std::move(frame));
  }

  UpgradeStates& states_;
  SolveBudget& budget_;
  const std::set<RuleId>* heeded_ = nullptr;
  absl::flat_hash_set<UpgradeState> visited_;
  std::set<RuleId> met_;
  std::vector<size_t> moves_;
  uint64_t spent_ = 0;
};

/// Puts the moves of an order into waves.
class WaveBuilder {
 public:
  WaveBuilder(std::span<const UpgradeGroup> groups, UpgradeStates& states, OrderSearch& search)
      : groups_(groups), states_(states), search_(search), state_(states.Start()) {}

  std::vector<UpgradeWave> Build(std::span<const size_t> moves) {
    for (size_t i = 0; i < moves.size();) {
      const size_t group = moves[i];
      const bool was_mixed = states_.IsMixed(state_, group);
      const bool whole = i + 1 < moves.size() && moves[i + 1] == group;
      const size_t nodes = groups_[group].nodes;
      UpgradeStep step{group,
                       was_mixed ? nodes - 1
                       : whole   ? nodes
                                 : 1,
                       states_.HasNoReturn(group)};
      const size_t count = whole ? 2 : 1;
      if (!Joins(step, count)) {
        waves_.emplace_back();
        wave_start_ = state_;
        wave_moves_.clear();
      }
      waves_.back().push_back(step);
      wave_moves_[group] = count;
      for (size_t n = 0; n < count; ++n) state_ = states_.Move(state_, group);
      i += count;
    }
    return std::move(waves_);
  }

 private:
  /// Whether every order of the wave's moves with these is allowed.
  bool Joins(const UpgradeStep& step, size_t count) {
    if (waves_.empty() || step.no_return || waves_.back().back().no_return) return false;
    if (waves_.back().size() == kMaxWaveGroups || wave_moves_.contains(step.group)) return false;
    std::map<size_t, size_t> moves = wave_moves_;
    moves[step.group] = count;
    return AllOrders(wave_start_, moves);
  }

  bool AllOrders(const UpgradeState& state, const std::map<size_t, size_t>& moves) {
    for (const auto& [group, count] : moves) {
      if (count == 0) continue;
      if (search_.IsBlocked(state, group)) return false;
      std::map<size_t, size_t> rest = moves;
      --rest[group];
      if (!AllOrders(states_.Move(state, group), rest)) return false;
    }
    return true;
  }

  std::span<const UpgradeGroup> groups_;
  UpgradeStates& states_;
  OrderSearch& search_;
  UpgradeState state_;
  UpgradeState wave_start_;
  std::map<size_t, size_t> wave_moves_;  // By group.
  std::vector<UpgradeWave> waves_;
};

/// Leaves out rule after rule for as long as there is no order without it.
void FindReasons(UpgradeStates& states, OrderSearch& search, UpgradePlan& plan) {
  std::set<RuleId> kept = search.met();
  plan.minimal = true;
  const std::vector<RuleId> candidates(kept.rbegin(), kept.rend());
  for (RuleId rule : candidates) {
    if (!kept.contains(rule)) continue;
    std::set<RuleId> others = kept;
    others.erase(rule);
    const Solvable solvable = search.Run(&others);
    if (solvable == Solvable::kNo) kept = search.met();
    if (solvable == Solvable::kUndecided) {
      plan.minimal = false;
      break;
    }
  }
  for (RuleId rule : kept) plan.reasons.push_back(states.rule(rule));
  std::sort(plan.reasons.begin(), plan.reasons.end());
}

}  // namespace

UpgradePlan PlanUpgradeOrder(std::span<const UpgradeGroup> groups, SolveBudget& budget) {
  UpgradeStates states(groups, budget);
  OrderSearch search(states, budget);
  UpgradePlan plan;
  plan.outcome = search.Run(nullptr);
  if (budget.stopped()) plan.outcome = Solvable::kUndecided;  // States were judged by half.
  if (plan.outcome == Solvable::kNo) FindReasons(states, search, plan);
  if (plan.outcome == Solvable::kYes) {
    const std::vector<size_t> moves = search.moves();
    plan.waves = WaveBuilder(groups, states, search).Build(moves);
  }
  return plan;
}

}  // namespace dml
