// Single files out of archives that strangers made; nothing is written anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

/// What an archive may make its reader do. Nothing is ever allocated by a size that it states.
struct ArchiveLimits {
  uint64_t max_member_bytes = 4 << 20;        // Of a member that is read.
  uint64_t max_unpacked_bytes = 16ULL << 30;  // Of a tar archive, when uncompressed.
  uint64_t max_entries = 1 << 20;
};

enum class ArchiveFormat { kTarGzip, kZip };

struct ArchiveMember {
  std::string path;  // Without "./" before it.
  std::string content;
};

/// The regular files whose path is `wanted`, in the order of the archive. A tar archive is read to
/// its end, so that OK means that it is complete; of a zip archive the central directory and the
/// members wanted (their CRC is checked). Blocks on the disk.
///
/// Errors leave it to the caller to name the file: NOT_FOUND (FILE_NOT_FOUND), FAILED_PRECONDITION
/// (FILE_NOT_REGULAR); INVALID_ARGUMENT (ARCHIVE_INVALID): not the format, cut short, two members
/// of one wanted path, or one that is no regular file; RESOURCE_EXHAUSTED (ARCHIVE_TOO_LARGE).
absl::StatusOr<std::vector<ArchiveMember>> ReadArchiveMembers(
    const std::filesystem::path& path, ArchiveFormat format, const ArchiveLimits& limits,
    const std::function<bool(std::string_view path)>& wanted);

}  // namespace dml
