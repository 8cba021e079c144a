// Backups of a RocksDB engine, in a folder that holds several and shares what they have in common.
//
// Incremental: table files that a backup before has are not copied again; every file carries a
// checksum, which a verification and every restore compare. What is copied is the database at one
// moment, beside any traffic. Not thread-safe; one process at a time writes a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class BackupEngine;
}

namespace dml {

/// One backup of a folder.
struct EngineBackup {
  uint32_t number = 0;  // From 1, in the order of their making.
  Timestamp time;       // Seconds.
  uint64_t bytes = 0;   // Of all its files, shared ones too.
  uint32_t files = 0;
  std::string note;  // As it was given to Create.
};

class EngineBackups {
 public:
  /// Makes the folder where it is missing. What a crash left half copied is dropped by the next
  /// Create. Errors as of engine.h; DATA_LOSS (BACKUP_DAMAGED) where it cannot be read.
  static absl::StatusOr<std::unique_ptr<EngineBackups>> Open(const std::filesystem::path& folder);
  ~EngineBackups();

  /// Copies what `engine` has committed, durably. FAILED_PRECONDITION (BACKUP_UNSUPPORTED) for an
  /// engine that is not RocksDB's. `progress` is called now and then, by a thread of RocksDB's.
  absl::StatusOr<EngineBackup> Create(Engine& engine, const std::string& note,
                                      const std::function<void()>& progress = {});
  /// Ascending by number; those alone that are whole.
  std::vector<EngineBackup> List() const;
  /// Reads every file of a backup and compares checksums. NOT_FOUND (BACKUP_NOT_FOUND); DATA_LOSS
  /// (BACKUP_DAMAGED), which names the file.
  absl::Status Verify(uint32_t number) const;
  /// Copies a backup into `database`, a folder that is missing or empty. Errors as Verify.
  absl::Status Restore(uint32_t number, const std::filesystem::path& database) const;
  /// Drops all but the newest ones, with the files that no other has.
  absl::Status Keep(uint32_t newest);

 private:
  explicit EngineBackups(std::filesystem::path folder, std::unique_ptr<rocksdb::BackupEngine> made);

  const std::filesystem::path folder_;
  const std::unique_ptr<rocksdb::BackupEngine> engine_;
};

}  // namespace dml
