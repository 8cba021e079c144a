// Programs of an operator that an agent runs: for a limited time, with little to say. Blocking; any
// thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace dml::agent {

struct ChildCommand {
  std::filesystem::path program;                                 // Absolute.
  std::vector<std::string> arguments;                            // After its name.
  std::vector<std::pair<std::string, std::string>> environment;  // All that it gets, but PATH.
  std::filesystem::path folder = "/";                            // To run in.
  std::chrono::milliseconds time_limit{300'000};
  size_t max_output = 64 << 10;  // Bytes; of more the last ones are kept.
};

struct ChildResult {
  std::string output;    // Of both its streams, as they came.
  uint64_t dropped = 0;  // Bytes before it.
};

/// Runs a program to its end, its input empty. All that is left in its process group is killed
/// then. Errors, with the end of its output: INTERNAL (HOOK_FAILED: its exit code, or the signal
/// that ended it); DEADLINE_EXCEEDED (HOOK_TIMED_OUT), after it was killed; NOT_FOUND
/// (HOOK_MISSING) and FAILED_PRECONDITION (HOOK_UNSAFE) where there is no such program, or others
/// than root and this user may write it or its folder; the errors of the system.
absl::StatusOr<ChildResult> RunChild(const ChildCommand& command);

/// HOOK_MISSING and HOOK_UNSAFE alone.
absl::Status CheckProgram(const std::filesystem::path& program);

}  // namespace dml::agent
