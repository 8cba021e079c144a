// The commands of dml-agent. docs/agent.md.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tools/agent/engine.h"

namespace dml::agent {

/// What the process returns, as dml does.
enum class AgentExit {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,       // Arguments, or a file that they or the configuration name.
  kNegative = 3,    // The permit is refused, its set failed, or what runs is not what should.
  kUnavailable = 6  // It waits for something; to be run again.
};

/// Runs one command line, without the program's name.
int RunAgent(const std::vector<std::string>& args, std::ostream& out, std::ostream& err,
             const EngineHooks& hooks = {});

}  // namespace dml::agent
