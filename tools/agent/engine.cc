#include "tools/agent/engine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/agent/acceptance.h"
#include "core/base/text.h"
#include "core/os/file.h"
#include "tools/agent/folder.h"

namespace dml::agent {
namespace {

AgentEvent SuccessOf(AgentPhase phase) {
  switch (phase) {
    case AgentPhase::kStaging:
      return AgentEvent::kStaged;
    case AgentPhase::kInstalling:
      return AgentEvent::kInstalled;
    case AgentPhase::kActivating:
      return AgentEvent::kActivated;
    case AgentPhase::kChecking:
      return AgentEvent::kHealthy;
    case AgentPhase::kRollingBack:
    case AgentPhase::kIdle:
      break;
  }
  return AgentEvent::kRestored;
}

// Worth another try, where nothing was changed by this one.
bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsAborted(status) || RetryAfter(status).has_value();
}

PermitVerdict Refused(absl::Status status) {
  PermitVerdict out;
  out.steps.push_back({"bundle", false, std::string(Message(status))});
  out.status = std::move(status);
  return out;
}

}  // namespace

Engine::Engine(const AgentConfig& config, TrustedRoot pinned, HandlerTable& handlers,
               ContentSource* source, StateStore& store, EngineHooks hooks)
    : config_(config),
      pinned_(std::move(pinned)),
      handlers_(handlers),
      source_(source),
      store_(store),
      hooks_(std::move(hooks)) {}

void Engine::Reached(std::string_view point) const {
  if (!hooks_.reached) return;
  hooks_.reached(fmt::format("{}.{}", AgentPhaseName(state().phase), point));
}

void Engine::Log(std::string_view line) const {
  if (hooks_.log) hooks_.log(line);
}

PermitVerdict Engine::Judge(const std::string& text) const {
  absl::StatusOr<Timestamp> now = TimeToJudgeBy(hooks_.now(), state().log_time);
  if (!now.ok()) return Refused(now.status());
  absl::StatusOr<PermitBundle> bundle = ParsePermitBundle(text);
  if (!bundle.ok()) return Refused(bundle.status());
  return VerifyPermitBundle(*bundle, pinned_, *now, store_.memory());
}

absl::StatusOr<PermitVerdict> Engine::Accept(const std::string& text) {
  PermitVerdict verdict = Judge(text);
  DML_RETURN_IF_ERROR(verdict.status);
  DML_ASSIGN_OR_RETURN(AgentState next, AcceptPermit(state(), verdict, config_.facts));
  const DeploymentSet* before = state().active.has_value() ? &*state().active : nullptr;
  for (const SetStep& step : StepsOf(before, *next.pending)) {
    HandlerStep checked{step.before, step.after, {}, {}, next.pending->permit};
    DML_ASSIGN_OR_RETURN(Handler * handler, HandlerOf(checked.item()));
    DML_RETURN_IF_ERROR(handler->Check(checked));
  }
  DML_RETURN_IF_ERROR(store_.SavePermit(text));
  // What was seen must not be forgotten once it was acted upon; the other way round is no harm.
  DML_RETURN_IF_ERROR(store_.SaveMemory(verdict.next));
  Reached("remembered");
  DML_RETURN_IF_ERROR(store_.SaveState(next));
  Log(fmt::format("took on {} by permit {}: {} of {} packages change", next.pending->release,
                  next.pending->permit, next.pending->changed.size(), next.pending->items.size()));
  return verdict;
}

absl::StatusOr<RunResult> Engine::Run() {
  RunResult out;
  while (state().phase != AgentPhase::kIdle) {
    if (hooks_.stops && hooks_.stops()) {
      out.waiting = Unavailable(ErrorReason("AGENT_STOPPED"), "the agent was told to stop");
      break;
    }
    DML_RETURN_IF_ERROR(Step(out.waiting));
    if (!out.waiting.ok()) break;
  }
  out.phase = state().phase;
  if (out.phase == AgentPhase::kIdle) {
    DML_RETURN_IF_ERROR(CollectGarbage());
    store_.Reserve();
  }
  return out;
}

absl::Status Engine::Step(absl::Status& waiting) {
  const AgentPhase phase = state().phase;
  const bool installs = phase == AgentPhase::kStaging || phase == AgentPhase::kInstalling;
  absl::StatusOr<Timestamp> now = TimeToJudgeBy(hooks_.now(), state().log_time);
  if (!now.ok() && installs) {
    waiting = now.status();
    return absl::OkStatus();
  }
  AgentState begun = state();
  absl::Status status = BeginPhase(begun, now.ok() ? *now : state().log_time);
  if (status.ok()) {
    DML_RETURN_IF_ERROR(store_.SaveState(begun));
    Reached("begun");
    status = Work(phase);
    Reached("done");
  }
  const bool may_wait =
      phase == AgentPhase::kRollingBack || (phase == AgentPhase::kStaging && IsPassing(status));
  if (!status.ok() && may_wait) {
    Log(fmt::format("{}: waits: {}", AgentPhaseName(phase), Message(status)));
    waiting = status;
    return absl::OkStatus();
  }
  if (!status.ok()) Log(fmt::format("{} failed: {}", AgentPhaseName(phase), Message(status)));
  const EventDetails details{hooks_.now(), config_.keep_sets, status};
  DML_ASSIGN_OR_RETURN(
      AgentState next,
      Advance(state(), status.ok() ? SuccessOf(phase) : AgentEvent::kFailed, details));
  // On a full disk what was fetched makes room for the state that says that it is full.
  if (!status.ok() && installs) (void)store_.Evict(ContentToKeep(next));
  DML_RETURN_IF_ERROR(store_.SaveState(next));
  Log(fmt::format("{} -> {}", AgentPhaseName(phase), AgentPhaseName(next.phase)));
  Reached("entered");
  return absl::OkStatus();
}

