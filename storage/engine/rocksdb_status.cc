#include "storage/engine/rocksdb_status.h"

namespace dml {
namespace {

// RocksDB has no code of its own for a lock that is held: these are the texts of the two cases of
// its PosixFileSystem::LockFile (another process; this process).
bool IsLockHeld(std::string_view text) {
  return text.find("While lock file") != std::string_view::npos ||
         text.find("lock hold by current process") != std::string_view::npos;
}

}  // namespace

absl::Status FromRocksStatus(const rocksdb::Status& status, std::string_view doing,
                             std::string_view path) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (status.IsCorruption()) {
    return DataLoss(ErrorReason("STORAGE_CORRUPT"),
                    "{}: the database {} is damaged: {}; check the disk, and {}", doing, path, text,
                    doing.find("chunk_index") == std::string_view::npos
                        ? "restore a backup"
                        : "stop the daemon and make the index anew: dmld rebuild-index");
  }
  if (status.IsNoSpace()) {
    return ResourceExhausted(ErrorReason("DISK_FULL"),
                             "{}: no space left for the database {}: {}; free space on its file "
                             "system, and restart the daemon if it does not go on by itself",
                             doing, path, text);
  }
  if (status.IsIOError() && IsLockHeld(text)) {
    return FailedPrecondition(ErrorReason("DATA_DIR_IN_USE"),
                              "{}: the database {} is open in another process: {}; stop that "
                              "daemon first or use another data directory",
                              doing, path, text);
  }
  if (status.IsIOError() || status.IsTimedOut() || status.IsBusy() || status.IsTryAgain()) {
    return Unavailable(ErrorReason("STORAGE_IO"),
                       "{}: the file system of the database {} failed: {}; check the disk and the "
                       "folder's permissions, and restart the daemon",
                       doing, path, text);
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return FailedPrecondition(ErrorReason("STORAGE_INCOMPATIBLE"),
                              "{}: the database {} cannot be used by this version: {}; use the "
                              "version that wrote it",
                              doing, path, text);
  }
  return Internal(ErrorReason("STORAGE_FAILED"), "{}: the database {} reports: {}", doing, path,
                  text);
}

}  // namespace dml
