// dml: the command line of the definitive media library. See docs/cli.md.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tools/dml/app.h"

int main(int argc, char** argv) {
  // Batches read and write many short lines; nothing here uses C's streams beside.
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  // A reader that goes away (`dml ... | head`) is an error of writing, not a reason to be killed.
  std::signal(SIGPIPE, SIG_IGN);
  // gRPC's own lines would stand among the errors, which say the same for people.
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  return dml::RunDml(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr,
                     dml::SystemTerminal());
}
