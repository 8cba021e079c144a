// Archives unpacked into a folder, by rules that an archive cannot bend. Blocking.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "tools/agent/folder.h"

namespace dml::agent {

/// What an archive may make of itself. Nothing is allocated by a size that it states.
struct UnpackLimits {
  uint64_t max_bytes = 64ULL << 30;  // Of all files together, holes included.
  uint64_t max_entries = 1 << 20;
};

/// Whether a file of that name is unpacked: ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst",
/// ".zip".
bool IsArchiveName(std::string_view name);

/// Unpacks all of an archive (tar, also compressed, or zip). Files keep of their rights what of
/// 0755 they have; owners, times and attributes are not taken over. INVALID_ARGUMENT:
/// ARCHIVE_INVALID where it cannot be read to its end, or has a name twice; ARCHIVE_UNSAFE for a
/// device, pipe or socket, and for rights that only root may give (set-user-id and set-group-id);
/// PATH_INVALID, and FAILED_PRECONDITION (PATH_UNSAFE) for what would lead out of the folder.
/// RESOURCE_EXHAUSTED: ARCHIVE_TOO_LARGE, DISK_FULL. After an error the folder holds a part.
absl::Status UnpackArchive(const std::filesystem::path& archive, const Folder& folder,
                           const UnpackLimits& limits);

}  // namespace dml::agent
