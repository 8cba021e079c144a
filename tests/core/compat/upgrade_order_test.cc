#include "core/compat/upgrade_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::SpecBuilder;
using testing::Target;
using enum RelationKind;
using enum RelationScope;

/// "control*3", "control*1 workers*2": the steps of a wave in words.
std::vector<std::string> Words(const UpgradePlan& plan, std::span<const UpgradeGroup> groups) {
  std::vector<std::string> out;
  for (const UpgradeWave& wave : plan.waves) {
    std::string text;
    for (const UpgradeStep& step : wave) {
      if (!text.empty()) text += " ";
      text += groups[step.group].name + "*" + std::to_string(step.nodes);
      if (step.no_return) text += "!";
    }
    out.push_back(text);
  }
  return out;
}

UpgradePlan Plan(std::span<const UpgradeGroup> groups) {
  SolveBudget budget;
  return PlanUpgradeOrder(groups, budget);
}

SpecBuilder Kube(const std::string& name, int minor) {
  SpecBuilder builder("k8s/" + name, "semver:1." + std::to_string(minor) + ".0");
  builder.Provides(kService, name);
  builder.Upgrade().no_skip = VersionUnit::kMinor;
  return builder;
}
PackageSpec ApiServer(int minor) {
  return Kube("kube-apiserver", minor).Coexists("kube-apiserver", 1, 1).Build();
}
PackageSpec Manager(int minor) {
  return Kube("kube-controller-manager", minor).Coexists("kube-apiserver", 0, 1).Build();
}
PackageSpec Kubelet(int minor) {
  return Kube("kubelet", minor).Coexists("kube-apiserver", 0, 3).Build();
}

TEST(UpgradeOrderTest, AClusterGoesServersFirst) {
  const PackageSpec api31 = ApiServer(31), api32 = ApiServer(32), manager31 = Manager(31),
                    manager32 = Manager(32), kubelet31 = Kubelet(31), kubelet32 = Kubelet(32);
  const std::vector<UpgradeGroup> groups = {{"workers", {}, 9, {&kubelet31}, {&kubelet32}},
                                            {"managers", {}, 2, {&manager31}, {&manager32}},
                                            {"control", {}, 3, {&api31}, {&api32}}};
  const UpgradePlan plan = Plan(groups);
  ASSERT_EQ(plan.outcome, Solvable::kYes);
  EXPECT_THAT(Words(plan, groups), ElementsAre("control*3", "workers*9 managers*2"));
}

TEST(UpgradeOrderTest, NoUnitIsSkipped) {
  const PackageSpec api30 = ApiServer(30), api32 = ApiServer(32);
  const std::vector<UpgradeGroup> groups = {{"control", {}, 1, {&api30}, {&api32}}};
  const UpgradePlan plan = Plan(groups);
  EXPECT_EQ(plan.outcome, Solvable::kNo);
  EXPECT_TRUE(plan.minimal);
  ASSERT_THAT(plan.reasons, SizeIs(1));
  EXPECT_EQ(plan.reasons[0].violation.kind, ViolationKind::kUpgradePath);
  EXPECT_EQ(plan.reasons[0].violation.requirement, "skips no MINOR version");
  EXPECT_EQ(plan.reasons[0].group, "control");
}

TEST(UpgradeOrderTest, AfterWaitsForAllOthers) {
  const PackageSpec db1 = SpecBuilder("acme/db", "1").Build();
  const PackageSpec db2 = SpecBuilder("acme/db", "2").Build();
  const PackageSpec app1 = SpecBuilder("acme/app", "1").Build();
  SpecBuilder later("acme/app", "2");
  later.Upgrade().after.push_back({Target("acme/db", "vers:deb/>=2"), "db first"});
  const PackageSpec app2 = later.Build();
  std::vector<UpgradeGroup> groups = {{"apps", {}, 2, {&app1}, {&app2}},
                                      {"dbs", {}, 2, {&db1}, {&db2}}};
  EXPECT_THAT(Words(Plan(groups), groups), ElementsAre("dbs*2", "apps*2"));
  groups.push_back({"old-dbs", {}, 1, {&db1}, {&db1}});
  const UpgradePlan plan = Plan(groups);
  EXPECT_EQ(plan.outcome, Solvable::kNo);
  ASSERT_THAT(plan.reasons, SizeIs(1));
  EXPECT_EQ(plan.reasons[0].violation.source, "db first");
}

