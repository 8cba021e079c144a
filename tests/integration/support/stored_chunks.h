// Damage to a library that does not run. Apart: the engine and the command line both have a Table.
#pragma once

#include <filesystem>

#include "core/base/status.h"

namespace dml::testing {

/// Flips a bit of the first stored chunk that lies in a row of its own.
absl::Status DamageAChunk(const std::filesystem::path& data_dir);

}  // namespace dml::testing
