// DATA/listen-address: where the daemon listens, for those who find it by its data directory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// Written at every start, once the address is bound.
absl::Status WriteListenAddress(const std::filesystem::path& data_dir, std::string_view address);

/// NOT_FOUND (FILE_NOT_FOUND) where the daemon never ran.
absl::StatusOr<std::string> ReadListenAddress(const std::filesystem::path& data_dir);

}  // namespace dml