/// Two that each take the other's old version no more, and of which each waits for the other.
TEST(UpgradeOrderTest, ReasonsAreTheFewestThatLeaveNoOrder) {
  auto with = [](const char* name, const char* version, const char* other, const char* range) {
    return SpecBuilder(name, version).Requires({Target(other, range)}, kEveryPeer).Build();
  };
  const PackageSpec a1 = with("acme/a", "1", "acme/b", "vers:deb/<2");
  const PackageSpec a2 = with("acme/a", "2", "acme/b", "vers:deb/>=2");
  const PackageSpec b1 = SpecBuilder("acme/b", "1").Build();
  const PackageSpec b2 = SpecBuilder("acme/b", "2").Build();
  const PackageSpec c1 = SpecBuilder("acme/c", "1").Build();
  const PackageSpec c2 = SpecBuilder("acme/c", "2").Build();
  const std::vector<UpgradeGroup> groups = {
      {"a", {}, 1, {&a1}, {&a2}}, {"b", {}, 1, {&b1}, {&b2}}, {"c", {}, 1, {&c1}, {&c2}}};
  const UpgradePlan plan = Plan(groups);
  EXPECT_EQ(plan.outcome, Solvable::kNo);
  EXPECT_TRUE(plan.minimal);
  ASSERT_THAT(plan.reasons, SizeIs(2));
  EXPECT_EQ(plan.reasons[0].violation.package, "packages/acme/a/versions/1/variants/any");
  EXPECT_EQ(plan.reasons[1].violation.package, "packages/acme/a/versions/2/variants/any");
}

TEST(UpgradeOrderTest, RollingMixesOldAndNewUnlessThereIsOneNode) {
  const PackageSpec old1 = SpecBuilder("acme/a", "1").Build();
  const PackageSpec new2 =
      SpecBuilder("acme/a", "2").Requires({Target("acme/a", "vers:deb/>=2")}, kEveryPeer).Build();
  std::vector<UpgradeGroup> groups = {{"a", {}, 1, {&old1}, {&new2}}};
  EXPECT_EQ(Plan(groups).outcome, Solvable::kYes);
  groups[0].nodes = 2;
  EXPECT_EQ(Plan(groups).outcome, Solvable::kNo);
}

TEST(UpgradeOrderTest, PointsOfNoReturn) {
  const PackageSpec a1 = SpecBuilder("acme/a", "1").Build();
  SpecBuilder writes("acme/a", "2");
  writes.Upgrade().point_of_no_return = "orders";
  const PackageSpec a2 = writes.Build();
  const PackageSpec b1 = SpecBuilder("acme/b", "1").Build();
  const PackageSpec b2 = SpecBuilder("acme/b", "2").Build();
  const std::vector<UpgradeGroup> groups = {
      {"a", {}, 2, {&a1}, {&a2}}, {"b", {}, 1, {&b1}, {&b2}}, {"c", {}, 1, {&b1}, {&b2}}};
  EXPECT_THAT(Words(Plan(groups), groups), ElementsAre("b*1 c*1", "a*2!"));
  const std::vector<UpgradeGroup> back = {{"a", {}, 1, {&a2}, {&a1}}};
  const UpgradePlan plan = Plan(back);
  EXPECT_EQ(plan.outcome, Solvable::kNo);
  ASSERT_THAT(plan.reasons, SizeIs(1));
  EXPECT_EQ(plan.reasons[0].violation.requirement,
            "there is no way back: acme/a 2 has written schema orders");
}

TEST(UpgradeOrderTest, RollbackOnlyToItsRange) {
  const PackageSpec a1 = SpecBuilder("acme/a", "1").Build();
  const PackageSpec a2 = SpecBuilder("acme/a", "2").Build();
  SpecBuilder third("acme/a", "3");
  third.Upgrade().rollback_to = *VersionRange::ParseVers("vers:deb/>=2");
  const PackageSpec a3 = third.Build();
  EXPECT_EQ(Plan(std::vector<UpgradeGroup>{{"a", {}, 1, {&a3}, {&a2}}}).outcome, Solvable::kYes);
  EXPECT_EQ(Plan(std::vector<UpgradeGroup>{{"a", {}, 1, {&a3}, {&a1}}}).outcome, Solvable::kNo);
}

TEST(UpgradeOrderTest, WhatIsWrongAlreadyMayBeRepairedButNotLeft) {
  const PackageSpec broken = SpecBuilder("acme/a", "1").Requires({Target("acme/gone")}).Build();
  const PackageSpec fixed = SpecBuilder("acme/a", "2").Build();
  const PackageSpec b1 = SpecBuilder("acme/b", "1").Build();
  const PackageSpec b2 = SpecBuilder("acme/b", "2").Build();
  std::vector<UpgradeGroup> groups = {{"b", {}, 1, {&b1}, {&b2}},
                                      {"a", {}, 2, {&broken}, {&fixed}}};
  EXPECT_EQ(Plan(groups).outcome, Solvable::kYes);
  groups[1].target = {&broken};
  EXPECT_EQ(Plan(groups).outcome, Solvable::kNo);
}

TEST(UpgradeOrderTest, NothingToDoAndNothingLeftOfTheBudget) {
  const PackageSpec a1 = SpecBuilder("acme/a", "1").Build();
  const PackageSpec a2 = SpecBuilder("acme/a", "2").Build();
  const UpgradePlan none = Plan(std::vector<UpgradeGroup>{{"a", {}, 5, {&a1}, {&a1}}});
  EXPECT_EQ(none.outcome, Solvable::kYes);
  EXPECT_THAT(none.waves, IsEmpty());
  SolveBudget spent(1);
  const std::vector<UpgradeGroup> groups = {{"a", {}, 5, {&a1}, {&a2}}};
  EXPECT_EQ(PlanUpgradeOrder(groups, spent).outcome, Solvable::kUndecided);
}

}  // namespace
}  // namespace dml
