// What only an engine on a disk can do: keep data, refuse to share it, and notice damage.
#include "storage/engine/rocksdb_engine.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <unistd.h>

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>

#include "tests/storage/engine/engines.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using ::dml::testing::PutOne;
using ::dml::testing::Row;
using ::dml::testing::Rows;
using ::dml::testing::SmallOptions;
using ::dml::testing::TempDir;
using ::dml::testing::Value;

using MaybeEngine = absl::StatusOr<std::unique_ptr<Engine>>;

class RocksEngineTest : public ::testing::Test {
 protected:
  MaybeEngine Open(const fs::path& path) { return OpenRocksEngine(path, SmallOptions()); }
  std::unique_ptr<Engine> MustOpen(const fs::path& path) {
    MaybeEngine engine = Open(path);
    EXPECT_TRUE(engine.ok()) << Message(engine.status());
    return engine.ok() ? *std::move(engine) : nullptr;
  }
  /// A copy of the database, to be damaged.
  fs::path Copy() {
    fs::path copy = dir_.path() / fmt::format("copy{}", copies_++);
    fs::copy(db_, copy);
    return copy;
  }
  /// The largest file with the extension.
  static fs::path FileOf(const fs::path& folder, std::string_view extension) {
    fs::path best;
    for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
      if (file.path().extension() != extension) continue;
      if (best.empty() || file.file_size() > fs::file_size(best)) best = file.path();
    }
    EXPECT_FALSE(best.empty()) << "no " << extension << " file in " << folder;
    return best;
  }
  static void Flip(const fs::path& path, uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    char c = static_cast<char>(file.get() ^ 0x40);
    file.seekp(offset);
    file.put(c);
  }

  static constexpr int kCommits = 20;
  /// Commits 0, 1, ... to two tables each, then closes: they are in the log.
  void WriteCommits() {
    auto engine = MustOpen(db_);
    for (int i = 0; i < kCommits; ++i) {
      auto batch = engine->NewBatch();
      batch->Put(Table::kJournal, KeyBuilder().U64(i).Build(), std::string(200, 'a' + i));
      batch->Put(Table::kMeta, "size", std::to_string(i + 1));
      DML_ASSERT_OK(engine->Commit(std::move(batch), Durability::kSynced));
    }
  }
  /// How many of WriteCommits' commits are there; they must be the first ones, whole and unaltered.
  static int CountCommits(const Engine& engine) {
    std::vector<Row> rows = Rows(engine, Table::kJournal);
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i], Row(KeyBuilder().U64(i).Build(), std::string(200, 'a' + i)));
    }
    EXPECT_EQ(Value(engine, Table::kMeta, "size").value_or("0"), std::to_string(rows.size()));
    return rows.size();
  }

  TempDir dir_;
  fs::path db_ = dir_.path() / "db";
  int copies_ = 0;
};

TEST_F(RocksEngineTest, ReopeningKeepsEveryTable) {
  for (int round = 0; round < 3; ++round) {
    auto engine = MustOpen(db_);
    for (Table table : testing::BatchTables()) {
      EXPECT_EQ(Rows(*engine, table).size(), size_t(round)) << TableName(table);
      DML_ASSERT_OK(PutOne(*engine, table, std::to_string(round), TableName(table)));
    }
  }
}

TEST_F(RocksEngineTest, WhatAKilledProcessCommittedIsThere) {
  auto engine = MustOpen(db_);
  DML_ASSERT_OK(PutOne(*engine, Table::kJournal, "synced", "1"));
  DML_ASSERT_OK(PutOne(*engine, Table::kJournal, "buffered", "1", Durability::kBuffered));
  // The files as they are while the database is open are what a kill would leave.
  auto after_kill = MustOpen(Copy());
  EXPECT_EQ(Rows(*after_kill, Table::kJournal),
            (std::vector<Row>{{"buffered", "1"}, {"synced", "1"}}));
}

TEST_F(RocksEngineTest, SecondOpenInThisProcessIsRefused) {
  auto engine = MustOpen(db_);
  MaybeEngine second = Open(db_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(second.status()), "DATA_DIR_IN_USE") << Message(second.status());
  EXPECT_NE(Message(second.status()).find(db_.string()), std::string_view::npos);
  DML_ASSERT_OK(PutOne(*engine, Table::kMeta, "k", "still works"));
}

