// The agent's loop: Boost.Asio coroutines on one thread, which blocks on nothing; work goes to a
// thread of its own.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>

#include "tools/agent/session.h"

namespace dml::agent {

/// How long to wait after a turn: an interval with its jitter where all is well, else what the
/// library asked for (RetryInfo), else twice as long with each failure from a second on, up to the
/// interval. `failures`: turns that failed one after the other. `random`: 0 to 1.
std::chrono::milliseconds DelayAfter(const absl::Status& turn, int failures,
                                     std::chrono::seconds interval, uint32_t jitter_percent,
                                     double random);

/// One turn: goes on with what was begun, then with the permit bundle that lies in `permit_file`
/// ("": none), where that is another one than `seen` (which it becomes).
absl::Status TakeTurn(Engine& engine, const std::filesystem::path& permit_file, std::string& seen,
                      const std::function<void(std::string_view)>& log);

/// Takes turns until SIGTERM or SIGINT, which end it after the state that is under way.
absl::Status RunLoop(const AgentConfig& config, EngineHooks hooks);

}  // namespace dml::agent
