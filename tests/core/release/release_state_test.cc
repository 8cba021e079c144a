#include "core/release/release_state.h"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

constexpr int kLastReleaseState = static_cast<int>(ReleaseState::kWithdrawn);
constexpr int kLastReleaseEvent = static_cast<int>(ReleaseEvent::kWithdraw);
constexpr int kLastState = static_cast<int>(DeploymentState::kReviewed);
constexpr int kLastEvent = static_cast<int>(DeploymentEvent::kReview);

TEST(ReleaseStateTest, TheTableIsAllThereIs) {
  for (int from = 1; from <= kLastReleaseState; ++from) {
    for (int event = 1; event <= kLastReleaseEvent; ++event) {
      const auto state = static_cast<ReleaseState>(from);
      const auto what = static_cast<ReleaseEvent>(event);
      std::vector<ReleaseState> next;
      for (const ReleaseTransition& line : ReleaseTransitions()) {
        if (line.from == state && line.event == what) next.push_back(line.to);
      }
      ASSERT_LE(next.size(), 1u) << "one event has one outcome";
      const auto after = StateAfter(state, what);
      ASSERT_EQ(after.ok(), next.size() == 1) << ReleaseStateName(state) << ReleaseEventName(what);
      if (after.ok()) {
        EXPECT_EQ(*after, next.front());
      } else {
        EXPECT_EQ(Reason(after.status()), "RELEASE_STATE_UNEXPECTED");
      }
    }
  }
}

TEST(ReleaseStateTest, WithdrawnFromAnyAndForEver) {
  for (auto state : {ReleaseState::kDraft, ReleaseState::kSealed, ReleaseState::kTested}) {
    EXPECT_EQ(*StateAfter(state, ReleaseEvent::kWithdraw), ReleaseState::kWithdrawn);
  }
  const absl::Status again = StateAfter(ReleaseState::kWithdrawn, ReleaseEvent::kWithdraw).status();
  EXPECT_THAT(std::string(Message(again)), HasSubstr("nothing happens to it any more"));
}

TEST(ReleaseStateTest, ASecondSealIsRefused) {
  const absl::Status status = StateAfter(ReleaseState::kSealed, ReleaseEvent::kSeal).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status),
            "the release is SEALED, in which there is no seal; what may happen is: test, withdraw");
}

DeploymentState Play(std::vector<DeploymentEvent> events) {
  DeploymentState state = DeploymentState::kNone;
  for (DeploymentEvent event : events) {
    const auto next = StateAfter(state, event);
    EXPECT_TRUE(next.ok()) << next.status();
    if (next.ok()) state = *next;
  }
  return state;
}

using enum DeploymentEvent;

TEST(DeploymentStateTest, StoriesThatEnd) {
  EXPECT_EQ(Play({kApprove, kPermit, kStart, kFinish, kReview}), DeploymentState::kReviewed);
  EXPECT_EQ(Play({kApprove, kPermit, kStart, kHalt, kBackOut, kReview}),
            DeploymentState::kReviewed);
  EXPECT_EQ(Play({kApprove, kPermit, kStart, kHalt, kResume, kFinish}), DeploymentState::kDeployed);
  EXPECT_EQ(Play({kApprove, kPermit, kPermitEnd, kLapse}), DeploymentState::kNone);
  EXPECT_EQ(Play({kApprove, kApprove, kPermit, kPermit, kStart, kPermit, kFinish, kBackOut}),
            DeploymentState::kBackedOut);
  EXPECT_EQ(Play({kApprove, kPermit, kStart, kFinish, kHalt, kBackOut, kReview}),
            DeploymentState::kReviewed);
}

TEST(DeploymentStateTest, NothingStartsWithoutAPermitNorIsPermittedWithoutAnApproval) {
  EXPECT_FALSE(StateAfter(DeploymentState::kNone, kPermit).ok());
  for (auto state : {DeploymentState::kNone, DeploymentState::kApproved}) {
    EXPECT_FALSE(StateAfter(state, kStart).ok());
    EXPECT_FALSE(StateAfter(state, kFinish).ok());
  }
  for (int event = 1; event <= kLastEvent; ++event) {
    EXPECT_FALSE(StateAfter(DeploymentState::kReviewed, static_cast<DeploymentEvent>(event)).ok());
  }
}

TEST(DeploymentStateTest, EveryStateIsReachedAndNamedOnce) {
  std::set<DeploymentState> reached = {DeploymentState::kNone};
  std::set<std::pair<DeploymentState, DeploymentEvent>> lines;
  for (int round = 1; round <= kLastState; ++round) {
    for (const DeploymentTransition& line : DeploymentTransitions()) {
      if (reached.contains(line.from)) reached.insert(line.to);
      lines.emplace(line.from, line.event);
    }
  }
  EXPECT_EQ(reached.size(), static_cast<size_t>(kLastState));
  EXPECT_EQ(lines.size(), DeploymentTransitions().size()) << "one event has one outcome";
  std::set<std::string_view> names;
  for (int state = 1; state <= kLastState; ++state) {
    names.insert(DeploymentStateName(static_cast<DeploymentState>(state)));
  }
  for (int event = 1; event <= kLastEvent; ++event) {
    names.insert(DeploymentEventName(static_cast<DeploymentEvent>(event)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLastState + kLastEvent));
}

}  // namespace
}  // namespace dml
