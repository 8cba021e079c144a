// The engines under test, and short ways to write and read them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "storage/engine/engine.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/support/temp_dir.h"

namespace dml::testing {

/// Small enough that a few thousand rows are flushed and compacted.
inline RocksEngineOptions SmallOptions() {
  RocksEngineOptions options;
  options.block_cache_bytes = 1 << 20;
  options.write_buffer_bytes = 4 << 20;
  options.max_open_files = 64;
  return options;
}

/// What the contract suite is run with: Make() gives an empty engine that lives as long as this.
struct MemoryFixture {
  std::unique_ptr<Engine> Make() { return NewMemoryEngine(); }
};
struct RocksFixture {
  std::unique_ptr<Engine> Make() {
    absl::StatusOr<std::unique_ptr<Engine>> engine =
        OpenRocksEngine(dir.path() / std::to_string(made++), SmallOptions());
    EXPECT_TRUE(engine.ok()) << Message(engine.status());
    return engine.ok() ? *std::move(engine) : nullptr;
  }
  TempDir dir;
  int made = 0;
};

/// The tables that batches write.
inline std::vector<Table> BatchTables() {
  std::vector<Table> tables(kAllTables.begin(), kAllTables.end());
  std::erase(tables, Table::kPacks);
  return tables;
}

using Row = std::pair<std::string, std::string>;

/// All rows of a range; the test fails where the cursor does.
inline std::vector<Row> Rows(const Reader& reader, Table table, KeyRange range = {}) {
  std::vector<Row> rows;
  auto cursor = reader.NewCursor(table, std::move(range));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    rows.emplace_back(cursor->key(), cursor->value());
  }
  EXPECT_TRUE(cursor->status().ok()) << Message(cursor->status());
  return rows;
}

/// The value, or nullopt; the test fails where the read does.
inline std::optional<std::string> Value(const Reader& reader, Table table, std::string_view key) {
  absl::StatusOr<std::optional<std::string>> value = reader.Get(table, key);
  EXPECT_TRUE(value.ok()) << Message(value.status());
  return value.ok() ? *value : std::nullopt;
}

inline absl::Status PutOne(Engine& engine, Table table, std::string_view key,
                           std::string_view value, Durability durability = Durability::kSynced) {
  auto batch = engine.NewBatch();
  batch->Put(table, key, value);
  return engine.Commit(std::move(batch), durability);
}

}  // namespace dml::testing

#define DML_ASSERT_OK(expr)                                                  \
  do {                                                                       \
    absl::Status dml_ok_ = (expr);                                           \
    ASSERT_TRUE(dml_ok_.ok()) << Reason(dml_ok_) << " " << Message(dml_ok_); \
  } while (false)
