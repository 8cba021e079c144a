// The order in which nodes are upgraded so that all that runs stays compatible on the way.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/compat/clause_solver.h"
#include "core/compat/environment_check.h"

namespace dml {

/// Nodes of one configuration that become nodes of another, one at a time.
struct UpgradeGroup {
  std::string name;
  Platform platform;
  size_t nodes = 1;
  std::vector<const PackageSpec*> current;
  std::vector<const PackageSpec*> target;
};

/// Some nodes of a group, upgraded one after the other.
struct UpgradeStep {
  size_t group = 0;  // Index in the request.
  size_t nodes = 0;
  bool no_return = false;  // A package that it brings writes what none before can read.
  bool operator==(const UpgradeStep&) const = default;
};

/// Steps that may be taken in any order and beside each other.
using UpgradeWave = std::vector<UpgradeStep>;

struct UpgradePlan {
  Solvable outcome = Solvable::kUndecided;
  std::vector<UpgradeWave> waves;  // kYes.
  /// kNo: relations that together leave no order, each with the group whose step it stands
  /// against; sorted. kUndecided: empty.
  std::vector<EnvironmentViolation> reasons;
  bool minimal = false;  // kNo: without any one of them there is an order.
};

/// An order in which every mixture of old and new that comes about is compatible, as
/// EnvironmentCheck has it; in a group of several nodes old and new run beside each other.
///
///   start    What is wrong before the first step is not held against the states on the way, as
///            long as it is exactly the same; after the last step nothing may be wrong.
///   upgrade  `from` and `noSkip` hold from a package to the later one of its name on the node, and
///            `rollbackTo` and the point of no return of the present one where it becomes older.
///   after    Before each node's upgrade, whatever else runs anywhere and offers the name is in the
///            range; nothing may offer it.
///   no return  Such a step is a wave of its own, and is tried after all others.
/// What is not proven counts as wrong. Deterministic: groups are tried in the order given, those
/// begun first. Nodes of a group are alike, so that it is a search over three stages of each group;
/// beyond the budget it is kUndecided, never a wrong order.
UpgradePlan PlanUpgradeOrder(std::span<const UpgradeGroup> groups, SolveBudget& budget);

/// Most groups that share a wave.
inline constexpr size_t kMaxWaveGroups = 4;

}  // namespace dml
