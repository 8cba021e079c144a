// Files of rows that become part of the table of packs (storage/engine/engine.h, RowFile).
#include <filesystem>

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
class RowFileTest : public ::testing::Test {
 protected:
  absl::Status Ingest(const RowList& rows) {
    DML_ASSIGN_OR_RETURN(auto file, engine_->NewRowFile());
    for (const auto& [key, value] : rows) DML_RETURN_IF_ERROR(file->Add(key, value));
    return engine_->Ingest(std::move(file));
  }
  RowList Packs() { return Rows(*engine_, Table::kPacks); }

  Fixture fixture_;
  std::unique_ptr<Engine> engine_ = fixture_.Make();
};

using Fixtures = ::testing::Types<MemoryFixture, RocksFixture>;
TYPED_TEST_SUITE(RowFileTest, Fixtures);

TYPED_TEST(RowFileTest, RowsAreThereInAnyOrderOfFiles) {
  const RowList late = {{"b1", std::string(300'000, 'x')}, {"b2", ""}};
  const RowList early = {{"a1", "1"}, {"a9", "9"}};
  DML_ASSERT_OK(this->Ingest(late));
  DML_ASSERT_OK(this->Ingest(early));
  RowList all = early;
  all.insert(all.end(), late.begin(), late.end());
  EXPECT_EQ(this->Packs(), all);
  EXPECT_EQ(Value(*this->engine_, Table::kPacks, "b1"), late[0].second);
}

TYPED_TEST(RowFileTest, NothingIsThereBeforeIngestOrAfterAFileWasDropped) {
  {
    auto file = this->engine_->NewRowFile().value();
    DML_ASSERT_OK(file->Add("a", "1"));
    EXPECT_EQ(this->Packs(), RowList{});
  }
  EXPECT_EQ(this->Packs(), RowList{});
}

TYPED_TEST(RowFileTest, OverlappingFilesAndBadOrderAreRefused) {
  DML_ASSERT_OK(this->Ingest({{"b", "1"}, {"d", "2"}}));
  const RowList before = this->Packs();
  for (const RowList& rows :
       {RowList{{"b", "1"}, {"d", "2"}}, RowList{{"c", "x"}}, RowList{{"a", "x"}, {"z", "y"}}}) {
    EXPECT_EQ(Reason(this->Ingest(rows)), "RANGE_NOT_EMPTY");
  }
  EXPECT_EQ(this->Ingest({{"y", "1"}, {"x", "2"}}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(this->Ingest({}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(this->Packs(), before);
  DML_ASSERT_OK(this->Ingest({{"e", "3"}}));
}

TYPED_TEST(RowFileTest, DropsWholeFilesOnly) {
  DML_ASSERT_OK(this->Ingest({{"a1", "1"}, {"a2", "2"}}));
  DML_ASSERT_OK(this->Ingest({{"b1", "1"}, {"b2", "2"}}));
  DML_ASSERT_OK(this->Ingest({{"c1", "1"}}));
  DML_ASSERT_OK(this->engine_->DropFiles(PrefixRange("b")));
  EXPECT_EQ(this->Packs(), (RowList{{"a1", "1"}, {"a2", "2"}, {"c1", "1"}}));
  DML_ASSERT_OK(this->engine_->DropFiles({"a2", "b"}));
  EXPECT_EQ(this->Packs().size(), 3u) << "the file of a2 is only partly in the range";
  DML_ASSERT_OK(this->Ingest({{"b1", "anew"}}));
  DML_ASSERT_OK(this->engine_->DropFiles({"", ""}));
  EXPECT_EQ(this->Packs(), RowList{});
}

TYPED_TEST(RowFileTest, IngestsWhileASnapshotIsHeldWhichSeesItToo) {
  auto snapshot = this->engine_->NewSnapshot();
  DML_ASSERT_OK(this->Ingest({{"a", "1"}}));
  EXPECT_EQ(Value(*snapshot, Table::kPacks, "a"), "1");
  DML_ASSERT_OK(PutOne(*this->engine_, Table::kMeta, "k", "v"));
  EXPECT_EQ(Value(*snapshot, Table::kMeta, "k"), std::nullopt);
}

TYPED_TEST(RowFileTest, BatchesDoNotWritePacks) {
  EXPECT_EQ(Reason(PutOne(*this->engine_, Table::kPacks, "a", "1")), "TABLE_OF_FILES");
  auto batch = this->engine_->NewBatch();
  batch->Delete(Table::kPacks, "a");
  EXPECT_EQ(Reason(this->engine_->Commit(std::move(batch), Durability::kSynced)), "TABLE_OF_FILES");
  DML_ASSERT_OK(PutOne(*this->engine_, Table::kMeta, "k", "v"));
}

TEST(RocksRowFileTest, FilesSurviveReopeningAndLeftoversDoNot) {
  testing::TempDir dir;
  const std::filesystem::path path = dir.path() / "db";
  const std::filesystem::path staging = dir.path() / "db-staging";
  {
    auto engine = OpenRocksEngine(path, testing::SmallOptions()).value();
    auto file = engine->NewRowFile().value();
    DML_ASSERT_OK(file->Add("a", std::string(1 << 20, 'x')));
    DML_ASSERT_OK(engine->Ingest(std::move(file)));
    EXPECT_TRUE(std::filesystem::is_empty(staging)) << "moved, not copied";
    EXPECT_EQ(std::filesystem::status(staging).permissions(), std::filesystem::perms::owner_all);
  }
  std::filesystem::copy_file(path / "CURRENT", staging / "7.sst");  // As a crash leaves one.
  auto engine = OpenRocksEngine(path, testing::SmallOptions()).value();
  EXPECT_TRUE(std::filesystem::is_empty(staging));
  EXPECT_EQ(Rows(*engine, Table::kPacks).size(), 1u);
}

TYPED_TEST(RowFileTest, AnEmptiedTableIsEmptyAndTakesRowsAgain) {
  DML_ASSERT_OK(PutOne(*this->engine_, Table::kChunkIndex, "a", "1"));
  DML_ASSERT_OK(PutOne(*this->engine_, Table::kChunks, "a", "2"));
  DML_ASSERT_OK(this->Ingest({{"p", "3"}}));
  DML_ASSERT_OK(this->engine_->Empty(Table::kChunkIndex));
  EXPECT_EQ(Rows(*this->engine_, Table::kChunkIndex), RowList{});
  EXPECT_EQ(Value(*this->engine_, Table::kChunks, "a"), "2");
  DML_ASSERT_OK(PutOne(*this->engine_, Table::kChunkIndex, "b", "4"));
  EXPECT_EQ(Rows(*this->engine_, Table::kChunkIndex), (RowList{{"b", "4"}}));
  DML_ASSERT_OK(this->engine_->Empty(Table::kPacks));
  EXPECT_EQ(this->Packs(), RowList{});
  DML_ASSERT_OK(this->Ingest({{"p", "5"}}));
  EXPECT_EQ(this->Packs(), (RowList{{"p", "5"}}));
}

}  // namespace
}  // namespace dml
