// The storage engine in RocksDB: one database folder, one column family per table, one log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "core/base/status.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class Env;
}

namespace dml {

struct RocksEngineOptions {
  /// Shared by all tables; holds index and filter blocks too, so that memory does not grow with
  /// the amount of data.
  uint64_t block_cache_bytes = 64ull << 20;
  /// Rows not yet in files, of all tables together; the log is at most about twice as long, and
  /// its replay is what opening after a crash costs.
  uint64_t write_buffer_bytes = 64ull << 20;
  /// Well below the process's limit on descriptors: connections need the others.
  int max_open_files = 512;
  /// Flushes and compactions together; 0: no limit. Never limits commits and reads.
  uint64_t background_bytes_per_second = 128ull << 20;
  /// The folder goes when the engine does.
  bool scratch = false;
  /// File system and threads; null: the operating system's. Tests inject faults here. Must
  /// outlive the engine.
  rocksdb::Env* env = nullptr;

  /// INVALID_ARGUMENT (STORAGE_OPTIONS_INVALID), naming the bad field.
  absl::Status Validate() const;
};

/// Opens the database in folder `path`, or makes one where the folder is missing or has none; its
/// parent must exist. Replays the log's tail but reads no table as a whole, whatever its size. A
/// record that a crash cut off at the log's end is dropped: it was never acknowledged. A damaged
/// length in the last 32 KiB of the log or of the catalog (MANIFEST) looks the same and drops what
/// follows it; whoever knows what must be there (the signed checkpoint) has to compare. Besides the
/// errors of engine.h:
///   FAILED_PRECONDITION (DATA_DIR_IN_USE)      another process, or engine, has it open
///   FAILED_PRECONDITION (STORAGE_INCOMPATIBLE) written by another program or a newer version
///   DATA_LOSS (STORAGE_CORRUPT)                any other damage of the log or the catalog
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksEngine(const std::filesystem::path& path,
                                                        const RocksEngineOptions& options);

}  // namespace dml
