// The closed-world verifier over an environment: nodes, what runs on each, and what is to run
// there.
#pragma once

#include <compare>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/compat/closed_world.h"

namespace dml {

/// One configuration that some nodes share.
struct NodeGroup {
  std::string name;   // Of the group, or of its one node.
  Platform platform;  // Default: any.
  size_t nodes = 1;   // How many; 0: none, and what it holds runs nowhere.
  std::vector<const PackageSpec*> packages;
};

enum class EnvironmentVerdict { kCompatible, kIncompatible, kNotProven };

/// A violation, and where: the first group, in the order given, that has it, or "" where it is
/// about the environment as a whole.
struct EnvironmentViolation {
  Violation violation;
  std::string group;
  size_t groups = 0;    // How many groups have it,
  size_t nodes = 0;     // and how many nodes they are.
  bool before = false;  // Only by CheckTransition(): it was there before the change.
  auto operator<=>(const EnvironmentViolation&) const = default;
};

struct EnvironmentAnswer {
  EnvironmentVerdict verdict = EnvironmentVerdict::kNotProven;
  std::vector<EnvironmentViolation> violations;  // Sorted.
};

/// kIncompatible where anything is wrong for certain, else kNotProven where anything is not proven.
EnvironmentVerdict VerdictOf(std::span<const EnvironmentViolation> violations);

/// Configurations compiled once for any number of checks over different mixtures of them. Specs are
/// borrowed. Add() on one thread; then checks on any number.
///
/// The rules are those of ClosedWorld, each in its scope: what is said of a NODE holds within each
/// configuration, what is said of the ENVIRONMENT and of EVERY_PEER over all that runs anywhere,
/// old and new versions at once. In addition:
///   platform   a package fits the platform of its node
///   coexists   for each package and each peer in scope that provides the service, its own
///              provisions included: the peer is at most `older` units older and `newer` units
///              newer. A provision without a version has that of its package. Versions that are
///              not semver are NOT_PROVEN. As it holds for every pair of instances, several
///              versions of one service narrow what may run beside them.
class EnvironmentCheck {
 public:
  /// Where `budget` (null: none) ends before a check does, that is a NOT_PROVEN about the whole.
  explicit EnvironmentCheck(SolveBudget* budget = nullptr) : budget_(budget) {}

  /// The number of the configuration, counted from 0.
  size_t Add(const NodeGroup& group);
  size_t size() const { return groups_.size(); }

  /// What is wrong within the configuration, whatever runs elsewhere.
  const std::vector<Violation>& OnNode(size_t group) const { return groups_[group].on_node; }
  /// What is wrong between all these configurations together.
  std::vector<Violation> Between(std::span<const size_t> groups) const;
  /// Both, over all of them.
  EnvironmentAnswer Check(std::span<const size_t> groups) const;

 private:
  struct Group {
    std::string name;
    size_t nodes;
    std::vector<size_t> members;  // Indexes of world_, sorted.
    std::vector<Violation> on_node;
  };
  void CheckSkew(std::span<const size_t> members, RelationScope scope,
                 std::vector<Violation>& out) const;

  SolveBudget* const budget_;
  ClosedWorld world_;
  std::map<const PackageSpec*, size_t> indexes_;
  std::vector<const PackageSpec*> specs_;
  std::vector<Group> groups_;
};

/// All violations of what runs on these nodes.
EnvironmentAnswer CheckEnvironment(std::span<const NodeGroup> groups,
                                   SolveBudget* budget = nullptr);

/// What the packages become when a set is installed: each replaces the package of its name.
std::vector<const PackageSpec*> ApplySet(std::span<const PackageSpec* const> in_use,
                                         std::span<const PackageSpec* const> set);

/// All violations of what runs after a change, those that were there before marked.
EnvironmentAnswer CheckTransition(std::span<const NodeGroup> before,
                                  std::span<const NodeGroup> after, SolveBudget* budget = nullptr);

/// Whether the set can be installed on the groups of these indexes, with all that is in use there
/// and elsewhere: what the set says of what is in use, and what that says of the set; see
/// CheckTransition().
EnvironmentAnswer CheckChange(std::span<const NodeGroup> groups, std::span<const size_t> changed,
                              std::span<const PackageSpec* const> set);

}  // namespace dml
