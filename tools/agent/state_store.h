// The state directory of an agent:
//
//   lock                  held by the one agent that runs
//   state.json            docs/formats.md, "Agent state"
//   permit-memory.json    what the verifier of permits has seen, likewise
//   permit.json           the permit bundle that the last set came by
//   node.key              the node's own key
//   reserve               space that is given up when there is none for state.json
//   content/<manifest>/   manifest.json and files/ of an item
//   configurations/<digest>
//
// All of it is the agent's alone: the folder is private (core/os/file.h). One thread at a time.
#pragma once

#include <filesystem>
#include <string>

#include "client/file_io.h"
#include "core/agent/agent_state.h"
#include "core/crypto/keys.h"
#include "core/evidence/permit_memory.h"
#include "tools/agent/handler.h"

namespace dml::agent {

class StateStore {
 public:
  /// Makes the folder where it is missing. FAILED_PRECONDITION: AGENT_RUNNING where another agent
  /// has it, NODE_UNEXPECTED where it is of another node or environment; DATA_LOSS
  /// (AGENT_STATE_DAMAGED) where its documents cannot be read; the errors of core/os/file.h.
  static absl::StatusOr<StateStore> Open(const std::filesystem::path& folder,
                                         const std::string& environment, const std::string& node);

  const AgentState& state() const { return state_; }
  const PermitMemory& memory() const { return memory_; }

  /// Durable when OK. Where the disk is full, the reserve is given up for it.
  absl::Status SaveState(const AgentState& state);
  absl::Status SaveMemory(const PermitMemory& memory);
  absl::Status SavePermit(const std::string& bundle);
  /// Takes the reserve again; best effort.
  void Reserve() const;

  /// The node's key, made by the first call.
  absl::StatusOr<PrivateKey> NodeKey() const;

  StagedContent ContentOf(const SetItem& item) const;
  std::filesystem::path content_folder() const { return folder_ / "content"; }
  /// Removes all content but that of these items.
  absl::Status Evict(const std::vector<SetItem>& kept) const;

 private:
  StateStore(std::filesystem::path folder, FileDescriptor lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}
  absl::Status Load(const std::string& environment, const std::string& node);
  absl::Status Save(const std::string& name, const std::string& text) const;

  std::filesystem::path folder_;
  FileDescriptor lock_;
  AgentState state_;
  PermitMemory memory_;
};

/// Reads a state directory without taking it: for whoever looks on while the agent runs.
absl::StatusOr<AgentState> ReadAgentState(const std::filesystem::path& folder);

}  // namespace dml::agent