absl::Status Engine::Work(AgentPhase phase) {
  switch (phase) {
    case AgentPhase::kStaging:
      return Stage();
    case AgentPhase::kInstalling:
      return ForEachStep("step", [](Handler& handler, const HandlerStep& step) {
        return step.after == nullptr ? absl::OkStatus() : handler.Install(step);
      });
    case AgentPhase::kActivating:
      return ForEachStep(
          "step", [](Handler& handler, const HandlerStep& step) { return handler.Activate(step); });
    case AgentPhase::kChecking:
      return CheckHealth();
    case AgentPhase::kRollingBack:
      return RollBack();
    case AgentPhase::kIdle:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<Handler*> Engine::HandlerOf(const SetItem& item) const {
  const auto found = handlers_.find(item.handler);
  if (found != handlers_.end()) return found->second.get();
  return FailedPrecondition(ErrorReason("HANDLER_UNKNOWN"),
                            "{} was put there by the handler {}, which the agent's configuration "
                            "no longer has",
                            item.variant.package.ToString(), item.handler);
}

std::vector<HandlerStep> Engine::Steps() const {
  const DeploymentSet* before = state().active.has_value() ? &*state().active : nullptr;
  std::vector<HandlerStep> out;
  for (const SetStep& step : StepsOf(before, *state().pending)) {
    if (step.before == nullptr && step.after == nullptr) continue;
    HandlerStep& added = out.emplace_back();
    added.before = step.before;
    added.after = step.after;
    added.permit = state().pending->permit;
    if (step.before != nullptr) added.before_content = store_.ContentOf(*step.before);
    if (step.after != nullptr) added.after_content = store_.ContentOf(*step.after);
  }
  return out;
}

absl::Status Engine::ForEachStep(
    std::string_view point, const std::function<absl::Status(Handler&, const HandlerStep&)>& what) {
  for (const HandlerStep& step : Steps()) {
    DML_ASSIGN_OR_RETURN(Handler * handler, HandlerOf(step.item()));
    DML_RETURN_IF_ERROR(what(*handler, step));
    Reached(point);
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckHealth() {
  const auto sleep = [&](std::chrono::milliseconds time) {
    hooks_.sleep ? hooks_.sleep(time) : std::this_thread::sleep_for(time);
  };
  absl::Status status;
  for (int i = 0; i < config_.health_tries; ++i) {
    if (i > 0) sleep(config_.health_interval);
    status = ForEachStep("step", [](Handler& handler, const HandlerStep& step) {
      return step.after == nullptr ? absl::OkStatus() : handler.CheckHealth(step);
    });
    if (status.ok()) break;
  }
  return status;
}

// In the other direction, and all that can be, whatever one of them says.
absl::Status Engine::RollBack() {
  std::vector<HandlerStep> steps = Steps();
  std::ranges::reverse(steps);
  absl::Status first;
  for (const HandlerStep& step : steps) {
    absl::StatusOr<Handler*> handler = HandlerOf(step.item());
    const absl::Status status = handler.ok() ? (*handler)->RollBack(step) : handler.status();
    first.Update(status);
    Reached("step");
  }
  return first;
}

absl::Status Engine::Undo(const std::string& permit, const std::string& reason) {
  if (!state().active.has_value() || state().active->permit != permit) {
    return FailedPrecondition(ErrorReason("PERMIT_UNEXPECTED"),
                              "what runs did not come by permit {}", Excerpt(permit));
  }
  const EventDetails details{hooks_.now(), config_.keep_sets,
                             FailedPrecondition(ErrorReason("BACKED_OUT"), "{}", reason)};
  DML_ASSIGN_OR_RETURN(AgentState next, Advance(state(), AgentEvent::kUndone, details));
  return store_.SaveState(next);
}

absl::Status Engine::Told(uint64_t sequence) {
  AgentState next = state();
  const size_t told = std::erase_if(
      next.reports, [&](const StageReport& report) { return report.sequence <= sequence; });
  return told > 0 ? store_.SaveState(next) : absl::OkStatus();
}

absl::StatusOr<std::vector<VerifiedItem>> Engine::Verify() const {
  std::vector<VerifiedItem> out;
  if (!state().active.has_value()) return out;
  for (const SetItem& item : state().active->items) {
    DML_ASSIGN_OR_RETURN(Handler * handler, HandlerOf(item));
    DML_ASSIGN_OR_RETURN(std::vector<std::string> differences,
                         handler->Verify(item, store_.ContentOf(item)));
    out.push_back({item, std::move(differences)});
  }
  return out;
}

std::vector<SetItem> Engine::ContentToKeep(const AgentState& state) const {
  std::vector<SetItem> out;
  for (const SetItem& item : KeptItems(state)) {
    absl::StatusOr<Handler*> handler = HandlerOf(item);
    if (!handler.ok() || (*handler)->keeps_content()) out.push_back(item);
  }
  return out;
}

absl::Status Engine::CollectGarbage() {
  AgentState next = state();
  next.retired.clear();
  for (const SetItem& item : Garbage(state())) {
    absl::StatusOr<Handler*> handler = HandlerOf(item);
    const absl::Status status = handler.ok() ? (*handler)->Clean(item) : handler.status();
    if (!status.ok()) Log(fmt::format("cannot clean up: {}", Message(status)));
    // Of a handler that is gone nobody knows how.
    if (!status.ok() && handler.ok()) next.retired.push_back(item);
    Reached("cleaned");
  }
  if (next.retired != state().retired) DML_RETURN_IF_ERROR(store_.SaveState(next));
  return store_.Evict(ContentToKeep(state()));
}

}  // namespace dml::agent
