// Backups of a library, made beside its traffic, in a folder of their own.
//
//   library             {"backupFormat":1,"origin":...}, whose backups these are
//   database/           the database, incrementally (storage/engine/rocksdb_backup.h)
//   files/<name>/       what else a data directory needs, of each backup
//   audit/              the audit log's files, which only grow
//
// Private keys are never copied: they do not change, so one copy of keys/, kept elsewhere, is
// enough, and a thief of backups can sign nothing. docs/formats.md, "Backups".
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "storage/engine/engine.h"
#include "storage/engine/rocksdb_backup.h"

namespace dml {

/// What a backup says of itself. The journal in it has `entries` at least, and then this root.
struct BackupNote {
  std::string origin;
  uint64_t entries = 0;
  Digest root;
  std::string files;    // Name of its folder below files/.
  std::string version;  // Of the program that made it.
  bool operator==(const BackupNote&) const = default;
};

/// JSON, one line. DATA_LOSS (BACKUP_DAMAGED) where it cannot be read.
std::string FormatBackupNote(const BackupNote& note);
absl::StatusOr<BackupNote> ParseBackupNote(std::string_view json);

struct Backup {
  uint32_t number = 0;
  Timestamp time;      // Seconds.
  uint64_t bytes = 0;  // Of its database, files that others share too.
  BackupNote note;
};

struct BackupSource {
  std::filesystem::path data_dir;
  Engine* engine = nullptr;
  std::string origin;
  uint64_t entries = 0;  // Signed and durable by now.
  Digest root;           // At that size.
  std::string version;
};

class BackupFolder {
 public:
  /// FAILED_PRECONDITION (BACKUP_FOREIGN) where the folder holds something else, or backups of
  /// another library; NOT_FOUND (BACKUP_NOT_FOUND) where `origin` is nullopt and it holds none.
  static absl::StatusOr<BackupFolder> Open(const std::filesystem::path& folder,
                                           const std::optional<std::string>& origin);

  /// Files first, then the database: what a restored signed-checkpoint promises, the database has.
  absl::StatusOr<Backup> Make(const BackupSource& source);
  /// Ascending. A backup whose note cannot be read is left out.
  absl::StatusOr<std::vector<Backup>> List() const;
  /// The one of this number; 0: the newest. NOT_FOUND (BACKUP_NOT_FOUND).
  absl::StatusOr<Backup> Find(uint32_t number) const;
  /// Reads all of it. DATA_LOSS (BACKUP_DAMAGED).
  absl::Status Verify(const Backup& backup) const;
  /// Copies it to `data_dir`, a folder that is there and has no database yet.
  absl::Status CopyTo(const Backup& backup, const std::filesystem::path& data_dir) const;
  /// Drops all but the newest ones.
  absl::Status Keep(uint32_t newest);

  const std::string& origin() const { return origin_; }

 private:
  BackupFolder(std::filesystem::path folder, std::string origin,
               std::unique_ptr<EngineBackups> databases);
  absl::StatusOr<std::string> CopyFiles(const BackupSource& source) const;

  std::filesystem::path folder_;
  std::string origin_;
  std::unique_ptr<EngineBackups> databases_;
};

}  // namespace dml
