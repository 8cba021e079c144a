// The RocksDB engine on disks that are full, fail, or are slow to read.
#include <gtest/gtest.h>

#include "storage/engine/rocksdb_status.h"
#include "tests/storage/engine/engines.h"
#include "tests/storage/engine/faulty_file_system.h"

namespace dml {
namespace {

using ::dml::testing::Fault;
using ::dml::testing::FaultState;
using ::dml::testing::FaultyFileSystem;
using ::dml::testing::PutOne;
using ::dml::testing::Row;
using ::dml::testing::Rows;
using ::dml::testing::SmallOptions;
using ::dml::testing::TempDir;
using ::dml::testing::Value;

class RocksFaultTest : public ::testing::Test {
 protected:
  RocksFaultTest() { Reopen(); }

  void Reopen() {
    engine_.reset();
    RocksEngineOptions options = SmallOptions();
    options.env = env_.get();
    absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksEngine(dir_.path() / "db", options);
    ASSERT_TRUE(engine.ok()) << Message(engine.status());
    engine_ = *std::move(engine);
  }
  absl::Status Put(std::string_view key, std::string_view value = "v") {
    return PutOne(*engine_, Table::kJournal, key, value);
  }

  TempDir dir_;
  std::shared_ptr<FaultyFileSystem> files_ = std::make_shared<FaultyFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  FaultState& state_ = files_->state();
  std::unique_ptr<Engine> engine_;
};

TEST_F(RocksFaultTest, FullDiskIsResourceExhaustedAndReadsGoOn) {
  DML_ASSERT_OK(Put("before"));
  state_.fault = Fault::kNoSpace;
  for (const char* key : {"first", "second"}) {
    absl::Status status = Put(key);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << Message(status);
    EXPECT_EQ(Reason(status), "DISK_FULL");
    EXPECT_NE(Message(status).find("free space"), std::string_view::npos) << Message(status);
    EXPECT_NE(Message(status).find(dir_.path().string()), std::string_view::npos);
  }
  EXPECT_EQ(Rows(*engine_, Table::kJournal), (std::vector<Row>{{"before", "v"}}));

  EXPECT_TRUE(engine_->Stats().read_only);
  // Not even with space again: RocksDB cannot go on with a log that a write to it has failed.
  state_.fault = Fault::kNone;
  EXPECT_EQ(Reason(Put("third")), "DISK_FULL");
  Reopen();
  EXPECT_FALSE(engine_->Stats().read_only);
  EXPECT_EQ(Value(*engine_, Table::kJournal, "before"), "v");
  DML_ASSERT_OK(Put("after"));
}

TEST_F(RocksFaultTest, ClosesWhileTheDiskIsFull) {
  DML_ASSERT_OK(Put("before"));
  state_.fault = Fault::kNoSpace;
  EXPECT_EQ(Reason(Put("lost")), "DISK_FULL");
  engine_.reset();
  state_.fault = Fault::kNone;
  Reopen();
  EXPECT_EQ(Value(*engine_, Table::kJournal, "before"), "v");
}

TEST_F(RocksFaultTest, FailedFlushStopsCommitsInsteadOfStallingThem) {
  state_.fault = Fault::kNoSpaceForTables;
  absl::Status status;
  int commits = 0;
  while (status.ok() && ++commits < 100)
    status = Put(std::to_string(commits), std::string(1 << 20, 'x'));
  EXPECT_EQ(Reason(status), "DISK_FULL") << "after " << commits;
  EXPECT_TRUE(engine_->Stats().read_only);
  EXPECT_TRUE(Value(*engine_, Table::kJournal, "1") == std::string(1 << 20, 'x'));
  state_.fault = Fault::kNone;
  Reopen();
  for (int i = 1; i < commits; ++i) {
    EXPECT_TRUE(Value(*engine_, Table::kJournal, std::to_string(i)).has_value()) << i;
  }
}

TEST_F(RocksFaultTest, FailedSyncStopsCommitsUntilReopened) {
  DML_ASSERT_OK(Put("before"));
  state_.fault = Fault::kSyncFails;
  auto batch = engine_->NewBatch();
  batch->Put(Table::kJournal, "unknown", "v");
  batch->Put(Table::kMeta, "unknown", "v");
  absl::Status status = engine_->Commit(std::move(batch), Durability::kSynced);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << Message(status);
  EXPECT_EQ(Reason(status), "STORAGE_IO");
  EXPECT_EQ(Value(*engine_, Table::kJournal, "unknown"), std::nullopt);

  // Another sync could succeed although the kernel has dropped the pages that the first one lost.
  state_.fault = Fault::kNone;
  EXPECT_EQ(Reason(Put("later")), "STORAGE_IO");
  EXPECT_EQ(Value(*engine_, Table::kJournal, "before"), "v");

  Reopen();
  EXPECT_EQ(Value(*engine_, Table::kJournal, "before"), "v");
  EXPECT_EQ(Value(*engine_, Table::kJournal, "later"), std::nullopt);
  EXPECT_EQ(Value(*engine_, Table::kJournal, "unknown"), Value(*engine_, Table::kMeta, "unknown"));
  DML_ASSERT_OK(Put("after"));
}

TEST_F(RocksFaultTest, FailedReadIsAnErrorNotAnAbsence) {
  DML_ASSERT_OK(Put("k"));
  Reopen();  // Moves the row from the log to a table file.
  Reopen();
  state_.fault = Fault::kReadFails;
  absl::StatusOr<std::optional<std::string>> value = engine_->Get(Table::kJournal, "k");
  EXPECT_EQ(Reason(value.status()), "STORAGE_IO");
  EXPECT_EQ(Reason(engine_->NewBatch()->Get(Table::kJournal, "k").status()), "STORAGE_IO");
  EXPECT_EQ(Reason(engine_->NewSnapshot()->Get(Table::kJournal, "k").status()), "STORAGE_IO");
  auto cursor = engine_->NewCursor(Table::kJournal, {});
  cursor->SeekToFirst();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_EQ(cursor->status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(cursor->status()), "STORAGE_IO");
}

TEST_F(RocksFaultTest, OpeningReadsNoTableAsAWhole) {
  constexpr uint64_t kMiB = 1 << 20;
  for (int i = 0; i < 16; ++i) DML_ASSERT_OK(Put(std::string(1, 'a' + i), std::string(kMiB, 'x')));
  Reopen();
  state_.bytes_read = 0;
  Reopen();
  EXPECT_LT(state_.bytes_read, kMiB);
  EXPECT_TRUE(Value(*engine_, Table::kJournal, "a") == std::string(kMiB, 'x'));
}

TEST(RocksStatusTest, CodesAndReasons) {
  using rocksdb::Status;
  auto reason = [](const Status& status) { return Reason(FromRocksStatus(status, "test", "/db")); };
  EXPECT_TRUE(FromRocksStatus(Status::OK(), "test", "/db").ok());
  EXPECT_EQ(reason(Status::Corruption("block checksum mismatch")), "STORAGE_CORRUPT");
  EXPECT_EQ(reason(Status::NoSpace()), "DISK_FULL");
  EXPECT_EQ(reason(Status::IOError("While pread")), "STORAGE_IO");
  EXPECT_EQ(reason(Status::PathNotFound("/db")), "STORAGE_IO");
  EXPECT_EQ(reason(Status::InvalidArgument("Column families not opened: x")),
            "STORAGE_INCOMPATIBLE");
  EXPECT_EQ(reason(Status::Aborted()), "STORAGE_FAILED");
  EXPECT_EQ(reason(Status::NotFound()), "STORAGE_FAILED");
}

}  // namespace
}  // namespace dml
