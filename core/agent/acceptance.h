// Whether an agent acts upon a permit that it has verified. Pure functions; any thread.
#pragma once

#include "core/agent/agent_state.h"
#include "core/evidence/permit_verifier.h"

namespace dml {

/// The time to judge by: the later of the node's clock and of what the log has shown to be past.
/// FAILED_PRECONDITION (CLOCK_BEHIND) where the clock is behind that by more than kMaxClockSkew:
/// nothing may be installed then.
absl::StatusOr<Timestamp> TimeToJudgeBy(Timestamp clock, Timestamp log_time);

/// The state in which the permit's set is being staged. `verdict` is OK. FAILED_PRECONDITION:
///   AGENT_BUSY          another set is under way
///   PERMIT_USED         this permit was acted upon before
///   PERMIT_ROLLED_BACK  a later decision about one of its packages was acted upon before, but for
///                       the permit that leads back from what runs: it was decided together with
///                       the one by which that came
///   and the errors of PlanSet.
absl::StatusOr<AgentState> AcceptPermit(const AgentState& state, const PermitVerdict& verdict,
                                        const NodeFacts& node);

}  // namespace dml
