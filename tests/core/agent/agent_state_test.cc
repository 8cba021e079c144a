#include "core/agent/agent_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/agent/sets.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using testing::Idle;
using ::testing::IsEmpty;
using testing::MakeItem;
using testing::MakeSet;
using testing::Staging;

constexpr int kLastPhase = static_cast<int>(AgentPhase::kRollingBack);
constexpr int kLastEvent = static_cast<int>(AgentEvent::kUndone);
const Timestamp kNow = *ParseTime("2026-06-01T12:00:00Z");

EventDetails Details(size_t keep = 1) { return {kNow, keep, absl::OkStatus()}; }
EventDetails Failure() { return {kNow, 1, Internal(ErrorReason("DISK_BROKE"), "the disk broke")}; }

AgentState After(AgentState state, AgentEvent event, const EventDetails& details = Details()) {
  absl::StatusOr<AgentState> next = Advance(std::move(state), event, details);
  EXPECT_TRUE(next.ok()) << next.status();
  return next.ok() ? *next : AgentState();
}

std::vector<NodeStage> Stages(const AgentState& state) {
  std::vector<NodeStage> out;
  for (const StageReport& report : state.reports) out.push_back(report.stage);
  return out;
}

// A state in which everything that any phase needs is there.
AgentState InPhase(AgentPhase phase) {
  AgentState out = Staging();
  out.phase = phase;
  if (phase != AgentPhase::kIdle) return out;
  out.pending.reset();
  out.previous = {MakeSet(3, {MakeItem("acme/api", "0.9.0")})};
  return out;
}

TEST(AgentStateTest, TheTableIsAllThereIs) {
  for (int from = 1; from <= kLastPhase; ++from) {
    for (int number = 1; number <= kLastEvent; ++number) {
      const auto phase = static_cast<AgentPhase>(from);
      const auto event = static_cast<AgentEvent>(number);
      std::vector<AgentTransition> lines;
      for (const AgentTransition& line : AgentTransitions()) {
        if (line.from == phase && line.event == event) lines.push_back(line);
      }
      ASSERT_LE(lines.size(), 1u) << "one event has one outcome";
      if (event == AgentEvent::kAccepted) continue;  // AcceptPermit's.
      const absl::StatusOr<AgentState> after = Advance(InPhase(phase), event, Failure());
      ASSERT_EQ(after.ok(), lines.size() == 1) << AgentPhaseName(phase) << AgentEventName(event);
      if (!after.ok()) {
        EXPECT_EQ(Reason(after.status()), "AGENT_STATE_UNEXPECTED");
        continue;
      }
      EXPECT_EQ(after->phase, lines[0].to);
      EXPECT_EQ(after->pending.has_value(), lines[0].to != AgentPhase::kIdle);
      EXPECT_EQ(after->reports.size(), lines[0].report.has_value() ? 1u : 0u);
    }
  }
}

TEST(AgentStateTest, EveryEventThatWorksReportsTheNextStage) {
  AgentState state = Staging();
  for (AgentEvent event : {AgentEvent::kStaged, AgentEvent::kInstalled, AgentEvent::kActivated,
                           AgentEvent::kHealthy}) {
    state = After(state, event);
  }
  NodeStage stage = NodeStage::kPending;
  for (const StageReport& report : state.reports) {
    EXPECT_TRUE(MayFollow(stage, report.stage)) << NodeStageName(report.stage);
    EXPECT_EQ(report.permit, "permit-2");
    stage = report.stage;
  }
  EXPECT_EQ(stage, NodeStage::kConfirmed);
  EXPECT_EQ(state.active, Staging().pending);
  EXPECT_THAT(state.previous, ElementsAre(*Staging().active));
}

TEST(AgentStateTest, WhatFailsBeforeActivationIsGivenUp) {
  for (AgentPhase phase : {AgentPhase::kStaging, AgentPhase::kInstalling}) {
    const AgentState state = After(InPhase(phase), AgentEvent::kFailed, Failure());
    EXPECT_EQ(state.phase, AgentPhase::kIdle);
    EXPECT_EQ(state.active, Staging().active) << "what runs was not touched";
    EXPECT_THAT(state.previous, IsEmpty());
    EXPECT_EQ(state.last->reason, "DISK_BROKE");
    EXPECT_THAT(Garbage(state), ElementsAre(MakeItem("acme/api", "2.0.0")));
  }
}

