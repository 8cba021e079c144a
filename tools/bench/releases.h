// Releases as experiments take them: folders (or single files) in memory.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace dml::bench {

/// A file of a release: its path below the release's folder, and its content.
struct ReleaseFile {
  std::string path;
  std::string content;
};

/// The regular files below `path`, ordered by path as bytes; where `path` is a file itself, that
/// one. Links and other things are left out. Errors of core/os/file.h; FAILED_PRECONDITION
/// (RELEASE_EMPTY) where there is no file.
absl::StatusOr<std::vector<ReleaseFile>> LoadRelease(const std::filesystem::path& path);

/// The same files as one tar archive (pax format restricted to what ustar can say where it can),
/// in the same order; no times and no owners, so that equal files make equal bytes.
absl::StatusOr<std::string> PackRelease(const std::vector<ReleaseFile>& files);

}  // namespace dml::bench
