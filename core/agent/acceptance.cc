#include "core/agent/acceptance.h"

#include <algorithm>
#include <utility>

namespace dml {
namespace {

absl::Status CheckNewer(const AgentState& state, const PermitVerdict& verdict,
                        const std::string& package) {
  const auto seen = state.decisions.find(package);
  if (seen == state.decisions.end() || verdict.log_index > seen->second) return absl::OkStatus();
  if (verdict.log_index == seen->second) {
    return FailedPrecondition(ErrorReason("PERMIT_USED"),
                              "permit {} was used on this node before, and is good for once; ask "
                              "for another",
                              verdict.permit.id);
  }
  return FailedPrecondition(ErrorReason("PERMIT_ROLLED_BACK"),
                            "permit {} was decided in entry {}, and a later one about {}, of entry "
                            "{}, was used before; ask for another",
                            verdict.permit.id, verdict.log_index, package, seen->second);
}

}  // namespace

absl::StatusOr<Timestamp> TimeToJudgeBy(Timestamp clock, Timestamp log_time) {
  if (clock + kMaxClockSkew < log_time) {
    return FailedPrecondition(ErrorReason("CLOCK_BEHIND"),
                              "the clock says {}, and the log has been at {} already: set the "
                              "clock; nothing is installed until then",
                              FormatTime(clock), FormatTime(log_time));
  }
  return std::max(clock, log_time);
}

absl::StatusOr<AgentState> AcceptPermit(const AgentState& state, const PermitVerdict& verdict,
                                        const NodeFacts& node) {
  if (state.phase != AgentPhase::kIdle) {
    return FailedPrecondition(ErrorReason("AGENT_BUSY"),
                              "the agent is {} for permit {}; let it end first",
                              AgentPhaseName(state.phase), state.pending->permit);
  }
  AgentState out = state;
  const bool leads_back = verdict.permit.is_back_out && state.active.has_value() &&
                          state.active->back_out == verdict.permit.id;
  for (const ReleaseItem& item : verdict.release.items) {
    if (!IsForNode(item, node)) continue;
    const std::string package = item.variant.package.ToString();
    if (!leads_back) DML_RETURN_IF_ERROR(CheckNewer(state, verdict, package));
    uint64_t& decision = out.decisions[package];
    decision = std::max(decision, verdict.log_index);
  }
  const DeploymentSet* before = state.active.has_value() ? &*state.active : nullptr;
  DML_ASSIGN_OR_RETURN(DeploymentSet set, PlanSet(before, verdict.release, verdict.permit, node));
  set.generation = ++out.generation;
  set.release_digest = verdict.release_digest;
  set.log_index = verdict.log_index;
  set.back_out = verdict.permit.back_out;
  out.pending = std::move(set);
  out.log_time = std::max({out.log_time, verdict.decided, verdict.as_of});
  out.log_time = std::chrono::floor<std::chrono::seconds>(out.log_time);
  out.phase = AgentPhase::kStaging;
  out.attempts = 0;
  return out;
}

}  // namespace dml
