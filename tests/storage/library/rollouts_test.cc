// Rollouts in a library: a scripted fleet reports, and the views follow.
#include "storage/library/rollouts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/views/projector.h"
#include "tests/support/release_world.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::ReleaseWorld;
using enum NodeStage;

constexpr char kPlace[] = "production/eu";

std::string Node(int i) { return fmt::format("environments/production/eu/nodes/web-{}", i); }

class LibraryRolloutsTest : public ::testing::Test, protected ReleaseWorld {
 protected:
  LibraryRolloutsTest() {
    plan_.waves = {{{{"ring", "canary"}}, 0}, {{}, 100}};
    release_ = Seal("1.0.0");
    Approve(release_);
    permit_ = Permit(release_);
  }

  std::string Start(const Digest& release, const std::string& permit) {
    return Try(PrepareRollout(*library->Read(), release, kPlace, permit, plan_));
  }
  std::string Report(int node, NodeStage stage, const std::string& reason = "",
                     const std::string& envelope = "") {
    return Try(PrepareReport({release_, kPlace, Node(node), stage, reason, {}}, envelope));
  }
  std::string Steer(RolloutAction action, const std::string& reason = "") {
    return Try(RolloutSteered{release_, kPlace, action, reason, Record().Etag()});
  }
  RolloutRecord Record() {
    const auto found = LibraryView(*library->Read()).FindRollout(release_, kPlace);
    return found.ok() && found->has_value() ? **found : RolloutRecord();
  }
  NodeStage StageOf(int node) {
    return LibraryView(*library->Read())
        .FindRolloutNode(release_, kPlace, Node(node))
        ->value()
        .progress.stage;
  }
  DeploymentState State() { return Deployment(release_)->state; }

  // Each node that wants the release takes a step, and goes back when it does not.
  void Turn() {
    auto state = library->Read();
    const auto progress = *RolloutProgress::Restore(Record().progress);
    const auto nodes = *ListView(*state).RolloutNodes(release_, kPlace, {});
    for (const RolloutNodeRecord& node : nodes.items) {
      const NodeStage stage = node.progress.stage;
      std::optional<NodeStage> next;
      if (progress.Wants(node.progress) && stage < kConfirmed) {
        next = static_cast<NodeStage>(static_cast<int>(stage) + 1);
        if (node.node == fails_ && *next == kActive) next = kFailed;
      } else if (!progress.Wants(node.progress) && stage != kPending && stage != kBackedOut &&
                 progress.parts().backs_out) {
        next = kBackedOut;
      }
      if (!next.has_value()) continue;
      const std::string reason = Try(PrepareReport(
          {release_, kPlace, node.node, *next, *next == kFailed ? "it does not start" : "", {}},
          ""));
      // What another's report halted meanwhile goes no further.
      EXPECT_TRUE(reason.empty() || reason == "ROLLOUT_STEP_UNEXPECTED") << last;
    }
  }

  RolloutPlan plan_;
  Digest release_;
  std::string permit_;
  std::string fails_;
};

TEST_F(LibraryRolloutsTest, GoesWaveByWaveAndTheDeploymentFollows) {
  EXPECT_EQ(State(), DeploymentState::kPermitted);
  ASSERT_EQ(Start(release_, permit_), "") << last;
  EXPECT_EQ(State(), DeploymentState::kRollingOut);
  EXPECT_EQ(Record().permit, permit_);
  EXPECT_EQ(Record().baseline, Digest()) << "nothing was there before";
  EXPECT_EQ(Report(2, kStaged), "ROLLOUT_STEP_UNEXPECTED") << "its wave has not begun";
  for (int i = 0; i < 4; ++i) Turn();
  EXPECT_EQ(StageOf(1), kConfirmed);
  EXPECT_EQ(StageOf(2), kPending);
  EXPECT_EQ(Record().progress.wave, 1u);
  for (int i = 0; i < 4; ++i) Turn();
  EXPECT_EQ(Record().progress.state, DeploymentState::kDeployed);
  EXPECT_EQ(State(), DeploymentState::kDeployed);
  EXPECT_GT(Deployment(release_)->deployed, Deployment(release_)->started);
  ExpectViewsFollow();

  // The next one knows what was there before.
  const Digest next = Seal("1.1.0");
  Approve(next);
  ASSERT_EQ(Start(next, Permit(next)), "") << last;
  EXPECT_EQ(LibraryView(*library->Read()).FindRollout(next, kPlace)->value().baseline, release_);
  EXPECT_EQ(LibraryView(*library->Read()).OpenRollouts()->size(), 1u);
}

