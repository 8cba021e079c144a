#include "core/release/rollout.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using enum NodeStage;

// A fleet that does as a script says: nodes that want the release take one step a turn, and go back
// when told to; those that are to fail do so at a stage.
class FakeFleet {
 public:
  FakeFleet(Rollout& rollout, std::vector<std::string> nodes)
      : rollout_(rollout), nodes_(std::move(nodes)) {}

  void FailAt(const std::string& node, NodeStage stage) { fails_[node] = stage; }

  // One turn of each node, at a time.
  void Turn(Timestamp now) {
    for (const std::string& node : nodes_) {
      const NodeStage stage = rollout_.StageOf(node);
      const bool wants = rollout_.Wants(node);
      if (!wants && stage != kPending && stage != kBackedOut) {
        const absl::Status status = rollout_.Report(node, kBackedOut, now);
        // Halted without a way back: it stays as it is.
        (status.ok() ? backed_out_ : refused_).insert(node);
      } else if (wants && stage < kConfirmed) {
        const auto next = static_cast<NodeStage>(static_cast<int>(stage) + 1);
        const auto fails = fails_.find(node);
        const bool is_over = fails != fails_.end() && fails->second == next;
        const absl::Status status = rollout_.Report(node, is_over ? kFailed : next, now);
        EXPECT_TRUE(status.ok()) << status;
        begun_.insert(node);
      }
    }
  }
  void Turns(Timestamp& now, int count) {
    for (int i = 0; i < count; ++i) {
      now += seconds(60);
      Turn(now);
      rollout_.Tick(now);
    }
  }
  const std::set<std::string>& begun() const { return begun_; }
  const std::set<std::string>& backed_out() const { return backed_out_; }

 private:
  Rollout& rollout_;
  const std::vector<std::string> nodes_;
  std::map<std::string, NodeStage> fails_;
  std::set<std::string> begun_;
  std::set<std::string> backed_out_;
  std::set<std::string> refused_;
};

class RolloutTest : public ::testing::Test {
 protected:
  // Ten nodes n-0 to n-9, of which n-7 is the canary.
  Rollout Start(RolloutPlan plan) {
    std::vector<RolloutNode> nodes;
    for (const std::string& name : names_) nodes.push_back({name, {}});
    nodes[7].labels = {{"ring", "canary"}};
    auto rollout = Rollout::Start(std::move(plan), nodes, now_);
    EXPECT_TRUE(rollout.ok()) << rollout.status();
    return *std::move(rollout);
  }
  static RolloutPlan Plan() {
    RolloutPlan plan;
    plan.waves = {{{{"ring", "canary"}}, 0}, {{}, 50}, {{}, 100}};
    return plan;
  }

  std::vector<std::string> names_ = {"n-0", "n-1", "n-2", "n-3", "n-4",
                                     "n-5", "n-6", "n-7", "n-8", "n-9"};
  Timestamp now_ = *ParseTime("2027-01-01T00:00:00Z");
};

TEST_F(RolloutTest, GoesWaveByWave) {
  Rollout rollout = Start(Plan());
  FakeFleet fleet(rollout, names_);
  fleet.Turns(now_, 3);
  EXPECT_THAT(fleet.begun(), ElementsAre("n-7"));
  EXPECT_EQ(rollout.wave(), 0u);
  fleet.Turns(now_, 1);
  EXPECT_EQ(rollout.wave(), 1u) << "the canary is confirmed";
  fleet.Turns(now_, 1);
  EXPECT_THAT(fleet.begun(), ElementsAre("n-0", "n-1", "n-2", "n-3", "n-7"))
      << "half of ten, the canary among them";
  fleet.Turns(now_, 8);
  EXPECT_EQ(rollout.state(), DeploymentState::kDeployed);
  EXPECT_EQ(rollout.Counts(), (std::map<NodeStage, size_t>{{kConfirmed, 10}}));
}

TEST_F(RolloutTest, SoaksBetweenWaves) {
  RolloutPlan plan = Plan();
  plan.soak = hours(1);
  Rollout rollout = Start(plan);
  FakeFleet fleet(rollout, names_);
  fleet.Turns(now_, 4);
  const Timestamp confirmed = now_;
  rollout.Tick(confirmed + hours(1) - seconds(1));
  EXPECT_EQ(rollout.wave(), 0u);
  rollout.Tick(confirmed - hours(5));
  EXPECT_EQ(rollout.wave(), 0u) << "time does not go back";
  rollout.Tick(confirmed + hours(1));
  EXPECT_EQ(rollout.wave(), 1u);
}

