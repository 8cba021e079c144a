// The daemon's log: lines on standard error, for the journal of the system.
#pragma once

#include <string>

#include "server/config/server_config.h"

namespace dml {

/// From now on spdlog's default logger, and gRPC's own log (all of it for
/// debugging), write in this form. One line a message,
/// whatever is in it: control characters become '?', and in JSON everything is escaped. Lines of a
/// call carry its ids (call_scope.h).
void StartLogging(const LogConfig& config);

/// From the next line on. Any thread.
void SetLogLevel(LogLevel level);

}  // namespace dml
