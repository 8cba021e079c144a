// What every storage engine must do (storage/engine/engine.h).
#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "tests/storage/engine/engines.h"

namespace dml {
namespace {

using ::dml::testing::MemoryFixture;
using ::dml::testing::PutOne;
using ::dml::testing::RocksFixture;
using ::dml::testing::Row;
using ::dml::testing::Rows;
using ::dml::testing::Value;
using RowList = std::vector<Row>;

template <typename Fixture>
class EngineContractTest : public ::testing::Test {
 protected:
  Fixture fixture_;
  std::unique_ptr<Engine> engine_ = fixture_.Make();

  void Put(Table table, std::string_view key, std::string_view value) {
    DML_ASSERT_OK(PutOne(*engine_, table, key, value, Durability::kBuffered));
  }
};

using Fixtures = ::testing::Types<MemoryFixture, RocksFixture>;
TYPED_TEST_SUITE(EngineContractTest, Fixtures);

TYPED_TEST(EngineContractTest, GetsWhatWasPutUntilItIsDeleted) {
  Engine& engine = *this->engine_;
  EXPECT_EQ(Value(engine, Table::kViews, "k"), std::nullopt);
  DML_ASSERT_OK(PutOne(engine, Table::kViews, "k", "1"));
  EXPECT_EQ(Value(engine, Table::kViews, "k"), "1");
  DML_ASSERT_OK(PutOne(engine, Table::kViews, "k", "2"));
  EXPECT_EQ(Value(engine, Table::kViews, "k"), "2");
  auto batch = engine.NewBatch();
  batch->Delete(Table::kViews, "k");
  batch->Delete(Table::kViews, "never there");
  DML_ASSERT_OK(engine.Commit(std::move(batch), Durability::kSynced));
  EXPECT_EQ(Value(engine, Table::kViews, "k"), std::nullopt);
  EXPECT_EQ(Rows(engine, Table::kViews), RowList{});
}

TYPED_TEST(EngineContractTest, TablesAreSeparate) {
  for (Table table : testing::BatchTables()) this->Put(table, "k", TableName(table));
  for (Table table : testing::BatchTables()) {
    EXPECT_EQ(Rows(*this->engine_, table), (RowList{{"k", std::string(TableName(table))}}));
  }
}

TYPED_TEST(EngineContractTest, EmptyAndBinaryKeysAndValues) {
  std::string all_bytes;
  for (int c = 0; c < 256; ++c) all_bytes.push_back(static_cast<char>(c));
  const std::string nul(1, '\0');
  RowList rows = {{"", "value of the empty key"},
                  {nul, ""},
                  {nul + "x", nul},
                  {all_bytes, "b"},
                  {"\x7f", all_bytes},
                  {"\x80", "unsigned"},
                  {"\xff\xff", "last"}};
  std::sort(rows.begin(), rows.end());
  for (const auto& [key, value] : rows) this->Put(Table::kMeta, key, value);
  EXPECT_EQ(Rows(*this->engine_, Table::kMeta), rows);
  for (const auto& [key, value] : rows) EXPECT_EQ(Value(*this->engine_, Table::kMeta, key), value);
}

TYPED_TEST(EngineContractTest, LargeValues) {
  std::string big(1 << 20, '\0');
  std::mt19937_64 random(7);
  for (char& c : big) c = static_cast<char>(random());
  // More than the write buffer of the RocksDB fixture: some of it is in files by the end.
  for (int i = 0; i < 12; ++i) this->Put(Table::kChunks, std::string(1, 'a' + i), big + char(i));
  for (int i = 0; i < 12; ++i) {
    EXPECT_TRUE(Value(*this->engine_, Table::kChunks, std::string(1, 'a' + i)) == big + char(i));
  }
}

TYPED_TEST(EngineContractTest, CursorsKeepToTheirBounds) {
  for (const char* key : {"a", "b", "c", "d", "e"}) this->Put(Table::kViews, key, key);
  const Engine& engine = *this->engine_;
  EXPECT_EQ(Rows(engine, Table::kViews, {"b", "d"}), (RowList{{"b", "b"}, {"c", "c"}}));
  EXPECT_EQ(Rows(engine, Table::kViews, {"bb", "c"}), RowList{});
  EXPECT_EQ(Rows(engine, Table::kViews, {"d", ""}), (RowList{{"d", "d"}, {"e", "e"}}));
  EXPECT_EQ(Rows(engine, Table::kViews, {"d", "d"}), RowList{});
  EXPECT_EQ(Rows(engine, Table::kViews, {"d", "b"}), RowList{});

  auto cursor = engine.NewCursor(Table::kViews, {"b", "d"});
  EXPECT_FALSE(cursor->Valid()) << "a new cursor is at no row";
  cursor->Seek("a");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "b");
  cursor->Prev();
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("bb");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c");
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("d");
  EXPECT_FALSE(cursor->Valid());
  cursor->SeekToLast();
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c");
  EXPECT_TRUE(cursor->status().ok());
}

TYPED_TEST(EngineContractTest, BatchReadsItsOwnWrites) {
  for (const char* key : {"a", "b", "c"}) this->Put(Table::kViews, key, "old");
  Engine& engine = *this->engine_;
  auto batch = engine.NewBatch();
  batch->Put(Table::kViews, "b", "new");
  batch->Delete(Table::kViews, "c");
  batch->Put(Table::kViews, "d", "gone");
  batch->Delete(Table::kViews, "d");
  batch->Delete(Table::kViews, "e");
  batch->Put(Table::kViews, "e", "back");
  batch->Put(Table::kMeta, "a", "other table");

  EXPECT_EQ(Value(*batch, Table::kViews, "a"), "old");
  EXPECT_EQ(Value(*batch, Table::kViews, "b"), "new");
  EXPECT_EQ(Value(*batch, Table::kViews, "c"), std::nullopt);
  EXPECT_EQ(Value(*batch, Table::kViews, "d"), std::nullopt);
  EXPECT_EQ(Value(*batch, Table::kViews, "e"), "back");
  const RowList after = {{"a", "old"}, {"b", "new"}, {"e", "back"}};
  EXPECT_EQ(Rows(*batch, Table::kViews), after);
  EXPECT_EQ(Rows(*batch, Table::kViews, {"b", "e"}), (RowList{{"b", "new"}}));

  EXPECT_EQ(Rows(engine, Table::kViews), (RowList{{"a", "old"}, {"b", "old"}, {"c", "old"}}));
  DML_ASSERT_OK(engine.Commit(std::move(batch), Durability::kBuffered));
  EXPECT_EQ(Rows(engine, Table::kViews), after);
}

TYPED_TEST(EngineContractTest, BatchSeesWhatOthersCommit) {
  auto batch = this->engine_->NewBatch();
  batch->Put(Table::kViews, "mine", "1");
  this->Put(Table::kViews, "theirs", "1");
  EXPECT_EQ(Value(*batch, Table::kViews, "theirs"), "1");
  EXPECT_EQ(Rows(*batch, Table::kViews), (RowList{{"mine", "1"}, {"theirs", "1"}}));
}

TYPED_TEST(EngineContractTest, DroppedBatchLeavesNothing) {
  auto batch = this->engine_->NewBatch();
  batch->Put(Table::kViews, "k", "1");
  batch.reset();
  EXPECT_EQ(Rows(*this->engine_, Table::kViews), RowList{});
}

TYPED_TEST(EngineContractTest, BatchCountsBytesHandedOver) {
  auto batch = this->engine_->NewBatch();
  EXPECT_EQ(batch->ByteSize(), 0u);
  batch->Put(Table::kViews, "key", "value");
  batch->Put(Table::kViews, "key", "value");
  batch->Delete(Table::kViews, "other");
  EXPECT_EQ(batch->ByteSize(), 8u + 8u + 5u);
}

TYPED_TEST(EngineContractTest, EmptyBatchAndForeignBatch) {
  DML_ASSERT_OK(this->engine_->Commit(this->engine_->NewBatch(), Durability::kSynced));
  std::unique_ptr<Engine> other = this->fixture_.Make();
  absl::Status status = this->engine_->Commit(other->NewBatch(), Durability::kSynced);
  EXPECT_EQ(Reason(status), "BATCH_FOREIGN");
}

TYPED_TEST(EngineContractTest, SnapshotIsOneMoment) {
  this->Put(Table::kViews, "a", "1");
  this->Put(Table::kMeta, "a", "1");
  auto snapshot = this->engine_->NewSnapshot();
  auto cursor = this->engine_->NewCursor(Table::kViews, {});
  auto batch = this->engine_->NewBatch();
  batch->Put(Table::kViews, "a", "2");
  batch->Put(Table::kViews, "b", "2");
  batch->Delete(Table::kMeta, "a");
  DML_ASSERT_OK(this->engine_->Commit(std::move(batch), Durability::kBuffered));

  EXPECT_EQ(Value(*snapshot, Table::kViews, "a"), "1");
  EXPECT_EQ(Value(*snapshot, Table::kViews, "b"), std::nullopt);
  EXPECT_EQ(Value(*snapshot, Table::kMeta, "a"), "1");
  EXPECT_EQ(Rows(*snapshot, Table::kViews), (RowList{{"a", "1"}}));
  EXPECT_EQ(Rows(*snapshot, Table::kMeta), (RowList{{"a", "1"}}));
  cursor->SeekToFirst();
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->value(), "1") << "a cursor is of its creation";
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_EQ(Rows(*this->engine_, Table::kViews), (RowList{{"a", "2"}, {"b", "2"}}));
  EXPECT_EQ(Rows(*this->engine_, Table::kMeta), RowList{});
}

