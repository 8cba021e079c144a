#include "storage/engine/memory_engine.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

namespace dml {
namespace {

// Values are shared between the copies of a table.
using Value = std::shared_ptr<const std::string>;
using Rows = std::map<std::string, Value, std::less<>>;
// A batch's writes to a table; a null value is a deletion.
using Writes = Rows;

size_t IndexOf(Table table) { return static_cast<size_t>(table); }

std::optional<std::string> Find(const Rows& rows, std::string_view key) {
  auto it = rows.find(key);
  if (it == rows.end()) return std::nullopt;
  return *it->second;
}

// The rows of a range: its own copy, made at its creation.
class MemoryCursor : public Cursor {
 public:
  explicit MemoryCursor(const Rows& range) : rows_(range.begin(), range.end()) {}

  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override { at_ = rows_.size() - 1; }  // Wraps to kNowhere where empty.
  void Seek(std::string_view key) override {
    auto it = std::lower_bound(rows_.begin(), rows_.end(), key,
                               [](const Row& row, std::string_view k) { return row.first < k; });
    at_ = it - rows_.begin();
  }
  bool Valid() const override { return at_ < rows_.size(); }
  void Next() override { ++at_; }
  void Prev() override { --at_; }  // Wraps to kNowhere before the first row.
  std::string_view key() const override { return rows_[at_].first; }
  std::string_view value() const override { return *rows_[at_].second; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  using Row = std::pair<std::string, Value>;
  static constexpr size_t kNowhere = -1;

  const std::vector<Row> rows_;
  size_t at_ = kNowhere;
};

Rows CopyRange(const Rows& rows, const KeyRange& range) {
  if (!range.upper.empty() && range.upper <= range.lower) return {};
  return Rows(rows.lower_bound(range.lower),
              range.upper.empty() ? rows.end() : rows.lower_bound(range.upper));
}

void Apply(const Writes& writes, Rows& rows) {
  for (const auto& [key, value] : writes) {
    if (value == nullptr) {
      rows.erase(key);
    } else {
      rows.insert_or_assign(key, value);
    }
  }
}

class MemoryEngine : public Engine {
 public:
  MemoryEngine() {
    for (auto& table : tables_) table = std::make_shared<Rows>();
  }

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    absl::MutexLock lock(&mutex_);
    return Find(*tables_[IndexOf(table)], key);
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return std::make_unique<MemoryCursor>(Range(table, range));
  }
  Rows Range(Table table, const KeyRange& range) const {
    absl::MutexLock lock(&mutex_);
    return CopyRange(*tables_[IndexOf(table)], range);
  }

  std::unique_ptr<Batch> NewBatch() override;
  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override;
  absl::StatusOr<std::unique_ptr<RowFile>> NewRowFile() override;
  absl::Status Ingest(std::unique_ptr<RowFile> file) override;
  absl::Status DropFiles(const KeyRange& range) override;
  absl::Status Empty(Table table) override;
  std::unique_ptr<Snapshot> NewSnapshot() const override;
  EngineStats Stats() const override;

 private:
  friend class MemorySnapshot;
  using Tables = std::array<std::shared_ptr<Rows>, kTableCount>;

  mutable absl::Mutex mutex_;
  // A table that a snapshot shares is copied before it is written. Snapshots take and drop their
  // share under the mutex, so that a use count of one is certain.
  Tables tables_ ABSL_GUARDED_BY(mutex_);
  std::vector<KeyRange> files_ ABSL_GUARDED_BY(mutex_);  // First and last key of each.
};

class MemoryRowFile : public RowFile {
 public:
  absl::Status Add(std::string_view key, std::string_view value) override {
    if (!rows_.empty() && key <= rows_.rbegin()->first) {
      return Internal(ErrorReason("STORAGE_FAILED"), "the keys of a pack do not ascend");
    }
    rows_.emplace(key, std::make_shared<const std::string>(value));
    return absl::OkStatus();
  }
  const Rows& rows() const { return rows_; }

 private:
  Rows rows_;
};

class MemorySnapshot : public Snapshot {
 public:
  explicit MemorySnapshot(const MemoryEngine& engine) : engine_(engine) {
    absl::MutexLock lock(&engine_.mutex_);
    tables_ = engine_.tables_;
  }
  ~MemorySnapshot() override {
    absl::MutexLock lock(&engine_.mutex_);
    tables_ = {};
  }
  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    // As in RocksDB, a snapshot sees packs come and go.
    if (table == Table::kPacks) return engine_.Get(table, key);
    return Find(*tables_[IndexOf(table)], key);
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    if (table == Table::kPacks) return engine_.NewCursor(table, std::move(range));
    return std::make_unique<MemoryCursor>(CopyRange(*tables_[IndexOf(table)], range));
  }

