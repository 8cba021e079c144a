// Moves of frames over both engines: what they bring, and what they leave alone.
#include "storage/content/repacker.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/storage/engine/engines.h"
#include "tests/support/content_model.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

namespace keys = content_keys;
using testing::Content;

template <typename Fixture>
class RepackerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.clock = [this] { return now_; };
    Open();
  }
  void Open() {
    store_ = std::make_unique<ContentStore>(*engine_, options_);
    DML_ASSERT_OK(store_->Recover());
  }
  Repacker NewRepacker() { return Repacker(store_->chunks()); }
  Content Upload(unsigned first_seed, int pieces) {
    Content content;
    for (int i = 0; i < pieces; ++i)
      testing::AddPiece(testing::RandomPiece(first_seed + i), content);
    EXPECT_TRUE(testing::UploadAll(*store_, content).ok());
    return content;
  }
  // What collection does to a chunk that nothing refers to.
  void Forget(const Digest& chunk) {
    auto batch = engine_->NewBatch();
    batch->Delete(Table::kChunkIndex, keys::Chunk(chunk));
    batch->Delete(Table::kChunkIndex, keys::VisibleChunk("acme", chunk));
    batch->Delete(Table::kChunks, chunk.raw());
    DML_ASSERT_OK(engine_->Commit(std::move(batch), Durability::kSynced));
  }
  uint64_t LiveBytes(bool in_packs) {
    uint64_t bytes = 0;
    for (const auto& [chunk, record] : testing::ChunkRows(*engine_)) {
      if ((record.pack != 0) == in_packs) bytes += record.stored_size;
    }
    return bytes;
  }
  void ExpectAll(const Content& content) {
    EXPECT_EQ(testing::ReadBack(*store_, content.blob().digest), content.bytes);
    testing::ExpectSound(*engine_, *store_);
  }
  void Rot(const Digest& chunk, bool fails = false) {
    const ChunkRecord record = testing::ChunkRows(*engine_).at(chunk);
    engine_->Rot(Table::kPacks, keys::PackedFrame(record.pack, record.position), fails);
  }

  Fixture fixture_;
  Timestamp now_ = FromMicros(1'700'000'000'000'000);
  ContentOptions options_ = testing::SmallPacks();
  std::shared_ptr<testing::RottingEngine> engine_ =
      std::make_shared<testing::RottingEngine>(fixture_.Make());
  std::unique_ptr<ContentStore> store_;
};

using Fixtures = ::testing::Types<testing::MemoryFixture, testing::RocksFixture>;
TYPED_TEST_SUITE(RepackerTest, Fixtures);

TYPED_TEST(RepackerTest, DeadBytesAreGoneAndTheLivingAreThere) {
  const Content dead = this->Upload(100, 20);
  const Content live = this->Upload(200, 20);
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  ASSERT_GT(packs.size(), 4u);
  for (size_t i = 0; i < dead.chunks.size(); ++i) {
    if (i % 4 != 0) this->Forget(dead.chunks[i].raw_digest);
  }
  ASSERT_GT(testing::PackedBytes(*this->engine_), this->LiveBytes(true));
  const RepackReport report = this->NewRepacker().Repack(packs).value();
  EXPECT_EQ(report.packs_dropped, packs.size());
  EXPECT_TRUE(report.damaged.empty());
  EXPECT_EQ(testing::PackedBytes(*this->engine_), this->LiveBytes(true));
  EXPECT_EQ(report.moved.bytes, this->LiveBytes(true)) << "everything moved, into packs";
  for (const uint64_t pack : testing::Packs(*this->engine_)) EXPECT_GT(pack, packs.back());
  this->ExpectAll(live);
}

TYPED_TEST(RepackerTest, AFewFramesBecomeRowsOfTheirOwn) {
  const Content content = this->Upload(100, 12);
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  const std::map<Digest, ChunkRecord> rows = testing::ChunkRows(*this->engine_);
  std::map<uint64_t, int> left;
  for (const auto& [chunk, record] : rows) {
    if (left[record.pack]++ > 0) this->Forget(chunk);
  }
  const uint64_t one[] = {packs.front()};
  const RepackReport report = this->NewRepacker().Repack(one).value();
  EXPECT_EQ(report.packs_dropped, 1u);
  EXPECT_EQ(report.moved.packs, 0u);
  EXPECT_EQ(report.moved.chunks, 1u);
  EXPECT_EQ(this->LiveBytes(false), report.moved.bytes);
  testing::ExpectSound(*this->engine_, *this->store_);
}

TYPED_TEST(RepackerTest, APackOfTheDeadLeavesNothingAndAnUnknownOneIsPassedOver) {
  const Content content = this->Upload(100, 12);
  for (const EncodedChunk& chunk : content.chunks) this->Forget(chunk.raw_digest);
  const uint64_t unknown[] = {4711};
  EXPECT_EQ(this->NewRepacker().Repack(unknown)->packs_dropped, 0u);
  ASSERT_TRUE(this->NewRepacker().Repack(testing::Packs(*this->engine_)).ok());
  EXPECT_TRUE(testing::KeysOf(*this->engine_, Table::kPacks, {}).empty());
  EXPECT_TRUE(testing::KeysOf(*this->engine_, Table::kChunkIndex, {}).empty());
}