TEST_F(RocksEngineTest, OpenWhileAnotherProcessHoldsTheLockIsRefused) {
  MustOpen(db_).reset();
  int held[2], release[2];
  ASSERT_EQ(pipe(held), 0);
  ASSERT_EQ(pipe(release), 0);
  const std::string lock_file = (db_ / "LOCK").string();
  pid_t child = fork();
  if (child == 0) {
    close(release[1]);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    char byte = fcntl(open(lock_file.c_str(), O_RDWR), F_SETLK, &lock) == 0 ? 1 : 0;
    if (write(held[1], &byte, 1) != 1) _exit(1);
    _exit(read(release[0], &byte, 1) == 0 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(held[0], &byte, 1), 1);
  ASSERT_EQ(byte, 1) << "the child could not lock";
  EXPECT_EQ(Reason(Open(db_).status()), "DATA_DIR_IN_USE");
  close(release[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Open(db_).ok());
  for (int fd : {held[0], held[1], release[0]}) close(fd);
}

TEST_F(RocksEngineTest, DatabaseOfANewerVersionIsRefused) {
  MustOpen(db_).reset();
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, db_.string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  families.emplace_back("table_of_the_future", rocksdb::ColumnFamilyOptions());
  rocksdb::DBOptions options;
  options.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, db_.string(), families, &handles, &db).ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  delete db;
  EXPECT_EQ(Reason(Open(db_).status()), "STORAGE_INCOMPATIBLE");
}

TEST_F(RocksEngineTest, OptionsAreChecked) {
  EXPECT_TRUE(RocksEngineOptions().Validate().ok());
  auto field = [](auto change) {
    RocksEngineOptions options;
    change(options);
    absl::Status status = options.Validate();
    EXPECT_EQ(Reason(status), "STORAGE_OPTIONS_INVALID");
    auto violations = FieldViolations(status);
    return violations.empty() ? "" : violations[0].field;
  };
  EXPECT_EQ(field([](auto& o) { o.block_cache_bytes = 0; }), "block_cache_bytes");
  EXPECT_EQ(field([](auto& o) { o.write_buffer_bytes = 1 << 20; }), "write_buffer_bytes");
  EXPECT_EQ(field([](auto& o) { o.write_buffer_bytes = UINT64_MAX; }), "write_buffer_bytes");
  EXPECT_EQ(field([](auto& o) { o.max_open_files = -1; }), "max_open_files");
  EXPECT_EQ(field([](auto& o) { o.background_bytes_per_second = 1; }),
            "background_bytes_per_second");
  RocksEngineOptions bad;
  bad.max_open_files = -1;
  EXPECT_EQ(Reason(OpenRocksEngine(db_, bad).status()), "STORAGE_OPTIONS_INVALID");
  EXPECT_FALSE(fs::exists(db_));
}

TEST_F(RocksEngineTest, LogCutOffAnywhereKeepsWholeCommitsBefore) {
  WriteCommits();
  const uint64_t size = fs::file_size(FileOf(db_, ".log"));
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  int last = 0;
  std::vector<uint64_t> cuts = {0, size - 1, size};
  for (int i = 0; i < 25; ++i) cuts.push_back(random() % size);
  std::sort(cuts.begin(), cuts.end());
  for (uint64_t cut : cuts) {
    SCOPED_TRACE(::testing::Message() << "cut at " << cut << " of " << size);
    fs::path copy = Copy();
    fs::resize_file(FileOf(copy, ".log"), cut);
    auto engine = MustOpen(copy);
    ASSERT_NE(engine, nullptr);
    int count = CountCommits(*engine);
    EXPECT_GE(count, last);
    EXPECT_EQ(count == kCommits, cut == size);
    last = count;
    fs::remove_all(copy);
  }
}

// A damaged length can look like a record that was cut off, which drops it and what follows: that
// is for the signed checkpoint to notice. Any other damage is refused at once; nothing is altered.
TEST_F(RocksEngineTest, DamagedLogIsDataLossOrEndsThere) {
  WriteCommits();
  const uint64_t size = fs::file_size(FileOf(db_, ".log"));
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  int refused = 0;
  constexpr int kTrials = 40;
  for (int i = 0; i < kTrials; ++i) {
    fs::path copy = Copy();
    uint64_t offset = random() % size;
    SCOPED_TRACE(::testing::Message() << "byte " << offset << " of " << size);
    Flip(FileOf(copy, ".log"), offset);
    MaybeEngine engine = Open(copy);
    if (engine.ok()) {
      EXPECT_LT(CountCommits(**engine), kCommits);
    } else {
      ++refused;
      EXPECT_EQ(engine.status().code(), absl::StatusCode::kDataLoss) << Message(engine.status());
      EXPECT_EQ(Reason(engine.status()), "STORAGE_CORRUPT");
    }
    engine = absl::UnknownError("closed");
    fs::remove_all(copy);
  }
  EXPECT_GT(refused, kTrials / 2);
}

TEST_F(RocksEngineTest, DamagedValueInTheLogIsDataLoss) {
  WriteCommits();
  fs::path log = FileOf(db_, ".log");
  std::ifstream in(log, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  Flip(log, bytes.find("jjjj"));
  EXPECT_EQ(Reason(Open(db_).status()), "STORAGE_CORRUPT");
}

TEST_F(RocksEngineTest, DamagedTableIsDataLossAndOtherTablesAreServed) {
  std::mt19937_64 random(3);
  std::string value(1 << 20, '\0');
  for (char& c : value) c = static_cast<char>(random());
  {
    auto engine = MustOpen(db_);
    DML_ASSERT_OK(PutOne(*engine, Table::kChunks, "k", value));
    DML_ASSERT_OK(PutOne(*engine, Table::kJournal, "k", "sound"));
  }
  MustOpen(db_).reset();  // Moves the rows from the log to table files.
  Flip(FileOf(db_, ".sst"), 1000);

  auto engine = MustOpen(db_);
  absl::StatusOr<std::optional<std::string>> read = engine->Get(Table::kChunks, "k");
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Reason(read.status()), "STORAGE_CORRUPT");
  auto cursor = engine->NewCursor(Table::kChunks, {});
  cursor->SeekToFirst();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_EQ(Reason(cursor->status()), "STORAGE_CORRUPT");
  EXPECT_EQ(Value(*engine, Table::kJournal, "k"), "sound");
  DML_ASSERT_OK(PutOne(*engine, Table::kJournal, "k2", "sound"));
}

TEST_F(RocksEngineTest, MissingOrShortenedFilesAreDataLoss) {
  WriteCommits();
  MustOpen(db_).reset();
  auto reason = [&](const std::function<void(const fs::path&)>& damage) {
    fs::path copy = Copy();
    damage(copy);
    return Reason(Open(copy).status());
  };
  EXPECT_EQ(reason([](const fs::path& db) { fs::remove(FileOf(db, ".sst")); }), "STORAGE_CORRUPT");
  EXPECT_EQ(reason([](const fs::path& db) { fs::resize_file(FileOf(db, ".sst"), 100); }),
            "STORAGE_CORRUPT");
  EXPECT_EQ(reason([](const fs::path& db) { std::ofstream(db / "CURRENT") << "nonsense"; }),
            "STORAGE_CORRUPT");
  auto flip_manifest = [](const fs::path& db) {
    for (const fs::directory_entry& file : fs::directory_iterator(db)) {
      if (file.path().filename().string().starts_with("MANIFEST")) Flip(file.path(), 30);
    }
  };
  EXPECT_EQ(reason(flip_manifest), "STORAGE_CORRUPT");
}

TEST_F(RocksEngineTest, LostCurrentFileNeverStartsANewDatabase) {
  WriteCommits();
  MustOpen(db_).reset();
  fs::rename(db_ / "CURRENT", dir_.path() / "CURRENT");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Reason(Open(db_).status()), "STORAGE_CORRUPT");
  EXPECT_FALSE(fs::exists(db_ / "CURRENT"));
  fs::rename(dir_.path() / "CURRENT", db_ / "CURRENT");
  EXPECT_EQ(CountCommits(*MustOpen(db_)), kCommits);
}

TEST_F(RocksEngineTest, CreationThatACrashInterruptedIsDoneAgain) {
  fs::create_directory(db_);
  std::ofstream(db_ / "LOCK");
  std::ofstream(db_ / "IDENTITY") << "half";
  std::ofstream(db_ / "MANIFEST-000001") << "half";
  DML_ASSERT_OK(PutOne(*MustOpen(db_), Table::kMeta, "k", "v"));
}

}  // namespace
}  // namespace dml
