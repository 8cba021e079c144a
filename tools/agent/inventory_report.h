// What an agent says is in use on its node (core/fleet/inventory.h).
#pragma once

#include <string>
#include <vector>

#include "core/fleet/inventory.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/engine.h"

namespace dml::agent {

/// Without sequence and time. `verified`: what was found of items when they were looked at last. Of
/// more than kMaxInventoryForeign the first.
NodeInventory MakeInventory(const AgentState& state, const std::vector<VerifiedItem>& verified,
                            std::vector<std::string> foreign);

/// What lies below the roots of handlers of kind DIRECTORY and was not put there by them: the
/// folders of packages that no set has, ascending.
std::vector<std::string> FindForeign(const AgentConfig& config, const AgentState& state);

}  // namespace dml::agent
