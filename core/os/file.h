// Files and folders: the only input and output in core, used by every program.
//
// Every error names the path and what to do. Codes and reasons that callers may branch on:
//   NOT_FOUND (FILE_NOT_FOUND), PERMISSION_DENIED (FILE_PERMISSION_DENIED),
//   RESOURCE_EXHAUSTED (DISK_FULL: no space or quota; FILE_TOO_LARGE: above the caller's limit),
//   FAILED_PRECONDITION (FILE_NOT_REGULAR, FILE_NOT_DIRECTORY, FILE_NOT_PRIVATE, FILE_READ_ONLY),
//   INTERNAL (FILE_IO_FAILED: anything else that the system reports).
// Calls block on the disk; any thread may call them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml {

/// The whole content of a regular file of at most `max_bytes`. Links are followed; a pipe or device
/// is refused, never waited for.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path, uint64_t max_bytes);

/// ReadFile for a secret: also demands what RequirePrivateFile does, of the very file that is read.
absl::StatusOr<std::string> ReadPrivateFile(const std::filesystem::path& path, uint64_t max_bytes);

/// Replaces or creates a file so that a crash leaves the old content or the new, never a part: a
/// temporary file in the same folder is written, synced and renamed, and the folder is synced. On
/// an error before the rename the old file is unchanged; where only the last sync fails, either
/// content may be there after a crash. `mode` holds whatever the umask is. A link at `path` is
/// replaced, not followed. A crash can leave a ".dml-tmp-*" file behind, which nobody reads.
absl::Status WriteFileAtomically(const std::filesystem::path& path, ByteSpan bytes, mode_t mode);

/// WriteFileAtomically for a small file that must be replaceable on a full disk too: the new
/// content goes into `spare`, a file beside it that has its space already, and the two exchange
/// names. Where either is missing, or the file system cannot exchange names, space is needed.
absl::Status ReplaceWithSpare(const std::filesystem::path& path, const std::filesystem::path& spare,
                              ByteSpan bytes, mode_t mode);

/// Makes the names in a folder durable: of files that were made, renamed or removed in it.
absl::Status SyncFolder(const std::filesystem::path& folder);

/// The error of a system call that could not be carried out: "cannot DOING PATH: ...". Which
/// `error` (errno) has which reason is the same for all who use files.
absl::Status FileError(int error, std::string_view doing, const std::filesystem::path& path);

/// Makes a folder (and missing parents) with mode 0700. One that exists must be a folder of the
/// effective user without rights for group and others, else FILE_NOT_PRIVATE.
absl::Status MakePrivateDirectory(const std::filesystem::path& path);

/// Refuses a file that is not regular (FILE_NOT_REGULAR), not owned by the effective user, or open
/// to group or others in any way (FILE_NOT_PRIVATE, with the command that repairs it).
absl::Status RequirePrivateFile(const std::filesystem::path& path);

}  // namespace dml
