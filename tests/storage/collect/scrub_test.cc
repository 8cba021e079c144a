#include "storage/collect/scrub.h"

#include "core/content/delta.h"
#include "tests/storage/collect/collect_world.h"

namespace dml {
namespace {

using testing::CollectWorld;
using testing::Piece;
using testing::Pieces;
namespace keys = content_keys;

class ScrubTest : public ::testing::Test {
 protected:
  ScrubTest() {
    EXPECT_TRUE(world_.Publish("acme/api", "1.0", {file_}).ok());
    EXPECT_TRUE(world_.Publish("other/lib", "2.0", {{file_[0]}}).ok());
  }

  // Overwrites the frame of a chunk that lies in a row of its own.
  void Damage(const Digest& chunk) {
    std::string frame = world_.engine().Get(Table::kChunks, chunk.raw()).value().value();
    frame[frame.size() / 2] ^= 1;
    auto batch = world_.engine().NewBatch();
    batch->Put(Table::kChunks, chunk.raw(), frame);
    ASSERT_TRUE(world_.engine().Commit(std::move(batch), Durability::kSynced).ok());
  }
  // Stores a chunk anew as what differs from another.
  void StoreAsDelta(const std::string& raw, const std::string& base) {
    const std::string frame = *EncodeDelta(AsBytes(raw), AsBytes(base));
    const std::string key = keys::Chunk(Sha256(raw));
    ChunkRecord record = *wire::DecodeChunkRecord(**world_.engine().Get(Table::kChunkIndex, key));
    record.codec = FrameCodec::kZstdDelta;
    record.base = Sha256(base);
    record.stored_size = static_cast<uint32_t>(frame.size());
    record.stored_digest = Sha256(frame);
    record.pack = record.position = 0;
    auto batch = world_.engine().NewBatch();
    batch->Put(Table::kChunkIndex, key, wire::Encode(record));
    batch->Put(Table::kChunks, Sha256(raw).raw(), frame);
    ASSERT_TRUE(world_.engine().Commit(std::move(batch), Durability::kSynced).ok());
  }

  ScrubRecord RunPass() {
    auto scrub = Scrub::Open(world_.library().content()).value();
    EXPECT_TRUE(scrub->Start().ok());
    while (scrub->record().running) EXPECT_TRUE(scrub->Step(2, pacer_).ok());
    return scrub->record();
  }

  CollectWorld world_;
  const Pieces file_ = {Piece("a"), Piece("b")};
  Pacer pacer_{UINT64_MAX, std::chrono::steady_clock::now,
               [](std::chrono::nanoseconds) { return absl::OkStatus(); }};
};

TEST_F(ScrubTest, AllIsWell) {
  const ScrubRecord record = RunPass();
  EXPECT_FALSE(record.running);
  EXPECT_EQ(record.finish_time, world_.Now());
  EXPECT_EQ(record.chunks, 2u);
  EXPECT_EQ(record.bytes, 1200u);
  EXPECT_EQ(record.damaged_count, 0u);
}

TEST_F(ScrubTest, AFlippedBitIsFoundToldAndRepairedByAnUpload) {
  const Digest chunk = Sha256(file_[0]);
  Damage(chunk);
  const ScrubRecord record = RunPass();
  ASSERT_EQ(record.damaged_count, 1u);
  EXPECT_EQ(record.damaged[0].chunk, chunk);
  EXPECT_FALSE(record.damaged[0].base.has_value());
  EXPECT_EQ(record.damaged[0].variants,
            (std::vector<std::string>{world_.NameOf("acme/api", "1.0").ResourceName(),
                                      world_.NameOf("other/lib", "2.0").ResourceName()}));
  EXPECT_TRUE(absl::IsDataLoss(world_.ReadBack(testing::BlobOf(file_).digest).status()));

  ASSERT_TRUE(world_.Upload("acme", file_).ok()) << "asks what is missing, and sends that";
  world_.ExpectPayloadIsWhole();
  EXPECT_EQ(RunPass().damaged_count, 0u);
}

TEST_F(ScrubTest, WhatNobodyKnewIsFoundAfterARestartToo) {
  Damage(Sha256(file_[1]));
  EXPECT_EQ(RunPass().damaged_count, 1u);
  world_.Reopen();
  const Digest chunk = Sha256(file_[1]);
  EXPECT_EQ(world_.chunks().FindMissing("acme", std::span(&chunk, 1))->size(), 1u);
}

TEST_F(ScrubTest, EveryDependentOfADamagedBaseIsTold) {
  const std::string changed = file_[0] + "changed";
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {{changed}}).ok());
  StoreAsDelta(changed, file_[0]);
  EXPECT_EQ(RunPass().damaged_count, 0u);
  Damage(Sha256(file_[0]));
  const ScrubRecord record = RunPass();
  ASSERT_EQ(record.damaged_count, 2u);
  for (const DamagedChunk& damaged : record.damaged) {
    if (damaged.chunk == Sha256(file_[0])) continue;
    EXPECT_EQ(damaged.chunk, Sha256(changed));
    EXPECT_EQ(damaged.base, Sha256(file_[0]));
    EXPECT_EQ(damaged.variants,
              std::vector<std::string>{world_.NameOf("acme/api", "2.0").ResourceName()});
  }
  ASSERT_TRUE(world_.Upload("acme", file_).ok());
  ASSERT_TRUE(world_.Upload("acme", {changed}).ok());
  EXPECT_EQ(RunPass().damaged_count, 0u);
}