TYPED_TEST(RepackerTest, ADamagedFrameStaysBehindUntilItIsRepaired) {
  for (const bool fails : {false, true}) {
    const Content content = this->Upload(fails ? 300 : 100, 12);
    const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
    const Digest bad = content.chunks[7].raw_digest;
    const ChunkRecord before = testing::ChunkRows(*this->engine_).at(bad);
    this->Rot(bad, fails);
    const RepackReport report = this->NewRepacker().Repack(packs).value();
    EXPECT_EQ(report.damaged, std::vector<Digest>{bad});
    EXPECT_EQ(report.packs_dropped, packs.size() - 1);
    EXPECT_TRUE(this->store_->chunks().IsDamaged(bad));
    const std::map<Digest, ChunkRecord> rows = testing::ChunkRows(*this->engine_);
    EXPECT_EQ(rows.at(bad), before) << "not carried on as good";
    for (const auto& [chunk, record] : rows) EXPECT_EQ(record.pack == before.pack, chunk == bad);
    const uint64_t kept[] = {before.pack};
    EXPECT_EQ(this->NewRepacker().Repack(kept)->packs_dropped, 0u) << "still so";
    ASSERT_TRUE(testing::UploadAll(*this->store_, content).ok());
    EXPECT_EQ(this->NewRepacker().Repack(kept)->packs_dropped, 1u);
    this->ExpectAll(content);
  }
}

TYPED_TEST(RepackerTest, APackWhoseFooterIsDamagedIsRepackedFromTheIndex) {
  const Content content = this->Upload(100, 12);
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  for (const uint64_t pack : packs) {
    this->engine_->Rot(Table::kPacks, keys::PackedFrame(pack, keys::kFooterPosition), true);
  }
  EXPECT_EQ(this->NewRepacker().Repack(packs)->packs_dropped, packs.size());
  this->ExpectAll(content);
}

TYPED_TEST(RepackerTest, RowsFoldWhereTheyMakeAPackOrAreOld) {
  std::vector<Content> contents;
  for (unsigned i = 0; i < 5; ++i) contents.push_back(this->Upload(1000 + i, 1));
  FoldReport report = this->NewRepacker().Fold(1 << 20).value();
  EXPECT_EQ(report.moved.chunks, 0u) << "no pack, and new";
  for (unsigned i = 5; i < 15; ++i) contents.push_back(this->Upload(1000 + i, 1));
  ASSERT_EQ(this->LiveBytes(true), 0u);
  report = this->NewRepacker().Fold(1 << 20).value();
  EXPECT_EQ(report.moved.packs, 2u) << "of six each";
  EXPECT_EQ(report.moved.chunks, 12u);
  EXPECT_FALSE(report.more);
  EXPECT_EQ(testing::KeysOf(*this->engine_, Table::kChunks, {}).size(), 3u);
  this->now_ += std::chrono::hours(24);
  report = this->NewRepacker().Fold(1 << 20).value();
  EXPECT_EQ(report.moved.chunks, 3u);
  EXPECT_TRUE(testing::KeysOf(*this->engine_, Table::kChunks, {}).empty());
  EXPECT_EQ(testing::PackedBytes(*this->engine_), this->LiveBytes(true));
  for (const Content& content : contents) this->ExpectAll(content);
}

TYPED_TEST(RepackerTest, FoldingGoesOnWhereTheLimitStoppedIt) {
  for (unsigned i = 0; i < 20; ++i) this->Upload(1000 + i, 1);
  for (uint64_t packs = 1; packs <= 3; ++packs) {
    const FoldReport report = this->NewRepacker().Fold(1).value();
    EXPECT_EQ(report.moved.packs, 1u);
    EXPECT_EQ(report.more, packs < 3);
    EXPECT_EQ(testing::Packs(*this->engine_).size(), packs);
  }
  testing::ExpectSound(*this->engine_, *this->store_);
}

TYPED_TEST(RepackerTest, ADamagedRowStaysOutOfPacks) {
  std::vector<Content> contents;
  for (unsigned i = 0; i < 13; ++i) contents.push_back(this->Upload(1000 + i, 1));
  const Digest bad = contents[4].chunks[0].raw_digest;
  DML_ASSERT_OK(testing::PutOne(*this->engine_, Table::kChunks, bad.raw(), "something else"));
  EXPECT_EQ(this->NewRepacker().Fold(1 << 20)->moved.chunks, 12u);
  EXPECT_TRUE(this->store_->chunks().IsDamaged(bad));
  ASSERT_TRUE(testing::UploadAll(*this->store_, contents[4]).ok());
  for (const Content& content : contents) this->ExpectAll(content);
}

// Rows change under readers all the time; nobody sees damage, and nobody misses anything.
TYPED_TEST(RepackerTest, ReadersFindWhatMovesUnderThem) {
  std::vector<Content> contents;
  for (unsigned i = 0; i < 6; ++i) contents.push_back(this->Upload(2000 + 20 * i, i < 3 ? 12 : 1));
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  std::atomic<uint64_t> reads = 0;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      do {
        for (const Content& content : contents) {
          for (const EncodedChunk& chunk : content.chunks) {
            EXPECT_TRUE(this->store_->chunks().Load(chunk.raw_digest).ok());
            EXPECT_TRUE(this->store_->chunks().LoadRaw(chunk.raw_digest).ok());
            ++reads;
          }
        }
      } while (!done);
    });
  }
  for (int round = 0; round < 20; ++round) {
    for (const uint64_t pack : testing::Packs(*this->engine_)) {
      const uint64_t one[] = {pack};
      EXPECT_TRUE(this->NewRepacker().Repack(one).ok());
    }
    EXPECT_TRUE(Repacker(this->store_->chunks(), {std::chrono::seconds(0)}).Fold(1 << 20).ok());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(reads, 0u);
  for (const Content& content : contents) this->ExpectAll(content);
}

}  // namespace
}  // namespace dml