TEST_F(LibraryRolloutsTest, TheFirstFailureHaltsAndAllGoBack) {
  fails_ = Node(3);
  ASSERT_EQ(Start(release_, permit_), "") << last;
  for (int i = 0; i < 7; ++i) Turn();
  EXPECT_EQ(State(), DeploymentState::kHalted);
  EXPECT_EQ(Deployment(release_)->reason, "1 of 4 nodes failed");
  EXPECT_EQ(Steer(RolloutAction::kResume), "ROLLOUT_STEP_UNEXPECTED") << "it goes back";
  Turn();
  EXPECT_EQ(State(), DeploymentState::kBackedOut);
  for (int node = 1; node <= 4; ++node) EXPECT_EQ(StageOf(node), kBackedOut) << node;
  ASSERT_EQ(Try(ReleaseMoved{release_, kPlace, DeploymentEvent::kReview, "a test was missing",
                             Deployment(release_)->Etag()}),
            "")
      << last;
  EXPECT_EQ(Report(1, kStaged), "ROLLOUT_STEP_UNEXPECTED") << "it is over";
  EXPECT_EQ(Steer(RolloutAction::kBackOut, "why"), "ROLLOUT_STEP_UNEXPECTED");
  ExpectViewsFollow();
}

TEST_F(LibraryRolloutsTest, PeopleSteerItByWhatTheySaw) {
  ASSERT_EQ(Start(release_, permit_), "") << last;
  const std::string seen = Record().Etag();
  ASSERT_EQ(Report(1, kStaged), "") << last;
  EXPECT_EQ(Try(RolloutSteered{release_, kPlace, RolloutAction::kPause, "", seen}),
            "ETAG_MISMATCH");
  ASSERT_EQ(Steer(RolloutAction::kPause), "") << last;
  EXPECT_EQ(Steer(RolloutAction::kPause), "ROLLOUT_STEP_UNEXPECTED");
  for (int i = 0; i < 3; ++i) Turn();
  EXPECT_EQ(StageOf(1), kConfirmed);
  EXPECT_EQ(Record().progress.wave, 0u) << "paused, no wave begins";
  ASSERT_EQ(Steer(RolloutAction::kResume), "") << last;
  EXPECT_EQ(Record().progress.wave, 1u);
  EXPECT_EQ(Steer(RolloutAction::kAbort), "REASON_REQUIRED");
  ASSERT_EQ(Steer(RolloutAction::kAbort, "customers call"), "") << last;
  EXPECT_EQ(State(), DeploymentState::kHalted);
  EXPECT_EQ(Deployment(release_)->reason, "customers call");
  ASSERT_EQ(Steer(RolloutAction::kResume), "") << last;
  EXPECT_EQ(State(), DeploymentState::kRollingOut);
  for (int i = 0; i < 4; ++i) Turn();
  ASSERT_EQ(State(), DeploymentState::kDeployed);
  ASSERT_EQ(Steer(RolloutAction::kBackOut, "it loses data"), "") << last;
  EXPECT_EQ(State(), DeploymentState::kHalted) << "it is not deployed any more";
  Turn();
  EXPECT_EQ(State(), DeploymentState::kBackedOut);
  EXPECT_EQ(Deployment(release_)->reason, "it loses data");
  ExpectViewsFollow();
}

TEST_F(LibraryRolloutsTest, TimeMovesItOnByTheJournalsClock) {
  plan_.soak = std::chrono::seconds(20);  // The clock moves one second a reading.
  ASSERT_EQ(Start(release_, permit_), "") << last;
  for (int i = 0; i < 4; ++i) Turn();
  ASSERT_TRUE(Record().progress.through.has_value());
  EXPECT_EQ(*TickRollouts(*library, "dmld"), 0u) << "it soaks";
  EXPECT_EQ(Record().progress.wave, 0u);
  EXPECT_EQ(Try(RolloutSteered{release_, kPlace, RolloutAction::kTick, "", Record().Etag()}),
            "ROLLOUT_STEP_UNEXPECTED");
  size_t moved = 0;
  for (int i = 0; i < 40 && moved == 0; ++i) moved = *TickRollouts(*library, "dmld");
  EXPECT_EQ(moved, 1u);
  EXPECT_EQ(Record().progress.wave, 1u);
  EXPECT_EQ(Record().author, "dmld");
  EXPECT_EQ(*TickRollouts(*library, "dmld"), 0u) << "it waits for nodes";
  ExpectViewsFollow();
}