TEST_F(RolloutTest, TheFirstFailureHaltsAndBacksOut) {
  Rollout rollout = Start(Plan());
  FakeFleet fleet(rollout, names_);
  fleet.FailAt("n-2", kActive);
  fleet.Turns(now_, 7);
  EXPECT_EQ(rollout.state(), DeploymentState::kHalted);
  EXPECT_EQ(rollout.reason(), "1 of 5 nodes failed");
  fleet.Turns(now_, 2);
  EXPECT_EQ(rollout.state(), DeploymentState::kBackedOut);
  EXPECT_EQ(fleet.backed_out(), fleet.begun()) << "whoever began went back";
  EXPECT_EQ(fleet.begun().size(), 5u) << "nobody else began";
  EXPECT_EQ(Reason(rollout.Resume(now_)), "ROLLOUT_STEP_UNEXPECTED");
}

TEST_F(RolloutTest, SomeFailuresAreBorne) {
  RolloutPlan plan = Plan();
  plan.failed_percent = 20;
  plan.confirmed_percent = 75;
  Rollout rollout = Start(plan);
  FakeFleet fleet(rollout, names_);
  fleet.FailAt("n-2", kConfirmed);
  fleet.Turns(now_, 14);
  EXPECT_EQ(rollout.state(), DeploymentState::kDeployed);
  EXPECT_EQ(rollout.Counts(), (std::map<NodeStage, size_t>{{kConfirmed, 9}, {kFailed, 1}}));
}

TEST_F(RolloutTest, HaltedByHandItStaysUntilResumedOrBackedOut) {
  RolloutPlan plan = Plan();
  Rollout rollout = Start(plan);
  FakeFleet fleet(rollout, names_);
  fleet.Turns(now_, 2);
  ASSERT_TRUE(rollout.Halt("a customer called").ok());
  EXPECT_EQ(Reason(rollout.Halt("again")), "ROLLOUT_STEP_UNEXPECTED");
  EXPECT_EQ(Reason(rollout.Pause()), "ROLLOUT_STEP_UNEXPECTED");
  fleet.Turns(now_, 5);
  EXPECT_EQ(rollout.state(), DeploymentState::kHalted);
  EXPECT_THAT(fleet.begun(), ElementsAre("n-7")) << "no further wave";
  ASSERT_TRUE(rollout.Resume(now_).ok());
  EXPECT_EQ(rollout.reason(), "");
  fleet.Turns(now_, 2);
  EXPECT_GT(fleet.begun().size(), 1u);
  ASSERT_TRUE(rollout.BackOut("it is wrong").ok());
  EXPECT_EQ(Reason(rollout.BackOut("again")), "ROLLOUT_STEP_UNEXPECTED");
  fleet.Turns(now_, 1);
  EXPECT_EQ(rollout.state(), DeploymentState::kBackedOut);
  EXPECT_EQ(rollout.reason(), "it is wrong");
}

TEST_F(RolloutTest, PausedNoFurtherNodeBegins) {
  Rollout rollout = Start(Plan());
  FakeFleet fleet(rollout, names_);
  fleet.Turns(now_, 1);
  ASSERT_TRUE(rollout.Pause().ok());
  fleet.Turns(now_, 9);
  EXPECT_EQ(rollout.StageOf("n-7"), kConfirmed) << "what has begun goes on";
  EXPECT_EQ(rollout.wave(), 0u);
  ASSERT_TRUE(rollout.Resume(now_).ok());
  EXPECT_EQ(rollout.wave(), 1u);
  EXPECT_EQ(Reason(rollout.Resume(now_)), "ROLLOUT_STEP_UNEXPECTED");
}

TEST_F(RolloutTest, WhatIsBackedOutAfterItWasDeployed) {
  RolloutPlan plan;
  plan.waves = {{{}, 100}};
  Rollout rollout = Start(plan);
  FakeFleet fleet(rollout, names_);
  fleet.Turns(now_, 4);
  ASSERT_EQ(rollout.state(), DeploymentState::kDeployed);
  ASSERT_TRUE(rollout.BackOut("it loses data").ok());
  fleet.Turns(now_, 1);
  EXPECT_EQ(rollout.state(), DeploymentState::kBackedOut);
}

