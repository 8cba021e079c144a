#include "storage/engine/rocksdb_engine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include "storage/engine/rocksdb_access.h"
#include "storage/engine/rocksdb_config.h"
#include "storage/engine/rocksdb_row_file.h"
#include "storage/engine/rocksdb_status.h"

namespace dml {
namespace {

// An open database; closes it in the end.
class Database {
 public:
  Database(std::string path, std::shared_ptr<const StopOnError> stop,
           std::unique_ptr<StagingFolder> staging, std::unique_ptr<rocksdb::DB> db,
           std::vector<rocksdb::ColumnFamilyHandle*> handles)
      : path_(std::move(path)),
        stop_(std::move(stop)),
        staging_(std::move(staging)),
        db_(std::move(db)),
        handles_(std::move(handles)) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    // Both can fail only where the background error that they report has met a commit before.
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
    std::error_code ignored;
    if (scratch_) std::filesystem::remove_all(path_, ignored);
  }

  void RemoveAtEnd() { scratch_ = true; }

  rocksdb::DB& db() const { return *db_; }
  const StopOnError& stop() const { return *stop_; }
  StagingFolder& staging() const { return *staging_; }
  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return handles_[static_cast<size_t>(table) + 1];  // After the family "default".
  }
  // Opening makes a family that a crash leaves missing.
  absl::Status Empty(Table table) {
    rocksdb::ColumnFamilyHandle*& handle = handles_[static_cast<size_t>(table) + 1];
    rocksdb::ColumnFamilyDescriptor descriptor;
    rocksdb::Status status = handle->GetDescriptor(&descriptor);
    if (status.ok()) status = db_->DropColumnFamily(handle);
    rocksdb::ColumnFamilyHandle* fresh = nullptr;
    if (status.ok()) status = db_->CreateColumnFamily(descriptor.options, descriptor.name, &fresh);
    if (status.ok()) status = db_->DestroyColumnFamilyHandle(std::exchange(handle, fresh));
    return Wrap(status, fmt::format("empty table {}", TableName(table)));
  }
  absl::Status Wrap(const rocksdb::Status& status, std::string_view doing) const {
    return FromRocksStatus(status, doing, path_);
  }
  absl::StatusOr<std::optional<std::string>> Wrap(const rocksdb::Status& status, Table table,
                                                  std::string value) const {
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return Wrap(status, fmt::format("read from table {}", TableName(table)));
    return value;
  }

 private:
  const std::string path_;
  const std::shared_ptr<const StopOnError> stop_;
  const std::unique_ptr<StagingFolder> staging_;
  const std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  bool scratch_ = false;
};

// Keeps the bounds for the iterator, which refers to them, and checks them itself as well: an
// iterator over a batch's own writes knows no bounds.
class RocksCursor : public Cursor {
 public:
  RocksCursor(const Database& database, Table table, KeyRange range,
              const rocksdb::Snapshot* snapshot, rocksdb::WriteBatchWithIndex* writes)
      : database_(database),
        table_(table),
        range_(std::move(range)),
        lower_(range_.lower),
        upper_(range_.upper),
        empty_(!range_.upper.empty() && range_.upper <= range_.lower) {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    read.iterate_lower_bound = &lower_;
    if (!range_.upper.empty()) read.iterate_upper_bound = &upper_;
    rocksdb::ColumnFamilyHandle* family = database_.family(table);
    iterator_.reset(database_.db().NewIterator(read, family));
    if (writes != nullptr) {
      iterator_.reset(writes->NewIteratorWithBase(family, iterator_.release()));
    }
  }

