// dml-agent: see docs/agent.md.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tools/agent/commands.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  dml::agent::EngineHooks hooks;
  hooks.log = [](std::string_view line) { std::cerr << line << std::endl; };
  // Tests end it there as a power failure would: nothing is flushed, nobody is told.
  if (const char* point = std::getenv("DML_AGENT_KILL_AT"); point != nullptr) {
    hooks.reached = [point = std::string(point)](std::string_view reached) {
      if (reached == point) ::raise(SIGKILL);
    };
  }
  return dml::agent::RunAgent(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr,
                              hooks);
}
