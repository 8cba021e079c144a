// The document in which an agent keeps its state (docs/formats.md, "Agent state"). It believes what
// is in there: it is for the agent to see that nobody else writes it. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/agent/agent_state.h"

namespace dml {

inline constexpr size_t kMaxAgentStateBytes = 32 << 20;

/// INVALID_ARGUMENT (AGENT_STATE_INVALID, or the reason of the name that is wrong) with the place:
/// also a set that is not in order, or a phase without the sets that it is about.
absl::StatusOr<AgentState> ParseAgentState(std::string_view json);
/// Indented, members in alphabetical order, last line ended. The errors of the parser for what it
/// would refuse.
absl::StatusOr<std::string> FormatAgentState(const AgentState& state);

}  // namespace dml
