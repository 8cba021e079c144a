// Table files that are written past RocksDB's log and then made part of the table kPacks.
//
// Tried with RocksDB 7.8.3: such a file lands in the last level at sequence number 0, costs one
// write of its bytes, needs no compaction, and is dropped whole. Used by rocksdb_engine.cc alone.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include "storage/engine/engine.h"

namespace dml {

/// The folder where such files grow, beside the database's own; emptied when the engine opens.
class StagingFolder {
 public:
  /// Makes or empties it. `options`: those of the database.
  static absl::StatusOr<std::unique_ptr<StagingFolder>> Open(const std::string& database_path,
                                                             const rocksdb::DBOptions& options);

  /// A new file for `family`, whose table options it takes over.
  absl::StatusOr<std::unique_ptr<RowFile>> NewFile(rocksdb::ColumnFamilyHandle* family);

  /// Completes and syncs a file of NewFile and makes it part of `family`. INTERNAL
  /// (ROW_FILE_FOREIGN) for any other; otherwise the errors of Engine::Ingest.
  static absl::Status Ingest(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                             std::unique_ptr<RowFile> file);

 private:
  StagingFolder(std::string path, const rocksdb::DBOptions& options)
      : path_(std::move(path)), options_(options) {}

  const std::string path_;
  const rocksdb::DBOptions options_;
  std::atomic<uint64_t> next_ = 1;
};

}  // namespace dml
