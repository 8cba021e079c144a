// Sets and states of an agent, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/agent/agent_state.h"
#include "core/crypto/sha256.h"

namespace dml::testing {

inline SetItem MakeItem(const std::string& package, const std::string& version,
                        const std::string& handler = "apps") {
  SetItem out;
  out.variant = {*PackageName::Parse(package), version, *Platform::Parse("linux-amd64")};
  const std::string manifest = "manifest of " + package + " " + version;
  out.manifest = {Sha256(manifest), manifest.size()};
  out.handler = handler;
  return out;
}

/// All of its items are changed, in their order.
inline DeploymentSet MakeSet(uint64_t generation, std::vector<SetItem> items) {
  DeploymentSet out;
  out.generation = generation;
  out.permit = "permit-" + std::to_string(generation);
  out.release = "payments " + std::to_string(generation);
  out.release_digest = Sha256(out.release);
  out.log_index = 10 * generation;
  out.expires = *ParseTime("2026-06-07T00:00:00Z");
  for (const SetItem& item : items) out.changed.push_back(item.variant.package);
  out.items = std::move(items);
  return out;
}

/// Runs generation 1, acme/api 1.0.0.
inline AgentState Idle() {
  AgentState out;
  out.environment = "production/eu";
  out.node = "node-1";
  out.active = MakeSet(1, {MakeItem("acme/api", "1.0.0")});
  out.generation = 1;
  out.decisions = {{"acme/api", 10}};
  return out;
}

/// The same while generation 2, acme/api 2.0.0, is fetched.
inline AgentState Staging() {
  AgentState out = Idle();
  out.pending = MakeSet(2, {MakeItem("acme/api", "2.0.0")});
  out.phase = AgentPhase::kStaging;
  out.generation = 2;
  return out;
}

}  // namespace dml::testing
