// The index of a Debian archive: a Packages file (Debian repository format, "Packages" indices).
#pragma once

#include <filesystem>
#include <functional>

#include "core/base/status.h"
#include "tools/import/deb_control.h"

namespace dml {

struct DebIndexLimits {
  uint64_t max_bytes = uint64_t{2} << 30;  // Uncompressed.
  size_t max_stanza_bytes = 1 << 20;       // One package's.
  size_t max_packages = 1'000'000;
};

/// Hands each paragraph to `take` in order, holding one at a time. The file is plain or compressed
/// (gzip, xz, zstd, bzip2 or lz4, told by its content). Ends at the first error of `take`.
///
/// Errors name the file and the paragraph, counted from 1: NOT_FOUND (FILE_NOT_FOUND),
/// FAILED_PRECONDITION (FILE_NOT_REGULAR), INVALID_ARGUMENT (DEB_INVALID) for what cannot be read,
/// RESOURCE_EXHAUSTED (DEB_TOO_LARGE) beyond a limit.
absl::Status ReadDebIndex(const std::filesystem::path& path,
                          const std::function<absl::Status(const DebControl&)>& take,
                          const DebIndexLimits& limits = {});

}  // namespace dml
