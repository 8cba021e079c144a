#include "core/agent/state_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/agent/sets.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

using testing::GoldenText;
using ::testing::HasSubstr;
using testing::MakeItem;
using testing::MakeSet;

// Everything that a state can have, there.
AgentState Full() {
  AgentState out = testing::Staging();
  out.phase = AgentPhase::kChecking;
  out.attempts = 2;
  out.pending->items[0].configuration = BlobRef{Sha256("configuration"), 13};
  out.previous = {MakeSet(3, {MakeItem("acme/api", "0.9.0")})};
  out.retired = {MakeItem("acme/old", "1.0.0", "debs")};
  out.log_time = *ParseTime("2026-06-01T08:10:00Z");
  const Timestamp time = *ParseTime("2026-06-01T12:00:00Z");
  out.reports = {{7, "permit-2", NodeStage::kStaged, "", "", time}};
  out.last = StageReport{6, "permit-3", NodeStage::kFailed, "DISK_FULL", "no space is left", time};
  out.next_sequence = 8;
  return out;
}

TEST(StateDocumentTest, GoldenBothWays) {
  const std::string text = FormatAgentState(Full()).value_or("");
  EXPECT_EQ(text, GoldenText("agent/agent-state.json", text));
  const auto state = ParseAgentState(text);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(*state, Full());
}

TEST(StateDocumentTest, AnEmptyStateIsAStateToo) {
  AgentState empty;
  empty.environment = "production";
  empty.node = "n";
  const auto text = FormatAgentState(empty);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*ParseAgentState(*text), empty);
}

TEST(StateDocumentTest, WhatItWouldNotReadItDoesNotWrite) {
  AgentState idle = Full();
  idle.phase = AgentPhase::kIdle;
  EXPECT_EQ(Reason(FormatAgentState(idle).status()), "AGENT_STATE_INVALID");
  AgentState bare = Full();
  bare.pending.reset();
  EXPECT_EQ(Reason(FormatAgentState(bare).status()), "AGENT_STATE_INVALID");
  AgentState twice = Full();
  twice.active->items.push_back(twice.active->items[0]);
  EXPECT_EQ(Reason(FormatAgentState(twice).status()), "AGENT_STATE_INVALID");
}

TEST(StateDocumentTest, BadDocumentsAreRefusedWithThePlace) {
  const std::string good = *FormatAgentState(Full());
  struct Case {
    const char* from;
    const char* to;
    const char* says;
  };
  for (const Case& each :
       {Case{"dml.agent-state/v1", "dml.agent-state/v2", "schema"},
        Case{"\"CHECKING\"", "\"RESTING\"", "phase"}, Case{"\"node-1\"", "\"Node 1\"", "node"},
        Case{"\"sequence\": 7", "\"sequence\": 0", "reports[0].sequence"},
        Case{"\"attempts\"", "\"tries\"", "tries"},
        Case{"packages/acme/old/versions", "packages/acme/../versions", "retired[0].variant"},
        Case{"2026-06-01T08:10:00Z", "yesterday", "logTime"}}) {
    std::string bad = good;
    const size_t at = bad.find(each.from);
    ASSERT_NE(at, bad.npos) << each.from;
    bad.replace(at, std::string(each.from).size(), each.to);
    const absl::Status status = ParseAgentState(bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.to;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(each.says)) << each.to;
  }
  for (size_t size : {size_t{0}, good.size() / 2, good.size() - 3}) {
    EXPECT_EQ(Reason(ParseAgentState(good.substr(0, size)).status()), "AGENT_STATE_INVALID");
  }
}

}  // namespace
}  // namespace dml
