// Running a command of the user's.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// Runs `sh -c command` with `input` on its standard input and our own other streams, and waits for
/// its end. ABORTED (COMMAND_FAILED) where it ends with another status than 0; INTERNAL
/// (COMMAND_NOT_STARTED). Input that it does not read is dropped.
absl::Status RunCommand(const std::string& command, std::string_view input);

}  // namespace dml
