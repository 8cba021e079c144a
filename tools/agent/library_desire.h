// What a library wants of a node: by the permits that name it and the rollouts that they are
// carried out by; and what it is told of how that went. Blocking; one thread at a time.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "client/client.h"
#include "core/agent/agent_state.h"
#include "core/evidence/permit_memory.h"

namespace dml::agent {

class LibraryDesire {
 public:
  /// `client` must outlive it.
  LibraryDesire(Client& client, std::string environment, std::string node)
      : client_(client), environment_(std::move(environment)), node_(std::move(node)) {}

  struct Permit {
    std::string id;
    std::string release;  // "payments 2.0.0"
    std::string bundle;
  };
  /// The permit to act upon now: the newest that is open, names the node, was not used here and is
  /// carried out by a rollout whose wave for this node has begun. A permit that no rollout carries
  /// out yet, one that leads back, and those of Refuse() are left alone. The errors of the client.
  absl::StatusOr<std::optional<Permit>> Next(const AgentState& state, const PermitMemory& memory);

  /// Whether the rollout by which the active set came wants it no more. The errors of the client.
  absl::StatusOr<bool> GivesUp(const AgentState& state);

  /// That the node begins to act upon a permit, which it does once; what runs is the baseline.
  absl::Status Use(const std::string& permit, const AgentState& state);

  /// Not to be asked about again: it was judged, and refused.
  void Refuse(const std::string& permit) { refused_.insert(permit); }

  /// Tells how a set went; OK, too, where the library knows it or does not ask.
  absl::Status Tell(const StageReport& report);

 private:
  // Whether its wave has begun; false where nothing carries the release out.
  absl::StatusOr<bool> MayBegin(const std::string& release);
  std::string NodeResourceName() const;

  Client& client_;
  const std::string environment_;
  const std::string node_;
  std::set<std::string> refused_;
};

}  // namespace dml::agent