  void SeekToFirst() override { Seek(range_.lower); }
  void SeekToLast() override {
    if (range_.upper.empty()) {
      iterator_->SeekToLast();
      return;
    }
    iterator_->SeekForPrev(upper_);
    if (iterator_->Valid() && iterator_->key() == upper_) iterator_->Prev();
  }
  void Seek(std::string_view key) override { iterator_->Seek(std::max(key, lower_view())); }
  bool Valid() const override {
    if (empty_ || !iterator_->Valid()) return false;
    std::string_view at = key();
    return at >= lower_view() && (range_.upper.empty() || at < range_.upper);
  }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }
  absl::Status status() const override {
    if (iterator_->status().ok()) return absl::OkStatus();
    return database_.Wrap(iterator_->status(), fmt::format("walk table {}", TableName(table_)));
  }

 private:
  std::string_view lower_view() const { return range_.lower; }

  const Database& database_;
  const Table table_;
  const KeyRange range_;
  const rocksdb::Slice lower_;
  const rocksdb::Slice upper_;
  const bool empty_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksSnapshot : public Snapshot {
 public:
  explicit RocksSnapshot(const Database& database)
      : database_(database), snapshot_(database.db().GetSnapshot()) {}
  ~RocksSnapshot() override { database_.db().ReleaseSnapshot(snapshot_); }

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot_;
    std::string value;
    rocksdb::Status status = database_.db().Get(read, database_.family(table), key, &value);
    return database_.Wrap(status, table, std::move(value));
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return std::make_unique<RocksCursor>(database_, table, std::move(range), snapshot_, nullptr);
  }

 private:
  const Database& database_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksBatch : public Batch {
 public:
  explicit RocksBatch(const Database& database) : database_(database) {}

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    std::string value;
    rocksdb::Status status = writes_.GetFromBatchAndDB(&database_.db(), rocksdb::ReadOptions(),
                                                       database_.family(table), key, &value);
    return database_.Wrap(status, table, std::move(value));
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return std::make_unique<RocksCursor>(database_, table, std::move(range), nullptr, &writes_);
  }
  void Put(Table table, std::string_view key, std::string_view value) override {
    writes_files_ |= table == Table::kPacks;
    Note(writes_.Put(database_.family(table), key, value), key.size() + value.size());
  }
  void Delete(Table table, std::string_view key) override {
    writes_files_ |= table == Table::kPacks;
    Note(writes_.Delete(database_.family(table), key), key.size());
  }
  uint64_t ByteSize() const override { return byte_size_; }

  const Database& database() const { return database_; }
  const rocksdb::Status& error() const { return error_; }
  bool writes_files() const { return writes_files_; }
  rocksdb::WriteBatch* writes() { return writes_.GetWriteBatch(); }

 private:
  void Note(rocksdb::Status status, uint64_t bytes) {
    if (error_.ok()) error_ = std::move(status);
    byte_size_ += bytes;
  }

  const Database& database_;
  // Mutable: its read methods are not const. Overwriting mode, without which cursors do not work.
  mutable rocksdb::WriteBatchWithIndex writes_{rocksdb::BytewiseComparator(), 0, true};
  rocksdb::Status error_;
  uint64_t byte_size_ = 0;
  bool writes_files_ = false;
};

class RocksEngine : public Engine {
 public:
  explicit RocksEngine(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    std::string value;
    rocksdb::Status status =
        database_->db().Get(rocksdb::ReadOptions(), database_->family(table), key, &value);
    return database_->Wrap(status, table, std::move(value));
  }
  std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const override {
    return std::make_unique<RocksCursor>(*database_, table, std::move(range), nullptr, nullptr);
  }
  std::unique_ptr<Batch> NewBatch() override { return std::make_unique<RocksBatch>(*database_); }

  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override {
    auto* own = dynamic_cast<RocksBatch*>(batch.get());
    if (own == nullptr || &own->database() != database_.get()) {
      return Internal(ErrorReason("BATCH_FOREIGN"), "a batch of another engine was committed");
    }
    if (own->writes_files()) return TableOfFiles();
    if (!own->error().ok()) return database_->Wrap(own->error(), "write to a batch");
    rocksdb::WriteOptions write;
    write.sync = durability == Durability::kSynced;
    return database_->Wrap(database_->db().Write(write, own->writes()), "commit");
  }
  std::unique_ptr<Snapshot> NewSnapshot() const override {
    return std::make_unique<RocksSnapshot>(*database_);
  }
  absl::StatusOr<std::unique_ptr<RowFile>> NewRowFile() override {
    return database_->staging().NewFile(database_->family(Table::kPacks));
  }
  absl::Status Ingest(std::unique_ptr<RowFile> file) override {
    return StagingFolder::Ingest(database_->db(), database_->family(Table::kPacks),
                                 std::move(file));
  }
  absl::Status DropFiles(const KeyRange& range) override {
    const rocksdb::Slice lower = range.lower;
    const rocksdb::Slice upper = range.upper;
    return database_->Wrap(
        rocksdb::DeleteFilesInRange(&database_->db(), database_->family(Table::kPacks), &lower,
                                    range.upper.empty() ? nullptr : &upper, false),
        "drop packs");
  }
  absl::Status Empty(Table table) override { return database_->Empty(table); }
  EngineStats Stats() const override;
  rocksdb::DB& db() const { return database_->db(); }

