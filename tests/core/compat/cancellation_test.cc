// Whoever no longer waits ends checks and searches within few steps. A step is some nanoseconds
// (SolveBudget), and kStepsBetweenStops of them a millisecond: steps are counted here, not time.
#include <gtest/gtest.h>

#include "core/compat/closed_world.h"
#include "core/compat/environment_check.h"
#include "core/compat/resolver.h"
#include "core/compat/upgrade_order.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;
using testing::Target;

// 50 ms at 20 ns a step.
constexpr uint64_t kMostStepsAfter = 2'500'000;

// Says stop when asked for the nth time, and remembers how many steps had been spent then.
class Canceler {
 public:
  explicit Canceler(int when) : when_(when), budget_(UINT64_MAX, [this] { return Ask(); }) {}
  SolveBudget& budget() { return budget_; }
  int asked() const { return asked_; }
  uint64_t steps_after() const { return budget_.steps() - steps_then_; }

 private:
  bool Ask() {
    if (++asked_ < when_) return false;
    steps_then_ = budget_.steps();
    return true;
  }

  const int when_;
  int asked_ = 0;
  uint64_t steps_then_ = 0;
  SolveBudget budget_;
};

void ExpectStopped(const Canceler& canceler, const SolveBudget& budget, int when) {
  EXPECT_TRUE(budget.stopped());
  EXPECT_EQ(canceler.asked(), when) << "never asked again once it said yes";
  EXPECT_LE(canceler.steps_after(), kMostStepsAfter);
}

// Packages that all require a service which all of them provide, in versions that will not do: each
// requirement looks at every provider.
std::vector<PackageSpec> Crowd(int count) {
  std::vector<PackageSpec> out;
  for (int i = 0; i < count; ++i) {
    out.push_back(SpecBuilder("acme/p" + std::to_string(i), "semver:1.0.0")
                      .Provides(RelationKind::kService, "crowd", "semver:1.0.0")
                      .Requires({Target(RelationKind::kService, "crowd", "vers:semver/2.0.0")})
                      .Build());
  }
  return out;
}

std::vector<const PackageSpec*> Borrow(const std::vector<PackageSpec>& specs) {
  std::vector<const PackageSpec*> out;
  for (const PackageSpec& spec : specs) out.push_back(&spec);
  return out;
}

TEST(CancellationTest, AClosedSetCheck) {
  const std::vector<PackageSpec> specs = Crowd(600);
  SolveBudget all(UINT64_MAX);
  const auto whole = CheckClosedSet(Borrow(specs), &all);
  EXPECT_EQ(whole.size(), specs.size());
  ASSERT_GT(all.steps(), 3 * SolveBudget::kStepsBetweenStops) << "else nobody would ask";
  for (int when : {1, 3}) {
    Canceler canceler(when);
    const auto violations = CheckClosedSet(Borrow(specs), &canceler.budget());
    ExpectStopped(canceler, canceler.budget(), when);
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0].kind, ViolationKind::kNotProven) << "never compatible";
  }
}

TEST(CancellationTest, AnEnvironmentCheck) {
  std::vector<PackageSpec> specs = Crowd(600);
  for (PackageSpec& spec : specs) {
    spec.requires_all.clear();
    spec.coexists.push_back(
        {"crowd", VersionUnit::kMinor, 0, 0, RelationScope::kEnvironment, "skew"});
  }
  const std::vector<NodeGroup> groups = {{"n", {}, 1, Borrow(specs)}};
  SolveBudget all(UINT64_MAX);
  EXPECT_EQ(CheckEnvironment(groups, &all).verdict, EnvironmentVerdict::kCompatible);
  ASSERT_GT(all.steps(), 3 * SolveBudget::kStepsBetweenStops);
  for (int when : {1, 3}) {
    Canceler canceler(when);
    const EnvironmentAnswer answer = CheckEnvironment(groups, &canceler.budget());
    ExpectStopped(canceler, canceler.budget(), when);
    EXPECT_EQ(answer.verdict, EnvironmentVerdict::kNotProven) << "never compatible";
  }
}

TEST(CancellationTest, AnUpgradePlan) {
  const std::vector<PackageSpec> old = Crowd(300);
  std::vector<PackageSpec> next = Crowd(300);
  for (PackageSpec& spec : next) spec.version = testing::MakeVersion("semver:1.0.1");
  const std::vector<UpgradeGroup> groups = {{"n", {}, 2, Borrow(old), Borrow(next)}};
  for (int when : {1, 4}) {
    Canceler canceler(when);
    const UpgradePlan plan = PlanUpgradeOrder(groups, canceler.budget());
    ExpectStopped(canceler, canceler.budget(), when);
    EXPECT_EQ(plan.outcome, Solvable::kUndecided);
  }
}

TEST(CancellationTest, ASkewOverALargeCrowdIsBounded) {
  // 4 000 peers that must each be near each other: 16 million pairs.
  std::vector<PackageSpec> specs = Crowd(4000);
  for (PackageSpec& spec : specs) {
    spec.requires_all.clear();
    spec.coexists.push_back(
        {"crowd", VersionUnit::kMinor, 0, 0, RelationScope::kEnvironment, "skew"});
  }
  const EnvironmentAnswer answer =
      CheckEnvironment(std::vector<NodeGroup>{{"n", {}, 1, Borrow(specs)}});
  EXPECT_EQ(answer.verdict, EnvironmentVerdict::kNotProven);
  ASSERT_EQ(answer.violations.size(), 1u);
  EXPECT_TRUE(answer.violations[0].violation.package.empty()) << "about the whole";
}

}  // namespace
}  // namespace dml
