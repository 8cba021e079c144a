// Damage to a library that does not run.
#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "storage/engine/engine.h"

namespace dml::testing {

/// Flips a bit of the first stored chunk that lies in a row of its own.
absl::Status DamageAChunk(const std::filesystem::path& data_dir);

/// Flips a bit in the middle of a table's largest file, as a disk would.
absl::Status DamageAFile(const std::filesystem::path& data_dir, Table table);

}  // namespace dml::testing
