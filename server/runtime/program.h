// dmld as a program: from its arguments to its exit code.
#pragma once

#include "core/base/status.h"

namespace dml {

/// Documented in docs/operations.md, "Exit codes".
enum DaemonExit : int {
  kExitOk = 0,
  kExitFailure = 1,        // While running.
  kExitUsage = 2,          // Command line or configuration: trying again changes nothing.
  kExitDataDirectory = 3,  // The data directory: an operator must look.
  kExitSelfProbe = 4,      // The listener went silent: start again.
};

DaemonExit DaemonExitFor(const absl::Status& status);

/// Runs to the end of the process's work. Messages go to standard error.
int RunProgram(int argc, char** argv);

}  // namespace dml