// attack: reports that nobody asked for.
TEST_F(RolloutTest, RefusesStepsThatDoNotFollow) {
  Rollout rollout = Start(Plan());
  const auto report = [&](const char* node, NodeStage stage) {
    return Reason(rollout.Report(node, stage, now_));
  };
  EXPECT_EQ(report("n-99", kStaged), "NODE_NOT_FOUND");
  EXPECT_EQ(report("n-0", kStaged), "ROLLOUT_STEP_UNEXPECTED") << "its wave has not begun";
  EXPECT_EQ(report("n-7", kConfirmed), "ROLLOUT_STEP_UNEXPECTED") << "steps are left out";
  EXPECT_EQ(report("n-7", kBackedOut), "ROLLOUT_STEP_UNEXPECTED");
  EXPECT_EQ(report("n-7", kStaged), "");
  EXPECT_EQ(report("n-7", kStaged), "") << "said again";
  EXPECT_EQ(report("n-7", kBackedOut), "ROLLOUT_STEP_UNEXPECTED") << "nobody told it to";
  EXPECT_EQ(report("n-7", kPending), "ROLLOUT_STEP_UNEXPECTED");
}

TEST(RolloutPlanTest, RefusesBadPlans) {
  const auto reason = [](RolloutPlan plan) { return Reason(ValidateRolloutPlan(plan)); };
  EXPECT_EQ(reason({}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 0}}}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 101}}}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 50}, {{}, 50}}}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{{"a", "b"}}, 50}}}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 100}}, .confirmed_percent = 0}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 100}}, .failed_percent = 101}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 100}}, .soak = seconds(-1)}), "ROLLOUT_INVALID");
  EXPECT_EQ(reason({.waves = {{{}, 10}, {{{"a", "b"}}, 0}, {{}, 100}}}), "");
  const RolloutPlan good = {.waves = {{{}, 100}}};
  EXPECT_EQ(Reason(Rollout::Start(good, {}, {}).status()), "ROLLOUT_INVALID");
  EXPECT_EQ(Reason(Rollout::Start(good, {{"a", {}}, {"a", {}}}, {}).status()), "ROLLOUT_INVALID");
}

// Whatever nodes do and whenever time goes by: no wave begins before the one before is through, and
// nothing begins once it is halted.
TEST(RolloutPropertyTest, HoldsForAnyFleet) {
  const uint32_t seed = 20'270'101;
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  for (int round = 0; round < 300; ++round) {
    RolloutPlan plan;
    uint32_t share = 0;
    for (int i = below(4); i > 0; --i) {
      share += 1 + static_cast<uint32_t>(below(30));
      plan.waves.push_back({{}, share});
    }
    plan.waves.push_back({{}, 100});
    plan.confirmed_percent = 1 + static_cast<uint32_t>(below(100));
    plan.failed_percent = static_cast<uint32_t>(below(60));
    plan.soak = seconds(below(200));
    plan.backs_out = below(2) == 0;
    std::vector<RolloutNode> nodes;
    const int count = 1 + below(20);
    for (int i = 0; i < count; ++i) nodes.push_back({fmt::format("n-{:02}", i), {}});
    Timestamp now = *ParseTime("2027-01-01T00:00:00Z");
    Rollout rollout = *Rollout::Start(plan, nodes, now);
    for (int step = 0; step < 400; ++step) {
      now += seconds(below(30));
      const size_t wave = rollout.wave();
      const DeploymentState state = rollout.state();
      const auto counts = rollout.Counts();
      const std::string& node = nodes[static_cast<size_t>(below(count))].name;
      const NodeStage before = rollout.StageOf(node);
      const bool wanted = rollout.Wants(node);
      const auto stage = below(12) == 0 ? kFailed : static_cast<NodeStage>(1 + below(7));
      const absl::Status status = rollout.Report(node, stage, now);
      rollout.Tick(now);
      if (status.ok() && before == kPending && stage != kPending) {
        ASSERT_TRUE(wanted || state != DeploymentState::kRollingOut || stage == kFailed)
            << "seed " << seed << " round " << round;
      }
      ASSERT_GE(rollout.wave(), wave) << "seed " << seed << " round " << round;
      if (state == DeploymentState::kHalted || state == DeploymentState::kBackedOut) {
        ASSERT_EQ(rollout.wave(), wave) << "seed " << seed << " round " << round;
      }
      if (rollout.state() == DeploymentState::kDeployed) {
        const auto after = rollout.Counts();
        for (NodeStage open : {kPending, kStaged, kInstalled, kActive}) {
          ASSERT_FALSE(after.contains(open)) << "seed " << seed << " round " << round;
        }
      }
      if (rollout.state() == DeploymentState::kBackedOut) {
        const auto after = rollout.Counts();
        const size_t back = after.contains(kBackedOut) ? after.at(kBackedOut) : 0;
        const size_t pending = after.contains(kPending) ? after.at(kPending) : 0;
        ASSERT_EQ(back + pending, nodes.size()) << "seed " << seed << " round " << round;
        break;
      }
    }
  }
}

}  // namespace
}  // namespace dml