TYPED_TEST(EngineContractTest, StatsSeeRows) {
  for (int i = 0; i < 10; ++i) this->Put(Table::kBlobs, std::string(1, 'a' + i), "v");
  EngineStats stats = this->engine_->Stats();
  const TableStats& blobs = stats.tables[static_cast<size_t>(Table::kBlobs)];
  EXPECT_EQ(blobs.rows, 10u);
  EXPECT_GT(blobs.memory_bytes + blobs.disk_bytes, 0u);
  EXPECT_EQ(stats.tables[static_cast<size_t>(Table::kChunks)].rows, 0u);
  EXPECT_FALSE(stats.commits_wait);
  EXPECT_FALSE(stats.read_only);
}

// A cursor's random walk against a sorted list.
void Walk(const Reader& reader, const std::map<std::string, std::string>& model,
          std::mt19937_64& random, const std::function<std::string()>& random_key) {
  KeyRange range{random() % 3 ? random_key() : "", random() % 3 ? random_key() : ""};
  RowList rows;
  for (const auto& row : model) {
    bool inside = row.first >= range.lower && (range.upper.empty() || row.first < range.upper);
    if (inside) rows.push_back(row);
  }
  SCOPED_TRACE(::testing::PrintToString(range.lower) + " to " +
               ::testing::PrintToString(range.upper));
  ASSERT_EQ(Rows(reader, Table::kViews, range), rows);

  auto cursor = reader.NewCursor(Table::kViews, range);
  auto at = rows.end();
  for (int step = 0; step < 30; ++step) {
    uint64_t what = at == rows.end() ? random() % 3 : random() % 8;
    if (what == 0) {
      cursor->SeekToFirst();
      at = rows.begin();
    } else if (what == 1) {
      cursor->SeekToLast();
      at = rows.empty() ? rows.end() : rows.end() - 1;
    } else if (what == 2) {
      std::string key = random_key();
      cursor->Seek(key);
      at = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.first >= key; });
    } else if (what % 2 == 0) {
      cursor->Next();
      ++at;
    } else {
      cursor->Prev();
      at = at == rows.begin() ? rows.end() : at - 1;
    }
    ASSERT_EQ(cursor->Valid(), at != rows.end()) << "step " << step << " kind " << what;
    if (at == rows.end()) continue;
    ASSERT_EQ(Row(cursor->key(), cursor->value()), *at) << "step " << step << " kind " << what;
  }
  ASSERT_TRUE(cursor->status().ok());
}