TEST_F(ScrubTest, APassGoesOnAfterARestart) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(world_.Upload("acme", {Piece(std::to_string(i))}).ok());
  }
  {
    auto scrub = Scrub::Open(world_.library().content()).value();
    ASSERT_TRUE(scrub->Start().ok());
    ASSERT_TRUE(scrub->Step(3, pacer_).ok());
  }
  world_.Reopen();
  auto scrub = Scrub::Open(world_.library().content()).value();
  EXPECT_TRUE(scrub->record().running);
  EXPECT_EQ(scrub->record().chunks, 3u);
  ASSERT_TRUE(scrub->Start().ok()) << "one pass at a time";
  while (scrub->record().running) ASSERT_TRUE(scrub->Step(1, pacer_).ok());
  EXPECT_EQ(scrub->record().chunks, 7u);
}

TEST_F(ScrubTest, AnErrorOfThePacerLeavesThePassWhereItWas) {
  auto scrub = Scrub::Open(world_.library().content()).value();
  ASSERT_TRUE(scrub->Start().ok());
  Pacer stopping(1, std::chrono::steady_clock::now,
                 [](std::chrono::nanoseconds) { return absl::CancelledError(); });
  EXPECT_TRUE(absl::IsCancelled(scrub->Step(2, stopping)));
  EXPECT_TRUE(scrub->record().running);
  while (scrub->record().running) ASSERT_TRUE(scrub->Step(2, pacer_).ok());
  EXPECT_EQ(scrub->record().chunks, 2u);
}

TEST(PacerTest, KeepsTheRateFromTheFirstCallOn) {
  std::chrono::steady_clock::time_point now;
  std::chrono::nanoseconds slept{0};
  Pacer pacer(
      1000, [&] { return now; },
      [&](std::chrono::nanoseconds time) {
        slept += time;
        now += time;
        return absl::OkStatus();
      });
  ASSERT_TRUE(pacer.Spend(500).ok());
  EXPECT_EQ(slept, std::chrono::milliseconds(500));
  now += std::chrono::milliseconds(300);
  ASSERT_TRUE(pacer.Spend(500).ok());
  EXPECT_EQ(slept, std::chrono::milliseconds(700)) << "what passed anyway counts";
  ASSERT_TRUE(pacer.Spend(0).ok());
  EXPECT_EQ(slept, std::chrono::milliseconds(700));
}

}  // namespace
}  // namespace dml