TEST(AgentStateTest, WhatFailsLaterIsRolledBackAndSaysWhy) {
  for (AgentPhase phase : {AgentPhase::kActivating, AgentPhase::kChecking}) {
    AgentState state = After(InPhase(phase), AgentEvent::kFailed, Failure());
    EXPECT_EQ(state.phase, AgentPhase::kRollingBack);
    state = After(state, AgentEvent::kRestored);
    EXPECT_EQ(state.phase, AgentPhase::kIdle);
    EXPECT_EQ(state.active, Staging().active);
    EXPECT_THAT(Stages(state), ElementsAre(NodeStage::kFailed, NodeStage::kBackedOut));
    EXPECT_EQ(state.last->reason, "ROLLED_BACK");
    EXPECT_EQ(state.last->message, "DISK_BROKE: the disk broke");
  }
}

TEST(AgentStateTest, KeepsAsManySetsAsItIsTold) {
  AgentState state = Idle();
  for (int i = 2; i <= 5; ++i) {
    state.pending = MakeSet(i, {MakeItem("acme/api", std::to_string(i) + ".0.0")});
    state.phase = AgentPhase::kChecking;
    state = After(state, AgentEvent::kHealthy, Details(2));
  }
  ASSERT_EQ(state.previous.size(), 2u);
  EXPECT_EQ(state.previous[0].generation, 4u) << "the last one first";
  EXPECT_EQ(state.previous[1].generation, 3u);
  EXPECT_THAT(Garbage(state),
              ElementsAre(MakeItem("acme/api", "1.0.0"), MakeItem("acme/api", "2.0.0")));
}

TEST(AgentStateTest, AnItemThatAnotherSetHasIsNoGarbage) {
  AgentState state = Staging();
  state.pending->items.push_back(MakeItem("acme/tool", "1.0.0"));
  state.active->items.push_back(MakeItem("acme/tool", "1.0.0"));
  state = After(state, AgentEvent::kFailed, Failure());
  EXPECT_THAT(Garbage(state), ElementsAre(MakeItem("acme/api", "2.0.0")));
}

TEST(AgentStateTest, UndoneGoesBackToTheSetKeptLast) {
  EXPECT_EQ(Reason(Advance(Idle(), AgentEvent::kUndone, Details()).status()), "NOTHING_KEPT");
  AgentState state = Staging();
  state.phase = AgentPhase::kChecking;
  state = After(After(state, AgentEvent::kHealthy), AgentEvent::kUndone);
  EXPECT_EQ(state.phase, AgentPhase::kRollingBack);
  EXPECT_EQ(state.pending->generation, 2u);
  state = After(state, AgentEvent::kRestored);
  EXPECT_EQ(state.active, Idle().active);
  EXPECT_THAT(state.previous, IsEmpty());
  EXPECT_EQ(state.last->stage, NodeStage::kBackedOut);
}

TEST(AgentStateTest, APhaseThatNeverEndsFails) {
  for (AgentPhase phase :
       {AgentPhase::kInstalling, AgentPhase::kActivating, AgentPhase::kChecking}) {
    AgentState state = InPhase(phase);
    for (uint32_t i = 0; i < kMaxPhaseAttempts; ++i) {
      EXPECT_TRUE(BeginPhase(state, kNow).ok()) << AgentPhaseName(phase);
    }
    EXPECT_EQ(Reason(BeginPhase(state, kNow)), "ATTEMPTS_EXHAUSTED") << AgentPhaseName(phase);
  }
  for (AgentPhase phase : {AgentPhase::kStaging, AgentPhase::kRollingBack}) {
    AgentState state = InPhase(phase);
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(BeginPhase(state, kNow).ok()) << AgentPhaseName(phase);
    }
  }
}

TEST(AgentStateTest, APermitThatExpiresEndsWhatIsNotActivated) {
  const Timestamp late = *ParseTime("2026-06-07T00:00:00Z");
  for (int i = 2; i <= kLastPhase; ++i) {
    AgentState state = InPhase(static_cast<AgentPhase>(i));
    const bool ends = state.phase <= AgentPhase::kActivating;
    EXPECT_EQ(Reason(BeginPhase(state, late)), ends ? "PERMIT_EXPIRED" : "")
        << AgentPhaseName(state.phase);
  }
  AgentState begun = InPhase(AgentPhase::kActivating);
  begun.attempts = 1;
  EXPECT_TRUE(BeginPhase(begun, late).ok()) << "some of it may run: all of it must, or none";
}

TEST(AgentStateTest, ReportsAreBounded) {
  AgentState state = Staging();
  for (size_t i = 0; i < kMaxStageReports + 3; ++i) {
    AddReport(state, NodeStage::kStaged, absl::OkStatus(), kNow);
  }
  EXPECT_EQ(state.reports.size(), kMaxStageReports);
  EXPECT_EQ(state.reports.front().sequence, 4u) << "the oldest are forgotten";
}

}  // namespace
}  // namespace dml
