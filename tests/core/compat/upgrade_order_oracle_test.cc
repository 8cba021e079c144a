// Upgrade orders against all orders of up to six nodes, each state judged on its own.
#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "core/compat/match.h"
#include "core/compat/upgrade_order.h"
#include "core/compat/version_distance.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;
using testing::Target;

constexpr const char* kNames[] = {"n/a", "n/b", "n/c"};
constexpr const char* kVersions[] = {"semver:1.0.0", "semver:1.1.0", "semver:1.2.0"};
constexpr const char* kRanges[] = {"", "vers:semver/>=1.1.0", "vers:semver/<1.2.0",
                                   "vers:semver/!=1.1.0"};

template <typename T, size_t N>
const T& Pick(std::mt19937& random, const T (&values)[N]) {
  return values[random() % N];
}

RelationTarget RandomTarget(std::mt19937& random) {
  const char* name = Pick(random, kNames);
  return Target(name, Pick(random, kRanges));
}

PackageSpec RandomSpec(std::mt19937& random, const char* name, const char* version) {
  SpecBuilder builder(name, version);
  builder.Provides(RelationKind::kService, name);
  if (random() % 6 == 0) {
    builder.Requires({RandomTarget(random)},
                     random() % 2 == 0 ? RelationScope::kEnvironment : RelationScope::kEveryPeer);
  }
  if (random() % 6 == 0) {
    const char* service = Pick(random, kNames);
    const uint64_t older = random() % 3;
    builder.Coexists(service, older, random() % 3);
  }
  if (random() % 12 == 0) builder.Conflicts(RandomTarget(random), RelationScope::kEnvironment);
  if (random() % 2 == 0) builder.Upgrade().after.push_back({RandomTarget(random), "after"});
  if (random() % 16 == 0) builder.Upgrade().no_skip = VersionUnit::kMinor;
  if (random() % 16 == 0) builder.Upgrade().from = RandomTarget(random).range;
  if (random() % 16 == 0) builder.Upgrade().rollback_to = RandomTarget(random).range;
  if (random() % 16 == 0) builder.Upgrade().point_of_no_return = "schema";
  return builder.Build();
}

/// A relation of a package: what a reason names.
using RuleKey = std::tuple<std::string, RelationList, size_t>;

RuleKey KeyOf(const Violation& violation) {
  return {violation.package, violation.list, violation.index};
}

/// Nodes one by one, the state being the set of those upgraded.
class Oracle {
 public:
  explicit Oracle(std::span<const UpgradeGroup> groups) {
    for (size_t g = 0; g < groups.size(); ++g) {
      for (size_t n = 0; n < groups[g].nodes; ++n) nodes_.push_back(&groups[g]);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i]->current != nodes_[i]->target) end_ |= 1U << i;
    }
    for (const Violation& violation : Wrong(0)) start_.insert(violation);
  }

  uint32_t end() const { return end_; }
  const std::vector<const UpgradeGroup*>& nodes() const { return nodes_; }

  bool Allowed(uint32_t state, size_t node, const std::set<RuleKey>* heeded = nullptr) {
    for (const RuleKey& key : Against(state, node)) {
      if (heeded == nullptr || heeded->contains(key)) return false;
    }
    return true;
  }

  bool HasOrder(const std::set<RuleKey>* heeded = nullptr) {
    std::set<uint32_t> seen = {0};
    std::deque<uint32_t> open = {0};
    while (!open.empty()) {
      const uint32_t state = open.front();
      open.pop_front();
      if (state == end_) return true;
      for (size_t node = 0; node < nodes_.size(); ++node) {
        const uint32_t there = state | 1U << node;
        if (there == state || (end_ >> node & 1) == 0 || seen.contains(there)) continue;
        if (!Allowed(state, node, heeded)) continue;
        seen.insert(there);
        open.push_back(there);
      }
    }
    return false;
  }

 private:
  const std::vector<const PackageSpec*>& PackagesOf(uint32_t state, size_t node) const {
    return (state >> node & 1) != 0 ? nodes_[node]->target : nodes_[node]->current;
  }

  std::vector<Violation> Wrong(uint32_t state) const {
    std::vector<NodeGroup> groups;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      groups.push_back({nodes_[i]->name, nodes_[i]->platform, 1, PackagesOf(state, i)});
    }
    std::vector<Violation> out;
    for (EnvironmentViolation& item : CheckEnvironment(groups).violations) {
      out.push_back(std::move(item.violation));
    }
    return out;
  }

  const std::set<RuleKey>& Against(uint32_t state, size_t node) {
    auto [it, added] = against_.try_emplace({state, node});
    if (!added) return it->second;
    const uint32_t there = state | 1U << node;
    for (const Violation& violation : Wrong(there)) {
      if (there == end_ || !start_.contains(violation)) it->second.insert(KeyOf(violation));
    }
    AgainstStep(state, node, it->second);
    return it->second;
  }

  static std::string Name(const PackageSpec& spec) {
    return VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName();
  }

  void AgainstStep(uint32_t state, size_t node, std::set<RuleKey>& out) const {
    for (const PackageSpec* to : nodes_[node]->target) {
      for (const PackageSpec* from : nodes_[node]->current) {
        if (from->package != to->package || from == to) continue;
        const bool back = Compare(to->version, from->version) < 0;
        const auto& rules = back ? from->upgrade : to->upgrade;
        if (!rules.has_value()) continue;
        const bool fine =
            back ? rules->point_of_no_return.empty() && rules->rollback_to.Contains(to->version)
                 : rules->from.Contains(from->version) &&
                       (!rules->no_skip.has_value() ||
                        VersionDistance(from->version, to->version, *rules->no_skip) == 1);
        if (!fine) out.insert({Name(back ? *from : *to), RelationList::kUpgrade, 0});
      }
      if (std::ranges::count(nodes_[node]->current, to) > 0 || !to->upgrade.has_value()) continue;
      for (size_t i = 0; i < to->upgrade->after.size(); ++i) {
        const RelationTarget& target = to->upgrade->after[i].target;
        for (size_t other = 0; other < nodes_.size(); ++other) {
          for (const PackageSpec* spec : PackagesOf(state, other)) {
            if (spec->package == to->package || spec->package.ToString() != target.name) continue;
            if (!target.range.Contains(spec->version)) {
              out.insert({Name(*to), RelationList::kUpgrade, i + 1});
            }
          }
        }
      }
    }
  }

  std::vector<const UpgradeGroup*> nodes_;
  uint32_t end_ = 0;
  std::set<Violation> start_;
  std::map<std::pair<uint32_t, size_t>, std::set<RuleKey>> against_;
};