TYPED_TEST(EngineContractTest, BehavesAsASortedMapUnderRandomUse) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  auto random_key = [&] {
    static constexpr char kBytes[] = {'\x00', 'a', 'b', '\xff'};
    std::string key(random() % 4, '\0');
    for (char& c : key) c = kBytes[random() % sizeof kBytes];
    return key;
  };
  std::map<std::string, std::string> committed;
  std::unique_ptr<Snapshot> snapshot = this->engine_->NewSnapshot();
  std::map<std::string, std::string> at_snapshot;
  for (int round = 0; round < 60; ++round) {
    auto batch = this->engine_->NewBatch();
    auto model = committed;
    for (uint64_t left = random() % 12; left > 0; --left) {
      std::string key = random_key();
      if (random() % 3 == 0) {
        batch->Delete(Table::kViews, key);
        model.erase(key);
      } else {
        std::string value = std::to_string(random());
        batch->Put(Table::kViews, key, value);
        model[key] = value;
      }
    }
    ASSERT_NO_FATAL_FAILURE(Walk(*batch, model, random, random_key));
    ASSERT_NO_FATAL_FAILURE(Walk(*this->engine_, committed, random, random_key));
    ASSERT_NO_FATAL_FAILURE(Walk(*snapshot, at_snapshot, random, random_key));
    if (random() % 4 == 0) continue;  // Drops the batch.
    DML_ASSERT_OK(this->engine_->Commit(std::move(batch), Durability::kBuffered));
    committed = std::move(model);
    if (random() % 4 == 0) {
      snapshot = this->engine_->NewSnapshot();
      at_snapshot = committed;
    }
  }
}

