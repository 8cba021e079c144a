// The chunk index, thrown away and made anew.
#include "storage/content/index_rebuild.h"

#include <gtest/gtest.h>

#include "core/content/delta.h"
#include "storage/content/blob_writer.h"
#include "storage/content/delta_maker.h"
#include "storage/content/repacker.h"
#include "storage/library/delta_plan.h"
#include "tests/storage/engine/engines.h"
#include "tests/support/content_model.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

namespace keys = content_keys;
using testing::Content;
using testing::MakeRelease;

const Timestamp kNow = FromMicros(1'700'000'000'000'000);

ContentOptions StandingClock() {
  ContentOptions options = testing::SmallPacks();
  options.clock = [] { return kNow; };
  return options;
}

template <typename Fixture>
class IndexRebuildTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    store_ = std::make_unique<ContentStore>(*engine_, StandingClock());
    DML_ASSERT_OK(store_->Recover());
  }
  void Upload(const Content& content, const std::string& ns = "acme") {
    DML_ASSERT_OK(testing::UploadAll(*store_, content, ns));
  }
  void MakeDeltas(const Content& before, const Content& after) {
    const DeltaPlan plan =
        PlanBlobDeltas(*store_, "acme", before.blob().digest, after.blob().digest).value();
    ASSERT_EQ(DeltaMaker(store_->chunks()).Make(plan, 0, UINT64_MAX)->moved.chunks, 12u);
  }
  IndexRebuildReport Rebuild() {
    absl::StatusOr<IndexRebuildReport> report = RebuildIndex(*engine_, kNow);
    EXPECT_TRUE(report.ok()) << Message(report.status());
    Open();
    return *std::move(report);
  }
  void ExpectAll(std::initializer_list<Content> contents) {
    for (const Content& content : contents) {
      EXPECT_EQ(testing::ReadBack(*store_, content.blob().digest), content.bytes);
    }
    testing::ExpectSound(*engine_, *store_);
  }
  uint64_t PackOf(const Digest& chunk) { return testing::ChunkRows(*engine_).at(chunk).pack; }

  Fixture fixture_;
  std::shared_ptr<testing::RottingEngine> engine_ =
      std::make_shared<testing::RottingEngine>(fixture_.Make());
  std::unique_ptr<ContentStore> store_;
  const Content first_ = MakeRelease(1, 12);
  const Content second_ = MakeRelease(2, 12);
};

using Fixtures = ::testing::Types<testing::MemoryFixture, testing::RocksFixture>;
TYPED_TEST_SUITE(IndexRebuildTest, Fixtures);

TYPED_TEST(IndexRebuildTest, EveryRowComesBackByteByByte) {
  this->Upload(this->first_);
  this->Upload(this->second_);
  this->Upload(this->second_, "other");
  this->MakeDeltas(this->first_, this->second_);
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  ASSERT_TRUE(Repacker(this->store_->chunks()).Repack(std::span(packs).first(2)).ok());
  for (unsigned i = 0; i < 8; ++i) {
    Content small;
    testing::AddPiece(i == 7 ? std::string(1500, 'a') : testing::RandomPiece(700 + i), small);
    this->Upload(small);
    if (i == 5) {
      ASSERT_TRUE(Repacker(this->store_->chunks()).Fold(1).ok());
    }
  }
  std::string plain;
  for (unsigned i = 0; i < 8; ++i) plain += testing::RandomPiece(800 + i);
  const BlobRef blob{Sha256(plain), plain.size()};
  BlobWriter writer =
      BlobWriter::Begin(*this->store_, "acme", blob, 0, ChunkerParams::FromAverage(1024)).value();
  DML_ASSERT_OK(writer.Write(AsBytes(plain)));
  DML_ASSERT_OK(writer.Flush());
  const auto rows = testing::Rows(*this->engine_, Table::kChunkIndex);
  auto batch = this->engine_->NewBatch();
  batch->Delete(Table::kMeta, keys::kNextPack);
  DML_ASSERT_OK(this->engine_->Commit(std::move(batch), Durability::kSynced));
  const IndexRebuildReport report = this->Rebuild();
  EXPECT_EQ(report.damaged, 0u);
  EXPECT_EQ(report.packs, testing::Packs(*this->engine_).size());
  EXPECT_EQ(report.chunks, testing::ChunkRows(*this->engine_).size());
  EXPECT_EQ(testing::Rows(*this->engine_, Table::kChunkIndex), rows);
  this->ExpectAll({this->first_, this->second_});
  EXPECT_EQ(this->store_->chunks().BeginPack().value(), testing::Packs(*this->engine_).back() + 1);
}