/// Takes the plan's nodes in a random order within each wave.
void Walk(std::mt19937& random, std::span<const UpgradeGroup> groups, const UpgradePlan& plan,
          Oracle& oracle) {
  uint32_t state = 0;
  for (const UpgradeWave& wave : plan.waves) {
    std::vector<size_t> moves;
    for (const UpgradeStep& step : wave) moves.insert(moves.end(), step.nodes, step.group);
    std::shuffle(moves.begin(), moves.end(), random);
    for (size_t group : moves) {
      size_t node = 0;
      while (oracle.nodes()[node] != &groups[group] || (state >> node & 1) != 0) {
        ASSERT_LT(++node, oracle.nodes().size()) << "more steps than nodes";
      }
      ASSERT_TRUE(oracle.Allowed(state, node)) << "state " << state << " node " << node;
      state |= 1U << node;
    }
  }
  ASSERT_EQ(state, oracle.end());
}

void ExpectMinimal(const UpgradePlan& plan, Oracle& oracle) {
  ASSERT_TRUE(plan.minimal);
  std::set<RuleKey> reasons;
  for (const EnvironmentViolation& item : plan.reasons) reasons.insert(KeyOf(item.violation));
  ASSERT_EQ(reasons.size(), plan.reasons.size());
  ASSERT_FALSE(oracle.HasOrder(&reasons)) << "the reasons do not suffice";
  for (const RuleKey& reason : reasons) {
    std::set<RuleKey> others = reasons;
    others.erase(reason);
    ASSERT_TRUE(oracle.HasOrder(&others)) << std::get<0>(reason) << " is not needed";
  }
}

TEST(UpgradeOrderOracleTest, AgreesWithAllOrdersOfUpToSixNodes) {
  const uint32_t seed = 6403;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int found = 0, refused = 0, several_waves = 0, several_reasons = 0;
  for (int round = 0; round < 1000; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::map<std::pair<std::string, std::string>, PackageSpec> specs;
    for (const char* name : kNames) {
      for (const char* version : kVersions) {
        specs[{name, version}] = RandomSpec(random, name, version);
      }
    }
    std::vector<UpgradeGroup> groups;
    for (size_t nodes = 1 + random() % 6; nodes > 0;) {
      UpgradeGroup group;
      group.name = "g" + std::to_string(groups.size());
      group.nodes = std::min<size_t>(nodes, 1 + random() % 2);
      nodes -= group.nodes;
      for (size_t n = 1 + random() % 2; n > 0; --n) {
        const char* name = kNames[(groups.size() + n) % 3];
        group.current.push_back(&specs[{name, Pick(random, kVersions)}]);
        group.target.push_back(&specs[{name, Pick(random, kVersions)}]);
      }
      groups.push_back(std::move(group));
    }
    Oracle oracle(groups);
    SolveBudget budget;
    const UpgradePlan plan = PlanUpgradeOrder(groups, budget);
    const bool trivial = oracle.end() == 0;
    ASSERT_EQ(plan.outcome, trivial || oracle.HasOrder() ? Solvable::kYes : Solvable::kNo);
    if (plan.outcome == Solvable::kYes) {
      ++found;
      several_waves += plan.waves.size() > 1;
      ASSERT_NO_FATAL_FAILURE(Walk(random, groups, plan, oracle));
    } else {
      ++refused;
      several_reasons += plan.reasons.size() > 1;
      ASSERT_NO_FATAL_FAILURE(ExpectMinimal(plan, oracle));
    }
    SolveBudget again;
    ASSERT_EQ(PlanUpgradeOrder(groups, again).waves, plan.waves);
  }
  EXPECT_GT(found, 200);
  EXPECT_GT(refused, 100);
  EXPECT_GT(several_waves, 50);
  EXPECT_GT(several_reasons, 10);
}

}  // namespace
}  // namespace dml
