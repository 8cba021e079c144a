// An agent that does what its library wants.
#pragma once

#include <functional>
#include <string_view>

#include "tools/agent/engine.h"
#include "tools/agent/library_desire.h"

namespace dml::agent {

/// Tells the library what it was not told yet, gives up what it no longer wants, and takes on what
/// it wants now; for an idle engine. A permit that is refused here is told as failed, and not asked
/// for again. The errors of the library; why the engine waits.
absl::Status FollowLibrary(Engine& engine, LibraryDesire& desire,
                           const std::function<void(std::string_view)>& log);

}  // namespace dml::agent
