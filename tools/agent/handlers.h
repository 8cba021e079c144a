// The handlers that a configuration names.
#pragma once

#include "tools/agent/agent_config.h"
#include "tools/agent/handler.h"

namespace dml::agent {

HandlerTable MakeHandlers(const AgentConfig& config);

}  // namespace dml::agent
