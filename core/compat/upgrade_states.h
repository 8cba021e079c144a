// The mixtures of old and new that an upgrade goes through. Internal to core/compat.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "core/compat/upgrade_order.h"

namespace dml {

/// One stage for each group.
enum class UpgradeStage : char { kOld, kMixed, kNew };
using UpgradeState = std::string;

/// What stands against states and steps, as numbers of rules; a rule is a relation of a package.
/// Remembers states that it has judged.
class UpgradeStates {
 public:
  using RuleId = size_t;

  UpgradeStates(std::span<const UpgradeGroup> groups, SolveBudget& budget);

  size_t group_count() const { return groups_.size(); }
  UpgradeState Start() const;
  bool IsEnd(const UpgradeState& state) const;
  bool CanMove(const UpgradeState& state, size_t group) const;
  /// The state after the group's next move: its first node, or all the others.
  UpgradeState Move(const UpgradeState& state, size_t group) const;
  bool IsMixed(const UpgradeState& state, size_t group) const;
  bool HasNoReturn(size_t group) const { return states_[group].no_return; }

  /// All that stands against the group's next move: against the step and against where it leads.
  std::vector<RuleId> AgainstMove(const UpgradeState& state, size_t group);

  size_t rule_count() const { return rules_.size(); }
  const EnvironmentViolation& rule(RuleId id) const { return rules_[id]; }
  /// Grows with the states judged, in violations and packages looked at.
  uint64_t work() const { return work_; }

 private:
  struct Group {
    size_t old_configuration;
    size_t new_configuration;
    bool changes;
    bool no_return;
    std::vector<RuleId> path;  // Of versions that may not follow each other.
  };

  std::vector<size_t> Running(const UpgradeState& state) const;
  std::vector<Violation> Judge(const UpgradeState& state);
  const std::vector<RuleId>& AgainstState(const UpgradeState& state, size_t group);
  void AddPathRules(size_t group);
  void AddAfterRules(const UpgradeState& state, size_t group, std::vector<RuleId>& out);
  RuleId Rule(const Violation& violation, size_t group);

  std::span<const UpgradeGroup> groups_;
  EnvironmentCheck check_;
  std::vector<Group> states_;
  std::set<Violation> at_start_;
  absl::flat_hash_map<UpgradeState, std::vector<RuleId>> judged_;
  std::map<std::tuple<std::string, RelationList, size_t>, RuleId> rule_ids_;
  std::vector<EnvironmentViolation> rules_;
  uint64_t work_ = 0;
};

}  // namespace dml
