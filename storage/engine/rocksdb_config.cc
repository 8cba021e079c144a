#include "storage/engine/rocksdb_config.h"

#include <cstdarg>
#include <cstdio>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <spdlog/spdlog.h>

#include "storage/engine/rocksdb_file_checksum.h"

namespace dml {
namespace {

constexpr uint64_t kMiB = 1ull << 20;
constexpr double kFilterBitsPerKey = 10;  // About 1 % of look-ups of missing keys read a block.

// Looked up by digest, and often for what is not there: a filter saves the read.
bool HasFilter(Table table) {
  return table == Table::kChunkIndex || table == Table::kBlobs || table == Table::kMetadata;
}

// Digests and zstd frames do not compress; texts and protobufs do.
rocksdb::CompressionType CompressionOf(Table table) {
  switch (table) {
    case Table::kMerkle:
    case Table::kBlobs:
    case Table::kChunkIndex:
    case Table::kChunks:
    case Table::kPacks:
      return rocksdb::kNoCompression;
    case Table::kMeta:
    case Table::kJournal:
    case Table::kViews:
    case Table::kMetadata:
      return rocksdb::kLZ4Compression;
  }
  return rocksdb::kNoCompression;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(Table table, const RocksEngineOptions& options,
                                               const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions block;
  block.block_cache = cache;
  block.block_size = 16 << 10;
  block.cache_index_and_filter_blocks = true;
  block.format_version = 5;
  if (HasFilter(table)) {
    block.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
    block.whole_key_filtering = true;
  }
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(block));
  family.compression = CompressionOf(table);
  // One busy table may take a quarter of the common budget before it is flushed.
  family.write_buffer_size = options.write_buffer_bytes / 4;
  family.level_compaction_dynamic_level_bytes = true;
  // Packs come as files of the last level and leave whole: there is nothing to compact.
  family.disable_auto_compactions = table == Table::kPacks;
  return family;
}

// RocksDB's warnings and errors, in the program's log.
class DatabaseLog : public rocksdb::Logger {
 public:
  DatabaseLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, arguments);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL) return;
    char line[1024];
    std::vsnprintf(line, sizeof(line), format, arguments);
    // So it is with every file that was ingested; nothing is wrong with them.
    if (std::string_view(line).find("without unique ID") != std::string_view::npos) return;
    spdlog::log(
        level == rocksdb::InfoLogLevel::WARN_LEVEL ? spdlog::level::warn : spdlog::level::err,
        "database: {}", line);
  }
};

absl::Status Require(bool good, std::string_view field, std::string_view rule) {
  if (good) return absl::OkStatus();
  return AtField(
      InvalidArgument(ErrorReason("STORAGE_OPTIONS_INVALID"), "{} must be {}", field, rule), field);
}

}  // namespace

absl::Status RocksEngineOptions::Validate() const {
  DML_RETURN_IF_ERROR(Require(block_cache_bytes >= kMiB, "block_cache_bytes", "at least 1 MiB"));
  DML_RETURN_IF_ERROR(Require(write_buffer_bytes >= 4 * kMiB && write_buffer_bytes <= 4096 * kMiB,
                              "write_buffer_bytes", "between 4 MiB and 4 GiB"));
  DML_RETURN_IF_ERROR(Require(max_open_files >= 64, "max_open_files", "at least 64"));
  return Require(background_bytes_per_second == 0 || background_bytes_per_second >= kMiB,
                 "background_bytes_per_second", "0 (no limit) or at least 1 MiB");
}

rocksdb::DBOptions MakeDbOptions(const RocksEngineOptions& options,
                                 std::shared_ptr<StopOnError> stop) {
  rocksdb::DBOptions db;
  if (options.env != nullptr) db.env = options.env;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.file_checksum_gen_factory = MakeFileChecksums();

  // What was acknowledged was synced, so the only damage that a crash can do to the log is a
  // record at its end that was never acknowledged. kTolerateCorruptedTailRecords drops exactly
  // that and refuses to open at any other damage. The default, kPointInTimeRecovery, would silently
  // drop acknowledged commits from a damaged record on; kAbsoluteConsistency would refuse to start
  // after every power loss in the middle of a write.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.listeners.push_back(std::move(stop));
  db.max_bgerror_resume_count = 0;
  // Bounds the replay, also where one table is written so seldom that its rows keep the log alive.
  db.max_total_wal_size = 2 * options.write_buffer_bytes;
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);

  // No scan at opening: with a bounded table cache only a few files are opened, and their
  // statistics are left for later.
  db.max_open_files = options.max_open_files;
  db.skip_stats_update_on_db_open = true;

  db.bytes_per_sync = kMiB;  // Background files reach the disk evenly, not in one burst.
  if (options.background_bytes_per_second != 0) {
    db.rate_limiter.reset(
        rocksdb::NewGenericRateLimiter(static_cast<int64_t>(options.background_bytes_per_second)));
  }
  // Its own log file would end the process once the disk is full: Debian's build asserts that a
  // file whose writing failed is not written again, and the logger does so.
  db.info_log = std::make_shared<DatabaseLog>();
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const RocksEngineOptions& options) {
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName,
                        MakeFamilyOptions(Table::kMeta, options, cache));
  for (Table table : kAllTables) {
    families.emplace_back(std::string(TableName(table)), MakeFamilyOptions(table, options, cache));
  }
  return families;
}

}  // namespace dml
