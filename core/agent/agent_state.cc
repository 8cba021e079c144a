#include "core/agent/agent_state.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "core/base/text.h"

namespace dml {
namespace {

using Phase = AgentPhase;
using Event = AgentEvent;

constexpr std::array<std::string_view, 6> kPhases = {"IDLE",       "STAGING",  "INSTALLING",
                                                     "ACTIVATING", "CHECKING", "ROLLING_BACK"};
constexpr std::array<std::string_view, 8> kEvents = {"accepted", "staged", "installed", "activated",
                                                     "healthy",  "failed", "restored",  "undone"};
constexpr size_t kMaxReportMessage = 1024;

// The whole of an agent's life.
constexpr AgentTransition kTransitions[] = {
    {Phase::kIdle, Event::kAccepted, Phase::kStaging, std::nullopt,
     "fetches what is missing, until the permit expires"},
    {Phase::kStaging, Event::kStaged, Phase::kInstalling, NodeStage::kStaged,
     "installs again from what was fetched"},
    {Phase::kStaging, Event::kFailed, Phase::kIdle, NodeStage::kFailed,
     "runs what it ran; what was fetched is removed"},
    {Phase::kInstalling, Event::kInstalled, Phase::kActivating, NodeStage::kInstalled,
     "activates all of it again"},
    {Phase::kInstalling, Event::kFailed, Phase::kIdle, NodeStage::kFailed,
     "runs what it ran; what was installed is removed"},
    {Phase::kActivating, Event::kActivated, Phase::kChecking, NodeStage::kActive,
     "checks its health again"},
    {Phase::kActivating, Event::kFailed, Phase::kRollingBack, NodeStage::kFailed,
     "rolls back all of it, again and again"},
    {Phase::kChecking, Event::kHealthy, Phase::kIdle, NodeStage::kConfirmed,
     "runs the new set; the one before is kept"},
    {Phase::kChecking, Event::kFailed, Phase::kRollingBack, NodeStage::kFailed,
     "rolls back all of it, again and again"},
    {Phase::kRollingBack, Event::kRestored, Phase::kIdle, NodeStage::kBackedOut,
     "runs what it ran before; what was undone is removed"},
    {Phase::kIdle, Event::kUndone, Phase::kRollingBack, std::nullopt,
     "rolls back all of it, again and again"},
};

const AgentTransition* Find(Phase from, Event event) {
  const auto found = std::ranges::find_if(kTransitions, [&](const AgentTransition& line) {
    return line.from == from && line.event == event;
  });
  return found == std::end(kTransitions) ? nullptr : &*found;
}

// Nothing of it is needed any more, unless another set has it, too.
void Retire(AgentState& state, const DeploymentSet& set) {
  for (const SetItem& item : set.items) {
    if (std::ranges::find(state.retired, item) == state.retired.end()) {
      state.retired.push_back(item);
    }
  }
}

void KeepNoMore(AgentState& state, size_t keep) {
  while (state.previous.size() > std::clamp<size_t>(keep, 1, kMaxKeptSets)) {
    Retire(state, state.previous.back());
    state.previous.pop_back();
  }
}

void Confirm(AgentState& state, size_t keep) {
  if (state.active.has_value()) {
    state.previous.insert(state.previous.begin(), *std::exchange(state.active, std::nullopt));
  }
  state.active = std::exchange(state.pending, std::nullopt);
  KeepNoMore(state, keep);
}

void GiveUp(AgentState& state) {
  Retire(state, *state.pending);
  state.pending.reset();
}

}  // namespace

std::string_view AgentPhaseName(AgentPhase phase) {
  return kPhases[static_cast<size_t>(phase) - 1];
}

std::string_view AgentEventName(AgentEvent event) {
  return kEvents[static_cast<size_t>(event) - 1];
}

std::span<const AgentTransition> AgentTransitions() { return kTransitions; }

void AddReport(AgentState& state, NodeStage stage, const absl::Status& status, Timestamp now) {
  StageReport report;
  report.sequence = state.next_sequence++;
  report.permit = state.pending.has_value() ? state.pending->permit : "";
  report.release = state.pending.has_value() ? state.pending->release : "";
  report.stage = stage;
  if (!status.ok()) {
    report.reason = Reason(status).empty() ? "UNKNOWN" : Reason(status);
    report.message = Excerpt(Message(status), kMaxReportMessage);
  }
  report.time = std::chrono::floor<std::chrono::seconds>(now);
  const bool is_end = stage == NodeStage::kConfirmed || stage == NodeStage::kFailed ||
                      stage == NodeStage::kBackedOut;
  if (is_end) state.last = report;
  state.reports.push_back(std::move(report));
  if (state.reports.size() > kMaxStageReports) state.reports.erase(state.reports.begin());
}

absl::StatusOr<AgentState> Advance(AgentState state, AgentEvent event,
                                   const EventDetails& details) {
  const AgentTransition* line = Find(state.phase, event);
  if (line == nullptr) {
    return FailedPrecondition(ErrorReason("AGENT_STATE_UNEXPECTED"),
                              "the agent is {}, in which nothing is {}",
                              AgentPhaseName(state.phase), AgentEventName(event));
  }
  if (event == Event::kUndone) {
    if (!state.active.has_value() || state.previous.empty()) {
      return FailedPrecondition(ErrorReason("NOTHING_KEPT"),
                                "no earlier set is kept that could be gone back to");
    }
    state.pending = std::exchange(state.active, std::nullopt);
    state.active = std::move(state.previous.front());
    state.previous.erase(state.previous.begin());
  }
  if (line->report.has_value()) {
    // How it went is what it was rolled back for.
    const bool is_restored = event == Event::kRestored && details.status.ok();
    absl::Status why = details.status;
    if (is_restored && state.last.has_value() && state.last->permit == state.pending->permit &&
        state.last->stage == NodeStage::kFailed) {
      why = Internal(ErrorReason("ROLLED_BACK"), "{}: {}", state.last->reason, state.last->message);
    }
    AddReport(state, *line->report, why, details.now);
  }
  if (event == Event::kHealthy) Confirm(state, details.keep);
  const bool is_given_up =
      event == Event::kRestored || (event == Event::kFailed && line->to == Phase::kIdle);
  if (is_given_up) GiveUp(state);
  state.phase = line->to;
  state.attempts = 0;
  return state;
}

absl::Status BeginPhase(AgentState& state, Timestamp now) {
  const bool is_before_activation = state.phase == Phase::kStaging ||
                                    state.phase == Phase::kInstalling ||
                                    (state.phase == Phase::kActivating && state.attempts == 0);
  if (is_before_activation && now >= state.pending->expires) {
    return FailedPrecondition(ErrorReason("PERMIT_EXPIRED"),
                              "the permit expired on {}, before its set was activated; ask for "
                              "another",
                              FormatTime(state.pending->expires));
  }
  const bool is_limited = state.phase == Phase::kInstalling || state.phase == Phase::kActivating ||
                          state.phase == Phase::kChecking;
  if (is_limited && state.attempts >= kMaxPhaseAttempts) {
    return FailedPrecondition(ErrorReason("ATTEMPTS_EXHAUSTED"),
                              "{} was begun {} times and never ended: the node goes down in it, "
                              "or the agent is killed",
                              AgentPhaseName(state.phase), state.attempts);
  }
  ++state.attempts;
  return absl::OkStatus();
}

std::vector<SetItem> KeptItems(const AgentState& state) {
  std::vector<SetItem> out;
  const auto add = [&](const DeploymentSet& set) {
    for (const SetItem& item : set.items) {
      if (std::ranges::find(out, item) == out.end()) out.push_back(item);
    }
  };
  if (state.active.has_value()) add(*state.active);
  if (state.pending.has_value()) add(*state.pending);
  for (const DeploymentSet& set : state.previous) add(set);
  return out;
}

std::vector<SetItem> Garbage(const AgentState& state) {
  const std::vector<SetItem> kept = KeptItems(state);
  std::vector<SetItem> out;
  for (const SetItem& item : state.retired) {
    if (std::ranges::find(kept, item) == kept.end()) out.push_back(item);
  }
  return out;
}

}  // namespace dml
