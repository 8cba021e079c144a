#include "core/agent/deployment_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/agent/sets.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using testing::MakeItem;
using testing::MakeSet;

ReleaseItem Item(const std::string& package, const std::string& version, ReleaseAction action) {
  const SetItem same = MakeItem(package, version);
  ReleaseItem out;
  out.variant = same.variant;
  out.manifest = same.manifest;
  out.action = action;
  return out;
}

ReleaseItem Upgrade(const std::string& package, const std::string& from, const std::string& to) {
  ReleaseItem out = Item(package, to, ReleaseAction::kUpgrade);
  out.previous = MakeItem(package, from).variant;
  return out;
}

BlobRef Configuration(const std::string& text) { return {Sha256(text), text.size()}; }

NodeFacts Node() {
  return {"production/eu",
          "node-1",
          {{"site", "eu"}},
          {*Platform::Parse("linux-amd64")},
          {{*SubjectPattern::Parse("acme/*"), "apps"}, {*SubjectPattern::Parse("deb*/*"), "debs"}}};
}

absl::StatusOr<DeploymentSet> Plan(const DeploymentSet* before, std::vector<ReleaseItem> items,
                                   const NodeFacts& node = Node()) {
  Release release;
  release.name = "payments";
  release.version = "2.0.0";
  Permit permit;
  permit.id = "permit-2";
  for (const ReleaseItem& item : items) permit.order.push_back(item.variant);
  release.items = std::move(items);
  return PlanSet(before, release, permit, node);
}

std::vector<std::string> Versions(const DeploymentSet& set) {
  std::vector<std::string> out;
  for (const SetItem& item : set.items) {
    out.push_back(item.variant.package.name + " " + item.variant.version);
  }
  return out;
}

TEST(DeploymentSetTest, AReleaseChangesWhatItNamesAndNothingElse) {
  const DeploymentSet before =
      MakeSet(1, {MakeItem("acme/api", "1.0.0"), MakeItem("acme/old", "1.0.0"),
                  MakeItem("acme/tool", "1.0.0")});
  const auto set = Plan(&before, {Item("debian/libc", "2.0.0", ReleaseAction::kInstall),
                                  Upgrade("acme/api", "1.0.0", "2.0.0"),
                                  Item("acme/old", "1.0.0", ReleaseAction::kRemove)});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(Versions(*set), ElementsAre("api 2.0.0", "tool 1.0.0", "libc 2.0.0"));
  EXPECT_EQ(set->items[2].handler, "debs");
  EXPECT_EQ(set->release, "payments 2.0.0");
  const std::vector<SetStep> steps = StepsOf(&before, *set);
  ASSERT_EQ(steps.size(), 3u) << "in the permit's order";
  EXPECT_EQ(steps[0].before, nullptr);
  EXPECT_EQ(steps[0].after->variant.package.name, "libc");
  EXPECT_EQ(steps[1].before->variant.version, "1.0.0");
  EXPECT_EQ(steps[1].after->variant.version, "2.0.0");
  EXPECT_EQ(steps[2].before->variant.package.name, "old");
  EXPECT_EQ(steps[2].after, nullptr);
}

TEST(DeploymentSetTest, WhatIsDoneAlreadyIsNoStep) {
  const DeploymentSet before = MakeSet(1, {MakeItem("acme/api", "2.0.0")});
  const auto set = Plan(&before, {Upgrade("acme/api", "1.0.0", "2.0.0"),
                                  Item("acme/old", "1.0.0", ReleaseAction::kRemove)});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(StepsOf(&before, *set), ElementsAre());
  EXPECT_EQ(set->items, before.items);
}

TEST(DeploymentSetTest, ItemsOfOtherNodesAreLeftOut) {
  ReleaseItem other = Item("acme/api", "1.0.0", ReleaseAction::kInstall);
  other.nodes = {{"site", "us"}};
  ReleaseItem mine = Item("acme/tool", "1.0.0", ReleaseAction::kInstall);
  mine.nodes = {{"site", "eu"}};
  const auto set = Plan(nullptr, {other, mine});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(Versions(*set), ElementsAre("tool 1.0.0"));
}

TEST(DeploymentSetTest, ConfigurationsStayUntilAnotherOneComes) {
  DeploymentSet before = MakeSet(1, {MakeItem("acme/api", "1.0.0")});
  before.items[0].configuration = Configuration("one");
  const auto kept = Plan(&before, {Upgrade("acme/api", "1.0.0", "2.0.0")});
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->items[0].configuration, Configuration("one"));

  ReleaseItem configure = Item("acme/api", "1.0.0", ReleaseAction::kConfigure);
  configure.configuration = Configuration("two");
  const auto changed = Plan(&before, {configure});
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->items[0].configuration, Configuration("two"));
  EXPECT_EQ(changed->changed.size(), 1u);
}

struct RefusedCase {
  const char* name;
  ReleaseItem item;
  const char* reason;
};

TEST(DeploymentSetTest, WhatDoesNotFitIsRefused) {
  const DeploymentSet before = MakeSet(1, {MakeItem("acme/api", "1.5.0")});
  ReleaseItem other_bytes = Item("acme/api", "1.5.0", ReleaseAction::kRemove);
  other_bytes.manifest = MakeItem("acme/api", "9").manifest;
  ReleaseItem arm = Item("acme/new", "1.0.0", ReleaseAction::kInstall);
  arm.variant.platform = *Platform::Parse("linux-arm64");
  const RefusedCase cases[] = {
      {"install over another version", Item("acme/api", "2.0.0", ReleaseAction::kInstall),
       "PREVIOUS_UNEXPECTED"},
      {"upgrade of another version", Upgrade("acme/api", "1.0.0", "2.0.0"), "PREVIOUS_UNEXPECTED"},
      {"upgrade of nothing", Upgrade("acme/new", "1.0.0", "2.0.0"), "PREVIOUS_UNEXPECTED"},
      {"remove of other bytes", other_bytes, "PREVIOUS_UNEXPECTED"},
      {"configure of another version", Item("acme/api", "1.0.0", ReleaseAction::kConfigure),
       "PREVIOUS_UNEXPECTED"},
      {"another platform", arm, "PLATFORM_UNEXPECTED"},
      {"no rule", Item("other/tool", "1.0.0", ReleaseAction::kInstall), "HANDLER_UNKNOWN"}};
  for (const RefusedCase& each : cases) {
    EXPECT_EQ(Reason(Plan(&before, {each.item}).status()), each.reason) << each.name;
  }
}

TEST(DeploymentSetTest, OneHandlerDoesNotReplaceWhatAnotherPutThere) {
  const DeploymentSet before = MakeSet(1, {MakeItem("acme/api", "1.0.0", "scripts")});
  EXPECT_EQ(Reason(Plan(&before, {Upgrade("acme/api", "1.0.0", "2.0.0")}).status()),
            "HANDLER_CHANGED");
}

TEST(DeploymentSetTest, APackageForAnyPlatformRunsEverywhere) {
  ReleaseItem any = Item("acme/docs", "1.0.0", ReleaseAction::kInstall);
  any.variant.platform = Platform();
  EXPECT_TRUE(Plan(nullptr, {any}).ok());
}

}  // namespace
}  // namespace dml
