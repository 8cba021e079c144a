// The real dml-agent, run in a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dml::testing {

struct ProgramEnd {
  int code = -1;  // Its exit code; -1 where a signal ended it.
  int signal = 0;
  std::string out, err;
};

/// `kill_at`: where it kills itself, "": nowhere (EngineHooks::reached). `environment`:
/// "NAME=value" besides its own.
ProgramEnd RunAgentProgram(const std::filesystem::path& config,
                           const std::vector<std::string>& arguments,
                           const std::string& kill_at = "",
                           const std::vector<std::string>& environment = {});

}  // namespace dml::testing
