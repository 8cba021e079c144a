#include "core/release/rollout_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::ElementsAre;

std::vector<RolloutPlace> Places() { return {{"a", 0}, {"b", 12}, {"environments/e/nodes/n", 1}}; }

TEST(RolloutPlacesTest, AreWrittenInOneWay) {
  const std::string text = FormatRolloutPlaces(Places());
  EXPECT_EQ(text, "0 a\n12 b\n1 environments/e/nodes/n\n");
  EXPECT_EQ(*ParseRolloutPlaces(text, 13), Places());
}

// attack: lists that another would read otherwise.
TEST(RolloutPlacesTest, RefuseEverythingElse) {
  for (const char* text :
       {"", "\n", "0 a", "0 a\n0 a\n", "0 b\n0 a\n", "00 a\n", "+0 a\n", "-1 a\n", " 0 a\n",
        "0  a\n", "0 a \n", "0 \n", "0\n", "a\n", "0 a\n\n", "2 a\n", "99999999999999999999 a\n"}) {
    EXPECT_EQ(Reason(ParseRolloutPlaces(text, 2).status()), "ROLLOUT_INVALID") << text;
  }
  const std::string large(kMaxRolloutNodesBytes + 1, '\n');
  EXPECT_EQ(Reason(ParseRolloutPlaces(large, 2).status()), "ROLLOUT_INVALID");
}

TEST(RolloutPlacesTest, LimitsComeFirst) {
  RolloutPlan plan;
  plan.waves.resize(kMaxRolloutWaves + 1, {{{"ring", "canary"}}, 0});
  EXPECT_EQ(Reason(ValidateRolloutPlan(plan)), "ROLLOUT_INVALID");
  plan.waves = {{{}, 100}};
  EXPECT_TRUE(ValidateRolloutPlan(plan).ok());
  plan.soak = kMaxSoak + std::chrono::seconds(1);
  EXPECT_EQ(Reason(ValidateRolloutPlan(plan)), "ROLLOUT_INVALID");
  plan.soak = {};
  std::vector<RolloutNode> nodes;
  for (size_t i = 0; i <= kMaxRolloutNodes; ++i) nodes.push_back({fmt::format("n{}", i), {}});
  EXPECT_EQ(Reason(PlaceNodes(plan, nodes).status()), "ROLLOUT_INVALID");
  EXPECT_EQ(Reason(PlaceNodes(plan, {}).status()), "ROLLOUT_INVALID");
  EXPECT_EQ(Reason(PlaceNodes(plan, {{"a", {}}, {"a", {}}}).status()), "ROLLOUT_INVALID");
}

TEST(RolloutPlacesTest, SharesAreOfAllNodesAndLabelsComeFirst) {
  RolloutPlan plan;
  plan.waves = {{{{"ring", "canary"}}, 0}, {{}, 50}, {{}, 100}};
  const auto places =
      PlaceNodes(plan, {{"d", {}}, {"c", {{"ring", "canary"}}}, {"b", {}}, {"a", {}}});
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_THAT(*places, ElementsAre(RolloutPlace{"a", 1}, RolloutPlace{"b", 2}, RolloutPlace{"c", 0},
                                   RolloutPlace{"d", 2}));
}

}  // namespace
}  // namespace dml