// Each commit writes the same number to all tables: a snapshot with two numbers saw half a commit.
TYPED_TEST(EngineContractTest, ReadersNeverSeeHalfACommit) {
  constexpr int kCommits = 300;
  Engine& engine = *this->engine_;
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::atomic<int> backwards = 0;
  auto read = [&] {
    int last = 0;
    while (!done) {
      auto snapshot = engine.NewSnapshot();
      std::set<std::string> seen;
      for (Table table : testing::BatchTables()) {
        for (const auto& [key, value] : Rows(*snapshot, table)) seen.insert(value);
        seen.insert(Value(*snapshot, table, "a").value_or("0"));
      }
      if (seen.size() != 1) ++torn;
      int number = std::stoi(*seen.begin());
      if (number < last) ++backwards;
      last = number;
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  absl::Status status;
  for (int i = 1; i <= kCommits && status.ok(); ++i) {
    auto batch = engine.NewBatch();
    for (Table table : testing::BatchTables()) {
      for (const char* key : {"a", "b"}) batch->Put(table, key, std::to_string(i));
    }
    status = engine.Commit(std::move(batch), Durability::kBuffered);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  DML_ASSERT_OK(status);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(backwards, 0);
}

TYPED_TEST(EngineContractTest, CommitsOfSeveralThreadsAllHappen) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 100;
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        std::string key = KeyBuilder().U64(t).U64(i).Build();
        if (!PutOne(*this->engine_, Table::kBlobs, key, "x", Durability::kBuffered).ok()) ++failed;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Rows(*this->engine_, Table::kBlobs).size(), size_t{kThreads} * kCommits);
}

}  // namespace
}  // namespace dml