TYPED_TEST(IndexRebuildTest, DamagedFramesAreFoundAndSoIsWhatRestsOnThem) {
  this->Upload(this->first_);
  this->Upload(this->second_);
  this->MakeDeltas(this->first_, this->second_);
  ASSERT_TRUE(Repacker(this->store_->chunks()).Repack(testing::Packs(*this->engine_)).ok());
  const Digest base = this->first_.chunks[4].raw_digest;
  const ChunkRecord record = testing::ChunkRows(*this->engine_).at(base);
  this->engine_->Rot(Table::kPacks, keys::PackedFrame(record.pack, record.position));
  EXPECT_FALSE(this->store_->chunks().Load(base).ok());
  const auto rows = testing::Rows(*this->engine_, Table::kChunkIndex);
  EXPECT_EQ(this->Rebuild().damaged, 2u);
  EXPECT_EQ(testing::Rows(*this->engine_, Table::kChunkIndex), rows);
  this->Upload(this->first_);
  this->Upload(this->second_);
  this->ExpectAll({this->first_, this->second_});
}

TYPED_TEST(IndexRebuildTest, APackWithoutFooterIsToldAndItsFramesTellThemselves) {
  this->Upload(this->first_);
  this->Upload(this->second_);
  this->MakeDeltas(this->first_, this->second_);
  ASSERT_TRUE(Repacker(this->store_->chunks()).Repack(testing::Packs(*this->engine_)).ok());
  const std::vector<uint64_t> bad = {this->PackOf(this->first_.chunks[0].raw_digest),
                                     this->PackOf(this->second_.chunks[11].raw_digest)};
  const auto before = testing::ChunkRows(*this->engine_);
  uint64_t lost = 0;
  for (const auto& [chunk, record] : before) {
    if (record.base.has_value() && (record.pack == bad[0] || record.pack == bad[1])) ++lost;
  }
  ASSERT_GT(lost, 0u);
  this->engine_->Rot(Table::kPacks, keys::PackedFrame(bad[0], keys::kFooterPosition), true);
  this->engine_->Rot(Table::kPacks, keys::PackedFrame(bad[1], keys::kFooterPosition), true);
  const IndexRebuildReport report = this->Rebuild();
  EXPECT_EQ(std::set(report.packs_without_footer.begin(), report.packs_without_footer.end()),
            std::set(bad.begin(), bad.end()));
  EXPECT_EQ(report.damaged, lost) << "only deltas do not say what they are";
  EXPECT_EQ(testing::ReadBack(*this->store_, this->first_.blob().digest), this->first_.bytes);
  for (const auto& [chunk, record] : testing::ChunkRows(*this->engine_)) {
    EXPECT_EQ(record, before.at(chunk));
  }
  this->Upload(this->second_);
  ASSERT_TRUE(Repacker(this->store_->chunks()).Repack(bad).ok());
  this->ExpectAll({this->first_, this->second_});
}

TYPED_TEST(IndexRebuildTest, OfTwoCopiesOneThatIsRightIsTaken) {
  Upload one(this->store_->chunks(), "acme");
  Upload two(this->store_->chunks(), "acme");
  for (const EncodedChunk& chunk : MakeRelease(1, 5).chunks) {
    ASSERT_TRUE(one.Add(chunk).ok());
    ASSERT_TRUE(two.Add(chunk).ok());
  }
  DML_ASSERT_OK(one.Commit());
  DML_ASSERT_OK(two.Commit());
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  ASSERT_EQ(packs.size(), 2u);
  this->engine_->Rot(Table::kPacks, keys::PackedFrame(packs[1], 2));
  EXPECT_EQ(this->Rebuild().damaged, 0u);
  const auto rows = testing::ChunkRows(*this->engine_);
  EXPECT_EQ(rows.size(), 5u);
  for (const auto& [chunk, record] : rows) {
    EXPECT_EQ(record.pack, packs[record.position == 2 ? 0 : 1]);
  }
  testing::ExpectSound(*this->engine_, *this->store_);
}