 private:
  const MemoryEngine& engine_;
  MemoryEngine::Tables tables_;
};

class MemoryBatch : public Batch {
 public:
  explicit MemoryBatch(const MemoryEngine& engine) : engine_(engine) {}

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    const Writes& writes = writes_[IndexOf(table)];
    auto it = writes.find(key);
    if (it == writes.end()) return engine_.Get(table, key);
    if (it->second == nullptr) return std::nullopt;
    return *it->second;
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    Rows rows = engine_.Range(table, range);
    Apply(CopyRange(writes_[IndexOf(table)], range), rows);
    return std::make_unique<MemoryCursor>(rows);
  }
  void Put(Table table, std::string_view key, std::string_view value) override {
    Write(table, key, std::make_shared<const std::string>(value));
    byte_size_ += value.size();
  }
  void Delete(Table table, std::string_view key) override { Write(table, key, nullptr); }
  uint64_t ByteSize() const override { return byte_size_; }

  const MemoryEngine& engine() const { return engine_; }
  const Writes& writes(size_t table) const { return writes_[table]; }

 private:
  void Write(Table table, std::string_view key, Value value) {
    writes_[IndexOf(table)].insert_or_assign(std::string(key), std::move(value));
    byte_size_ += key.size();
  }

  const MemoryEngine& engine_;
  std::array<Writes, kTableCount> writes_;
  uint64_t byte_size_ = 0;
};

std::unique_ptr<Batch> MemoryEngine::NewBatch() { return std::make_unique<MemoryBatch>(*this); }

absl::Status MemoryEngine::Commit(std::unique_ptr<Batch> batch, Durability) {
  auto* own = dynamic_cast<MemoryBatch*>(batch.get());
  if (own == nullptr || &own->engine() != this) {
    return Internal(ErrorReason("BATCH_FOREIGN"), "a batch of another engine was committed");
  }
  if (!own->writes(IndexOf(Table::kPacks)).empty()) return TableOfFiles();
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < kTableCount; ++i) {
    if (own->writes(i).empty()) continue;
    if (tables_[i].use_count() > 1) tables_[i] = std::make_shared<Rows>(*tables_[i]);
    Apply(own->writes(i), *tables_[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RowFile>> MemoryEngine::NewRowFile() {
  return std::make_unique<MemoryRowFile>();
}

absl::Status MemoryEngine::Ingest(std::unique_ptr<RowFile> file) {
  auto* own = dynamic_cast<MemoryRowFile*>(file.get());
  if (own == nullptr) {
    return Internal(ErrorReason("ROW_FILE_FOREIGN"), "a file of another engine was ingested");
  }
  if (own->rows().empty()) {
    return Internal(ErrorReason("STORAGE_FAILED"), "a pack without rows was ingested");
  }
  const KeyRange keys{own->rows().begin()->first, own->rows().rbegin()->first};
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<Rows>& table = tables_[IndexOf(Table::kPacks)];
  for (const KeyRange& file : files_) {
    if (file.lower <= keys.upper && keys.lower <= file.upper) {
      return FailedPrecondition(ErrorReason("RANGE_NOT_EMPTY"), "rows of a pack are there already");
    }
  }
  if (table.use_count() > 1) table = std::make_shared<Rows>(*table);
  Apply(own->rows(), *table);
  files_.push_back(keys);
  return absl::OkStatus();
}

absl::Status MemoryEngine::DropFiles(const KeyRange& range) {
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<Rows>& table = tables_[IndexOf(Table::kPacks)];
  if (table.use_count() > 1) table = std::make_shared<Rows>(*table);
  std::erase_if(files_, [&](const KeyRange& file) {
    bool inside = file.lower >= range.lower && (range.upper.empty() || file.upper < range.upper);
    if (inside) table->erase(table->lower_bound(file.lower), table->upper_bound(file.upper));
    return inside;
  });
  return absl::OkStatus();
}

absl::Status MemoryEngine::Empty(Table table) {
  absl::MutexLock lock(&mutex_);
  tables_[IndexOf(table)] = std::make_shared<Rows>();
  if (table == Table::kPacks) files_.clear();
  return absl::OkStatus();
}

std::unique_ptr<Snapshot> MemoryEngine::NewSnapshot() const {
  return std::make_unique<MemorySnapshot>(*this);
}

EngineStats MemoryEngine::Stats() const {
  EngineStats stats;
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < kTableCount; ++i) {
    stats.tables[i].rows = tables_[i]->size();
    for (const auto& [key, value] : *tables_[i]) {
      stats.tables[i].memory_bytes += key.size() + value->size();
    }
  }
  return stats;
}

}  // namespace

std::unique_ptr<Engine> NewMemoryEngine() { return std::make_unique<MemoryEngine>(); }

}  // namespace dml