 private:
  const std::unique_ptr<Database> database_;
};

EngineStats RocksEngine::Stats() const {
  EngineStats stats;
  auto read = [this](Table table, const rocksdb::Slice& name) {
    uint64_t value = 0;
    database_->db().GetIntProperty(database_->family(table), name, &value);
    return value;
  };
  for (Table table : kAllTables) {
    TableStats& out = stats.tables[static_cast<size_t>(table)];
    out.rows = read(table, rocksdb::DB::Properties::kEstimateNumKeys);
    out.disk_bytes = read(table, rocksdb::DB::Properties::kLiveSstFilesSize);
    out.memory_bytes = read(table, rocksdb::DB::Properties::kCurSizeAllMemTables);
  }
  // The same in all tables: both belong to the database.
  stats.cache_bytes = read(Table::kMeta, rocksdb::DB::Properties::kBlockCacheUsage);
  stats.commits_wait = read(Table::kMeta, rocksdb::DB::Properties::kIsWriteStopped) != 0;
  stats.read_only = database_->stop().stopped();
  return stats;
}

bool IsDataFile(std::string_view name) { return name.ends_with(".sst") || name.ends_with(".log"); }

// Whether a new database may be made in the folder. RocksDB itself looks for the file CURRENT only;
// where that is lost it writes a new, empty catalog before it notices what lies there.
absl::StatusOr<bool> MayCreate(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  rocksdb::Status status = env.GetChildren(path, &names);
  if (status.IsNotFound()) return true;
  if (!status.ok()) return FromRocksStatus(status, "open", path);
  if (std::find(names.begin(), names.end(), "CURRENT") != names.end()) return false;
  if (std::any_of(names.begin(), names.end(), IsDataFile)) {
    return FromRocksStatus(rocksdb::Status::Corruption("the file CURRENT is missing"), "open",
                           path);
  }
  return true;
}

}  // namespace

rocksdb::DB* DatabaseOf(Engine& engine) {
  auto* own = dynamic_cast<RocksEngine*>(&engine);
  return own == nullptr ? nullptr : &own->db();
}

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksEngine(const std::filesystem::path& path,
                                                        const RocksEngineOptions& options) {
  DML_RETURN_IF_ERROR(options.Validate());
  auto stop = std::make_shared<StopOnError>();
  rocksdb::DBOptions db_options = MakeDbOptions(options, stop);
  DML_ASSIGN_OR_RETURN(db_options.create_if_missing, MayCreate(*db_options.env, path.string()));
  DML_ASSIGN_OR_RETURN(auto staging, StagingFolder::Open(path.string(), db_options));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status =
      rocksdb::DB::Open(db_options, path.string(), MakeFamilies(options), &handles, &db);
  if (!status.ok()) return FromRocksStatus(status, "open", path.string());
  auto database = std::make_unique<Database>(path.string(), std::move(stop), std::move(staging),
                                             std::unique_ptr<rocksdb::DB>(db), std::move(handles));
  if (options.scratch) database->RemoveAtEnd();
  return std::make_unique<RocksEngine>(std::move(database));
}

}  // namespace dml
