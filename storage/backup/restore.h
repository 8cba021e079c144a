// A data directory made from a backup.
#pragma once

#include <filesystem>
#include <optional>

#include "core/base/status.h"
#include "storage/backup/backup.h"

namespace dml {

struct RestoreRequest {
  std::filesystem::path backups;       // A BackupFolder.
  uint32_t number = 0;                 // 0: the newest.
  std::filesystem::path data_dir;      // Missing or empty.
  std::optional<uint64_t> last_index;  // The last entry that is kept; nullopt: all.
};

struct RestoreReport {
  Backup backup;
  uint64_t entries = 0;  // That the restored journal has,
  Digest root;           // and its root.
};

/// Verifies the backup, copies it, proves that its journal is the one that was backed up (the tree
/// made anew from the entries has the root that was signed), cuts it where that is asked, and folds
/// the views anew. The directory appears at the end, as a whole: until then it has the name of
/// `data_dir` with ".restoring" after it, where a restore that was interrupted may be found; the
/// next one begins anew. Private keys are not in a backup, and the signed checkpoint is put beside
/// as "signed-checkpoint.backup": what was signed later, nobody but the operator knows.
/// FAILED_PRECONDITION (DATA_DIR_FOREIGN) where the directory is not empty; NOT_FOUND
/// (BACKUP_NOT_FOUND); DATA_LOSS (BACKUP_DAMAGED); INVALID_ARGUMENT (JOURNAL_SIZE_INVALID).
absl::StatusOr<RestoreReport> RestoreBackup(const RestoreRequest& request);

}  // namespace dml
