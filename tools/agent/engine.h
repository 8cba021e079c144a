// The agent's work: from a permit bundle to a set that runs, or to what ran before. Each state is
// durable before what it allows is done (core/agent/agent_state.h), so that an engine that was
// killed at any instant goes on from there. Blocking; one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/evidence/permit_verifier.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/content_source.h"
#include "tools/agent/handler.h"
#include "tools/agent/state_store.h"

namespace dml::agent {

/// What of its surroundings an engine asks; tests give others.
struct EngineHooks {
  std::function<Timestamp()> now = &WallClockNow;
  std::function<void(std::chrono::milliseconds)> sleep;  // Between health checks.
  /// Told where the engine is, "<PHASE>.<point>": tests kill it there.
  std::function<void(std::string_view)> reached;
  std::function<void(std::string_view)> log;  // A line for people.
  std::function<bool()> stops;                // Whether to begin no other state.
};

/// How far a run came.
struct RunResult {
  AgentPhase phase = AgentPhase::kIdle;
  /// OK where the agent is idle; else why it waits, to be tried again.
  absl::Status waiting;
};

struct VerifiedItem {
  SetItem item;
  std::vector<std::string> differences;  // None: it is as it was put there.
};

class Engine {
 public:
  /// `source` may be nullptr, where no content can be had now; it and the handlers must outlive
  /// this, which config need not.
  Engine(const AgentConfig& config, TrustedRoot pinned, HandlerTable& handlers,
         ContentSource* source, StateStore& store, EngineHooks hooks);

  /// Verifies a permit bundle, and takes on its set. What the verifier has seen is kept either way.
  /// Errors leave the state as it is: those of ParsePermitBundle, VerifyPermitBundle, AcceptPermit
  /// and TimeToJudgeBy; those of the handlers' Check.
  absl::StatusOr<PermitVerdict> Accept(const std::string& bundle);

  /// Judges a bundle as Accept does, and changes nothing.
  PermitVerdict Judge(const std::string& bundle) const;

  /// Does what is to be done, until the agent is idle or must wait.
  absl::StatusOr<RunResult> Run();

  /// Gives up the active set, which this permit brought. FAILED_PRECONDITION: PERMIT_UNEXPECTED
  /// where another one did; those of Advance.
  absl::Status Undo(const std::string& permit, const std::string& reason);

  /// What the active set should be, and is.
  absl::StatusOr<std::vector<VerifiedItem>> Verify() const;

  /// The library was told all reports up to this one.
  absl::Status Told(uint64_t sequence);

  const AgentState& state() const { return store_.state(); }
  const PermitMemory& memory() const { return store_.memory(); }

 private:
  absl::Status Step(absl::Status& waiting);
  absl::Status Work(AgentPhase phase);
  absl::Status Stage();
  absl::StatusOr<Manifest> StageManifest(const SetItem& item);
  absl::Status StageConfiguration(const SetItem& item);
  absl::Status CheckSpace(uint64_t needed) const;
  absl::Status CheckHealth();
  absl::Status RollBack();
  absl::Status ForEachStep(std::string_view point,
                           const std::function<absl::Status(Handler&, const HandlerStep&)>& what);
  std::vector<HandlerStep> Steps() const;
  absl::StatusOr<Handler*> HandlerOf(const SetItem& item) const;
  std::vector<SetItem> ContentToKeep(const AgentState& state) const;
  absl::Status CollectGarbage();
  void Reached(std::string_view point) const;
  void Log(std::string_view line) const;

  const AgentConfig config_;
  const TrustedRoot pinned_;
  HandlerTable& handlers_;
  ContentSource* const source_;
  StateStore& store_;
  const EngineHooks hooks_;
};

}  // namespace dml::agent
