// The state of an agent: what is on its disk between any two instants, and the one table of what
// may happen in it. Killed at any time, an agent reads its state and goes on from there. A value;
// pure functions; any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent/deployment_set.h"
#include "core/release/rollout.h"

namespace dml {

inline constexpr size_t kMaxKeptSets = 8;
inline constexpr size_t kMaxStageReports = 64;
/// How often a state is begun before what it does is taken to bring the node down.
inline constexpr uint32_t kMaxPhaseAttempts = 3;

enum class AgentPhase { kIdle = 1, kStaging, kInstalling, kActivating, kChecking, kRollingBack };
enum class AgentEvent {
  kAccepted = 1,  // A permit was verified and planned by.
  kStaged,        // All that the set needs is here, and verified.
  kInstalled,     // All of it is in place beside what runs.
  kActivated,     // All of it runs instead.
  kHealthy,
  kFailed,
  kRestored,  // All that ran before runs again.
  kUndone     // The library says that the set is to be given up.
};
std::string_view AgentPhaseName(AgentPhase phase);  // "IDLE", ...
std::string_view AgentEventName(AgentEvent event);  // "accepted", ...

struct AgentTransition {
  AgentPhase from;
  AgentEvent event;
  AgentPhase to;
  std::optional<NodeStage> report;  // What the node says of itself then.
  std::string_view killed;          // Where it ends when killed in `to`.
};
/// All there are; no state has two for one event.
std::span<const AgentTransition> AgentTransitions();

/// How something ended or how far it came, to be told.
struct StageReport {
  uint64_t sequence = 0;  // From 1 on; goes up by 1.
  std::string permit;
  NodeStage stage = NodeStage::kPending;
  std::string reason;   // Of a failure: its word; else "".
  std::string message;  // Likewise.
  Timestamp time;
  std::string release = {};  // "payments 2.0.0"
  bool operator==(const StageReport&) const = default;
};

struct AgentState {
  std::string environment;
  std::string node;
  AgentPhase phase = AgentPhase::kIdle;
  uint32_t attempts = 0;                      // How often the phase was begun.
  std::optional<DeploymentSet> active;        // Runs; while a set is activated: ran before.
  std::optional<DeploymentSet> pending;       // Is to run, or is to be undone; never while idle.
  std::vector<DeploymentSet> previous;        // Kept to go back to, the last one first.
  std::vector<SetItem> retired;               // May still lie about, and is needed no more.
  std::map<std::string, uint64_t> decisions;  // By package: log index of the last permit used.
  uint64_t generation = 0;                    // Of the newest set ever.
  Timestamp log_time;                         // It is later than this, whatever the clock says.
  std::optional<StageReport> last;            // How the last set ended.
  std::vector<StageReport> reports;           // Not told yet, the oldest first.
  uint64_t next_sequence = 1;
  bool operator==(const AgentState&) const = default;
};

/// What is known when something happens.
struct EventDetails {
  Timestamp now;
  size_t keep = 1;      // Sets to go back to, 1 to kMaxKeptSets.
  absl::Status status;  // Of kFailed and kUndone: why.
};

/// The state after an event: the table, and what it means for the sets.
///   accepted   is AcceptPermit's, in core/agent/acceptance.h
///   healthy    the set becomes the active one, and the one before is kept
///   failed     before activation: given up. Later: rolled back
///   restored   what was active stays so
///   undone     the active set is rolled back to the one kept last; FAILED_PRECONDITION
///              (NOTHING_KEPT) where there is none
/// FAILED_PRECONDITION (AGENT_STATE_UNEXPECTED) for what the table does not have.
absl::StatusOr<AgentState> Advance(AgentState state, AgentEvent event, const EventDetails& details);

/// Begins what the phase does, once more. Where it was begun too often, or the permit expired
/// before anything was activated, the status is the reason to fail.
absl::Status BeginPhase(AgentState& state, Timestamp now);

/// All items that must stay: of the active set, the pending one and those kept.
std::vector<SetItem> KeptItems(const AgentState& state);
/// Of the retired ones those that need not stay.
std::vector<SetItem> Garbage(const AgentState& state);

/// Adds a report; the oldest is forgotten where there are more than kMaxStageReports.
void AddReport(AgentState& state, NodeStage stage, const absl::Status& status, Timestamp now);

}  // namespace dml