// attack: a permit for another release or environment, denied, expired, or of nobody.
TEST_F(LibraryRolloutsTest, NothingGoesWithoutAPermitForIt) {
  const Digest other = Seal("2.0.0");
  Approve(other);
  Approve(release_, "staging");
  EXPECT_EQ(Start(release_, "9f8b2c44-2d63-4a57-8e56-999999999999"), "PERMIT_NOT_FOUND");
  EXPECT_EQ(Start(release_, ""), "PERMIT_NOT_FOUND");
  EXPECT_EQ(Start(release_, Permit(other)), "PERMIT_UNEXPECTED");
  EXPECT_EQ(Start(release_, Permit(release_, "staging")), "PERMIT_UNEXPECTED");
  EXPECT_EQ(Start(release_, Permit(release_, kPlace, false)), "PERMIT_DENIED");
  const std::string revoked = Permit(release_);
  Do(PermitRevoked{revoked, "a hole"});
  EXPECT_EQ(Start(release_, revoked), "PERMIT_REVOKED");
  const Timestamp soon = *library->TimeOf(*library->Read()) + std::chrono::seconds(5);
  const std::string expired = Permit(release_, kPlace, true, {}, soon);
  for (int i = 0; i < 6; ++i) Do(NamespaceCreated{fmt::format("n{}", i), "", {}});
  EXPECT_EQ(Start(release_, expired), "PERMIT_EXPIRED");
  EXPECT_EQ(Start(Sha256("none"), permit_), "RELEASE_NOT_FOUND");
  ASSERT_EQ(Start(release_, permit_), "") << last;
  EXPECT_EQ(Start(release_, permit_), "ROLLOUT_EXISTS");
  EXPECT_EQ(Try(ReleaseMoved{release_, kPlace, DeploymentEvent::kFinish, "",
                             Deployment(release_)->Etag()}),
            "ROLLOUT_EXISTS")
      << "its nodes say when it is finished";
}

TEST_F(LibraryRolloutsTest, GoesOnlyToTheNodesOfThePermit) {
  const Digest other = Seal("2.0.0");
  Approve(other);
  const std::string permit = Permit(other, kPlace, true, {"web-2", "web-3"});
  ASSERT_EQ(Start(other, permit), "") << last;
  const auto nodes = *ListView(*library->Read()).RolloutNodes(other, kPlace, {});
  ASSERT_EQ(nodes.items.size(), 2u);
  EXPECT_EQ(nodes.items[0].node, Node(2));
  EXPECT_EQ(nodes.items[1].node, Node(3));
  const Digest third = Seal("3.0.0");
  Approve(third);
  EXPECT_EQ(Start(third, Permit(third, kPlace, true, {"web-9"})), "NODES_MISSING");
  plan_.waves.clear();
  EXPECT_EQ(Start(third, Permit(third)), "ROLLOUT_INVALID");
}

TEST_F(LibraryRolloutsTest, RefusesReportsThatDoNotFollowAndKeepsWhatIsSigned) {
  ASSERT_EQ(Start(release_, permit_), "") << last;
  EXPECT_EQ(Report(9, kStaged), "NODE_NOT_FOUND");
  EXPECT_EQ(Report(1, kConfirmed), "ROLLOUT_STEP_UNEXPECTED");
  EXPECT_EQ(Report(1, kFailed), "REASON_REQUIRED");
  EXPECT_EQ(Report(1, kStaged, "", "no envelope"), "ENVELOPE_INVALID");
  const std::string envelope =
      testing::Envelope(dora, release_, "https://example.test/report", "{}");
  ASSERT_EQ(Report(1, kStaged, "", envelope), "") << last;
  const auto node = LibraryView(*library->Read()).FindRolloutNode(release_, kPlace, Node(1));
  EXPECT_EQ((*node)->report.digest, Sha256(envelope));
  EXPECT_EQ(*ReadMetadata(*library->Read(), (*node)->report), envelope);
  EXPECT_EQ(Report(1, kStaged), "REPORT_REPEATED");
  EXPECT_EQ(Try(NodeReported{Sha256("none"), kPlace, Node(1), kStaged, "", {}}),
            "ROLLOUT_NOT_FOUND");
  EXPECT_EQ(Report(1, kInstalled, std::string(2000, 'x')), "TEXT_TOO_LONG");
  ExpectViewsFollow();
}

}  // namespace
}  // namespace dml
