#include "core/agent/acceptance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/evidence/permit_scene.h"

namespace dml {
namespace {

using testing::PermitScene;
using testing::TimeOf;

NodeFacts Node() {
  return {"production/eu",
          "node-2",
          {},
          {*Platform::Parse("linux-amd64")},
          {{*SubjectPattern::Parse("*/*"), "apps"}}};
}

// What the scene's release replaces and takes away.
AgentState Before(const PermitScene& scene) {
  AgentState out;
  out.environment = "production/eu";
  out.node = "node-2";
  out.generation = 4;
  out.active.emplace();
  out.active->generation = 4;
  out.active->permit = "permit-4";
  out.active->release = "payments 1.9.0";
  const BlobRef old{Sha256("old"), 3};
  out.active->items = {
      {*scene.release.items[0].previous, old, std::nullopt, "apps"},
      {scene.release.items[1].variant, scene.release.items[1].manifest, std::nullopt, "apps"}};
  return out;
}

PermitVerdict Verified(PermitScene& scene) {
  PermitVerdict verdict = scene.Verify(scene.Honest());
  EXPECT_TRUE(verdict.status.ok()) << verdict.status;
  return verdict;
}

TEST(AcceptanceTest, APermitMakesASetThatIsStaged) {
  PermitScene scene;
  const PermitVerdict verdict = Verified(scene);
  const auto state = AcceptPermit(Before(scene), verdict, Node());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->phase, AgentPhase::kStaging);
  EXPECT_EQ(state->generation, 5u);
  EXPECT_EQ(state->pending->permit, scene.permit.id);
  EXPECT_EQ(state->pending->release_digest, verdict.release_digest);
  EXPECT_EQ(state->pending->log_index, verdict.log_index);
  EXPECT_EQ(state->pending->items.size(), 2u);
  EXPECT_EQ(state->decisions.at("acme/api"), verdict.log_index);
  EXPECT_EQ(state->log_time, scene.witnessed) << "as of then it is known what the time is";
  EXPECT_EQ(state->active, Before(scene).active);
}

TEST(AcceptanceTest, APermitIsGoodForOnce) {
  PermitScene scene;
  const PermitVerdict verdict = Verified(scene);
  AgentState used = *AcceptPermit(Before(scene), verdict, Node());
  EXPECT_EQ(Reason(AcceptPermit(used, verdict, Node()).status()), "AGENT_BUSY");
  used.phase = AgentPhase::kIdle;
  used.pending.reset();
  EXPECT_EQ(Reason(AcceptPermit(used, verdict, Node()).status()), "PERMIT_USED");
}

TEST(AcceptanceTest, ALaterDecisionAboutAPackageStays) {
  PermitScene scene;
  const PermitVerdict verdict = Verified(scene);
  AgentState state = Before(scene);
  state.decisions["acme/api"] = verdict.log_index + 1;
  EXPECT_EQ(Reason(AcceptPermit(state, verdict, Node()).status()), "PERMIT_ROLLED_BACK");
  state.decisions = {{"acme/other", verdict.log_index + 1}};
  EXPECT_TRUE(AcceptPermit(state, verdict, Node()).ok()) << "it is about another package";
}

TEST(AcceptanceTest, ThePermitThatLeadsBackIsGoodThoughItIsNoLater) {
  PermitScene scene;
  scene.permit.is_back_out = true;
  scene.decision.is_back_out = true;
  const PermitVerdict verdict = Verified(scene);
  AgentState state = Before(scene);
  state.decisions["acme/api"] = verdict.log_index + 1;
  EXPECT_EQ(Reason(AcceptPermit(state, verdict, Node()).status()), "PERMIT_ROLLED_BACK")
      << "from something else";
  state.active->back_out = scene.permit.id;
  const auto back = AcceptPermit(state, verdict, Node());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->decisions.at("acme/api"), verdict.log_index + 1) << "nothing earlier after it";
  EXPECT_EQ(back->pending->back_out, "") << "so that it is good for once";
}

TEST(AcceptanceTest, WhatTheNodeIsNotAllRightForChangesNothing) {
  PermitScene scene;
  const PermitVerdict verdict = Verified(scene);
  NodeFacts node = Node();
  node.rules.clear();
  EXPECT_EQ(Reason(AcceptPermit(Before(scene), verdict, node).status()), "HANDLER_UNKNOWN");
}

TEST(AcceptanceTest, TheTimeIsNeverBeforeWhatTheLogHasSeen) {
  const Timestamp log = TimeOf("2026-06-01T12:00:00Z");
  struct Case {
    const char* clock;
    const char* expected;  // "": CLOCK_BEHIND.
  };
  for (const Case& each : {Case{"2026-06-01T12:00:01Z", "2026-06-01T12:00:01Z"},
                           Case{"2026-06-01T11:55:00Z", "2026-06-01T12:00:00Z"},
                           Case{"2026-06-01T11:54:59Z", ""}, Case{"2026-05-31T12:00:00Z", ""}}) {
    const auto time = TimeToJudgeBy(TimeOf(each.clock), log);
    if (*each.expected == '\0') {
      EXPECT_EQ(Reason(time.status()), "CLOCK_BEHIND") << each.clock;
    } else {
      ASSERT_TRUE(time.ok()) << time.status();
      EXPECT_EQ(FormatTime(*time), each.expected);
    }
  }
}

}  // namespace
}  // namespace dml