// Dead weight that would make a delta rest on a delta.
TYPED_TEST(IndexRebuildTest, ABaseIsTakenInFullWhateverIsNewer) {
  const Content third = MakeRelease(3, 12);
  for (const Content& content : {this->first_, this->second_, third}) this->Upload(content);
  const Digest middle = this->second_.chunks[0].raw_digest;
  ChunkStore& chunks = this->store_->chunks();
  ASSERT_EQ(DeltaMaker(chunks)
                .Make({"acme", {{third.chunks[0].raw_digest, {middle}}}}, 0, UINT64_MAX)
                ->moved.chunks,
            1u);
  // A copy as a delta that lost against the row.
  ChunkCommit commit;
  const std::string base = chunks.LoadRaw(this->first_.chunks[0].raw_digest).value();
  const std::string raw = chunks.LoadRaw(middle).value();
  const std::string frame = EncodeDelta(AsBytes(raw), AsBytes(base)).value();
  ChunkCommit::Chunk copy{middle, {}, ""};
  copy.record.raw_size = static_cast<uint32_t>(raw.size());
  copy.record.codec = FrameCodec::kZstdDelta;
  copy.record.base = this->first_.chunks[0].raw_digest;
  copy.record.stored_size = static_cast<uint32_t>(frame.size());
  copy.record.stored_digest = Sha256(frame);
  PackBuilder builder = PackBuilder::Begin(chunks).value();
  DML_ASSERT_OK(builder.Add(middle, frame, copy.record));
  DML_ASSERT_OK(builder.Seal());
  commit.pack = builder.pack();
  commit.chunks.push_back(copy);
  DML_ASSERT_OK(chunks.Commit(std::move(commit)));
  const auto rows = testing::Rows(*this->engine_, Table::kChunkIndex);
  EXPECT_EQ(this->Rebuild().damaged, 0u);
  EXPECT_EQ(testing::Rows(*this->engine_, Table::kChunkIndex), rows);
  this->ExpectAll({this->first_, this->second_, third});
}

TYPED_TEST(IndexRebuildTest, WhatIsNowhereCountsAsMissingAndComesBackWithAnUpload) {
  this->Upload(this->first_);
  Content small;
  testing::AddPiece(testing::RandomPiece(900), small);
  this->Upload(small);
  const uint64_t pack = this->PackOf(this->first_.chunks[0].raw_digest);
  DML_ASSERT_OK(this->engine_->DropFiles(keys::PackRange(pack)));
  DML_ASSERT_OK(testing::PutOne(*this->engine_, Table::kChunks, small.chunks[0].raw_digest.raw(),
                                "something else"));
  const IndexRebuildReport report = this->Rebuild();
  EXPECT_EQ(report.chunks + report.damaged, 13u);
  EXPECT_GT(report.damaged, 1u);
  EXPECT_TRUE(this->store_->chunks().IsDamaged(small.chunks[0].raw_digest));
  this->Upload(this->first_);
  this->Upload(small);
  this->ExpectAll({this->first_, small});
}

TEST(IndexRebuildCrashTest, AtEveryStepItIsRefusedOrWhole) {
  int refused = 0;
  for (bool last_is_done : {false, true}) {
    for (int changes = 1;; ++changes) {
      std::shared_ptr<Engine> disk = NewMemoryEngine();
      ContentStore store(*disk, StandingClock());
      ASSERT_TRUE(store.Recover().ok());
      ASSERT_TRUE(testing::UploadAll(store, MakeRelease(1, 20)).ok());
      const auto rows = testing::Rows(*disk, Table::kChunkIndex);
      testing::DyingEngine engine(disk, changes, last_is_done);
      RebuildIndex(engine, kNow).status().IgnoreError();
      ContentStore opened(*disk, StandingClock());
      const absl::Status status = opened.Recover();
      if (status.ok()) {
        EXPECT_EQ(testing::Rows(*disk, Table::kChunkIndex), rows);
      } else {
        ++refused;
        EXPECT_EQ(Reason(status), "INDEX_REBUILD_UNFINISHED");
      }
      ASSERT_TRUE(RebuildIndex(*disk, kNow).ok());
      EXPECT_EQ(testing::Rows(*disk, Table::kChunkIndex), rows);
      if (!engine.dead()) break;
    }
  }
  EXPECT_GT(refused, 4);
}

}  // namespace
}  // namespace dml
