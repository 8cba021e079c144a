// What is in use, by the releases that went there.
#include "core/release/in_use.h"

#include <gmock/gmock.h>

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ReleaseItem Item(const std::string& package, const std::string& version,
                 ReleaseAction action = ReleaseAction::kInstall, Labels nodes = {}) {
  ReleaseItem out;
  out.variant = {PackageName::Parse("acme/" + package).value(), version, {}};
  out.action = action;
  out.nodes = std::move(nodes);
  return out;
}

Release Of(std::vector<ReleaseItem> items) {
  Release out;
  out.items = std::move(items);
  return out;
}

Timestamp At(int hour) { return FromMicros(1) + std::chrono::hours(hour); }

DeployedRelease In(const Release& release, DeploymentState state, int hour) {
  const bool is_there = state == DeploymentState::kDeployed || state == DeploymentState::kReviewed;
  return {&release, state, At(hour), is_there ? At(hour + 1) : Timestamp()};
}

std::vector<std::string> InUse(std::vector<DeployedRelease> releases) {
  std::vector<std::string> out;
  for (const ItemInUse& item : FindItemsInUse(releases)) {
    out.push_back(item.item->variant.package.name + " " + item.item->variant.version);
  }
  std::ranges::sort(out);
  return out;
}

using enum DeploymentState;

TEST(InUseTest, ALaterReleaseTakesThePlaceOfTheOneBefore) {
  const Release first = Of({Item("api", "1"), Item("db", "1")});
  const Release second = Of({Item("api", "2", ReleaseAction::kUpgrade)});
  const auto in_order = {In(first, kReviewed, 1), In(second, kDeployed, 2)};
  EXPECT_THAT(InUse(in_order), ElementsAre("api 2", "db 1"));
  EXPECT_THAT(InUse({In(second, kDeployed, 2), In(first, kReviewed, 1)}),
              ElementsAre("api 2", "db 1"))
      << "by their start, whatever the order given";
  EXPECT_THAT(InUse({In(first, kDeployed, 3), In(second, kDeployed, 2)}),
              ElementsAre("api 1", "db 1"))
      << "gone back to";
}

TEST(InUseTest, BothRunWhileOneIsOnItsWay) {
  const Release first = Of({Item("api", "1")});
  const Release second = Of({Item("api", "2")});
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kRollingOut, 2)}),
              ElementsAre("api 1", "api 2"));
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kHalted, 2)}),
              ElementsAre("api 1", "api 2"));
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kBackedOut, 2)}), ElementsAre("api 1"));
  EXPECT_THAT(InUse({In(first, kPermitted, 1)}), IsEmpty());
}

TEST(InUseTest, WhatIsRemovedIsGone) {
  const Release first = Of({Item("api", "1"), Item("db", "1")});
  const Release second = Of({Item("api", "1", ReleaseAction::kRemove)});
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kDeployed, 2)}), ElementsAre("db 1"));
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kRollingOut, 2)}),
              ElementsAre("api 1", "db 1"));
}

TEST(InUseTest, NodesOfOtherLabelsKeepWhatTheyHave) {
  const Release first = Of({Item("api", "1", ReleaseAction::kInstall, {{"site", "a"}}),
                            Item("api", "1", ReleaseAction::kInstall, {{"site", "b"}})});
  const Release second = Of({Item("api", "2", ReleaseAction::kUpgrade, {{"site", "a"}})});
  EXPECT_THAT(InUse({In(first, kDeployed, 1), In(second, kDeployed, 2)}),
              ElementsAre("api 1", "api 2"));
}

}  // namespace
}  // namespace dml
