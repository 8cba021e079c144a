// Chunks become deltas upon chunks of the version before: what they save, and what they may not do.
#include "storage/content/delta_maker.h"

#include <gtest/gtest.h>

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

constexpr uint64_t kAll = UINT64_MAX;

template <typename Fixture>
class DeltaMakerTest : public ::testing::Test {
 protected:
  void SetUp() override { DML_ASSERT_OK(store_.Recover()); }

  Content Upload(unsigned version, const std::string& ns = "acme") {
    Content content = MakeRelease(version, 12);
    EXPECT_TRUE(testing::UploadAll(store_, content, ns).ok());
    return content;
  }
  DeltaPlan Plan(const Content& before, const Content& after, const std::string& ns = "acme") {
    return PlanBlobDeltas(store_, ns, before.blob().digest, after.blob().digest).value();
  }
  DeltaReport Make(const DeltaPlan& plan, size_t first = 0, uint64_t max_bytes = kAll) {
    return DeltaMaker(store_.chunks()).Make(plan, first, max_bytes).value();
  }
  size_t Deltas() { return testing::IndexKeys(*engine_, keys::IndexRow::kDependent).size(); }
  void ExpectAll(std::initializer_list<Content> contents) {
    for (const Content& content : contents) {
      EXPECT_EQ(testing::ReadBack(store_, content.blob().digest), content.bytes);
    }
    testing::ExpectSound(*engine_, store_);
  }

  Fixture fixture_;
  std::shared_ptr<testing::RottingEngine> engine_ =
      std::make_shared<testing::RottingEngine>(fixture_.Make());
  ContentStore store_{*engine_, testing::SmallPacks()};
};

using Fixtures = ::testing::Types<testing::MemoryFixture, testing::RocksFixture>;
TYPED_TEST_SUITE(DeltaMakerTest, Fixtures);

TYPED_TEST(DeltaMakerTest, AVersionCostsWhatChangedOnceItIsRepacked) {
  const Content first = this->Upload(1);
  const uint64_t full = testing::PackedBytes(*this->engine_);
  const Content second = this->Upload(2);
  const DeltaReport report = this->Make(this->Plan(first, second));
  EXPECT_EQ(report.moved.chunks, 12u);
  this->ExpectAll({first, second});
  ASSERT_TRUE(Repacker(this->store_.chunks()).Repack(testing::Packs(*this->engine_)).ok());
  this->ExpectAll({first, second});
  EXPECT_EQ(testing::PackedBytes(*this->engine_), full + report.moved.bytes);
  EXPECT_LT(report.moved.bytes, full / 4);
  EXPECT_EQ(report.bytes_saved, full - report.moved.bytes);
}

TYPED_TEST(DeltaMakerTest, NoDeltaRestsOnADeltaAndNoBaseBecomesOne) {
  const Content first = this->Upload(1);
  const Content second = this->Upload(2);
  const Content third = this->Upload(3);
  EXPECT_EQ(this->Make(this->Plan(first, second)).moved.chunks, 12u);
  EXPECT_EQ(this->Make(this->Plan(second, third)).moved.chunks, 12u);
  for (const auto& [chunk, record] : testing::ChunkRows(*this->engine_)) {
    if (!record.base.has_value()) continue;
    bool in_first = false;
    for (const EncodedChunk& one : first.chunks) in_first |= one.raw_digest == *record.base;
    EXPECT_TRUE(in_first) << "the only chunks that are kept in full";
  }
  EXPECT_EQ(this->Make(this->Plan(third, first)).moved.chunks, 0u) << "all are bases";
  EXPECT_EQ(this->Make(this->Plan(first, second)).moved.chunks, 0u) << "all are deltas already";
  this->ExpectAll({first, second, third});
}

// The rows are looked at again in the batch: what the plan's first half did counts.
TYPED_TEST(DeltaMakerTest, AChunkThatBecomesABaseInTheSameBatchStaysFull) {
  const Content first = this->Upload(1);
  const Content second = this->Upload(2);
  const Content third = this->Upload(3);
  const Digest a = first.chunks[0].raw_digest;
  const Digest b = second.chunks[0].raw_digest;
  const Digest c = third.chunks[0].raw_digest;
  EXPECT_EQ(this->Make({"acme", {{c, {b}}, {b, {a}}}}).moved.chunks, 1u);
  EXPECT_EQ(testing::ChunkRows(*this->engine_).at(c).base, b);
  const Digest d = first.chunks[1].raw_digest;
  const Digest e = second.chunks[1].raw_digest;
  const Digest f = third.chunks[1].raw_digest;
  EXPECT_EQ(this->Make({"acme", {{e, {d}}, {f, {e}}}}).moved.chunks, 1u);
  EXPECT_EQ(testing::ChunkRows(*this->engine_).at(e).base, d);
  this->ExpectAll({first, second, third});
}

TYPED_TEST(DeltaMakerTest, WhatDoesNotPayStaysAndNothingIsLeftOver) {
  Content first;
  Content second;
  for (unsigned i = 0; i < 8; ++i) {
    testing::AddPiece(testing::RandomPiece(i), first);
    testing::AddPiece(testing::RandomPiece(100 + i), second);
  }
  ASSERT_TRUE(testing::UploadAll(this->store_, first).ok());
  ASSERT_TRUE(testing::UploadAll(this->store_, second).ok());
  const std::vector<uint64_t> packs = testing::Packs(*this->engine_);
  const DeltaPlan plan = this->Plan(first, second);
  EXPECT_FALSE(plan.targets.empty());
  EXPECT_EQ(this->Make(plan).moved.chunks, 0u);
  EXPECT_EQ(testing::Packs(*this->engine_), packs);
  this->ExpectAll({first, second});
}

TYPED_TEST(DeltaMakerTest, NothingRestsOnWhatTheNamespaceDoesNotSee) {
  const Content first = this->Upload(1, "other");
  const Content second = this->Upload(2, "acme");
  EXPECT_EQ(this->Make(this->Plan(first, second)).moved.chunks, 0u);
  EXPECT_EQ(this->Make(this->Plan(first, second, "other")).moved.chunks, 0u);
  ASSERT_TRUE(testing::UploadAll(this->store_, first, "acme").ok());
  EXPECT_EQ(this->Make(this->Plan(first, second)).moved.chunks, 12u);
  this->ExpectAll({first, second});
}

// A digest is not a capability: of the other namespace's base neither bytes nor name go out.
TYPED_TEST(DeltaMakerTest, AReaderGetsADeltaOnlyWhereItsNamespaceSeesTheBase) {
  const Content first = this->Upload(1);
  const Content second = this->Upload(2);
  this->Upload(2, "other");
  this->Make(this->Plan(first, second));
  const EncodedChunk& chunk = second.chunks[0];
  const ChunkRef ref{chunk.raw_digest, chunk.raw_size};
  ChunkStore& chunks = this->store_.chunks();
  EXPECT_TRUE(chunks.LoadFor("acme", ref, true)->base.has_value());
  for (const auto& [ns, accept_delta] : {std::pair("acme", false), std::pair("other", true)}) {
    const StoredChunk full = chunks.LoadFor(ns, ref, accept_delta).value();
    EXPECT_TRUE(full.decoded);
    EXPECT_FALSE(full.base.has_value());
    EXPECT_EQ(Sha256(full.frame.stored), chunk.raw_digest);
  }
}

TYPED_TEST(DeltaMakerTest, ALimitedPassGoesOnWhereItStopped) {
  const Content first = this->Upload(1);
  const Content second = this->Upload(2);
  const DeltaPlan plan = this->Plan(first, second);
  size_t next = 0;
  int passes = 0;
  for (; next < plan.targets.size(); ++passes) next = this->Make(plan, next, 1).next;
  EXPECT_EQ(passes, 12);
  EXPECT_EQ(this->Deltas(), 12u);
  this->ExpectAll({first, second});
}

TYPED_TEST(DeltaMakerTest, DamageOfABaseIsItsDependentsToo) {
  const Content first = this->Upload(1);
  const Content second = this->Upload(2);
  this->Make(this->Plan(first, second));
  const Digest delta = second.chunks[3].raw_digest;
  const std::map<Digest, ChunkRecord> rows = testing::ChunkRows(*this->engine_);
  const Digest base = rows.at(delta).base.value();
  this->engine_->Rot(Table::kPacks, keys::PackedFrame(rows.at(base).pack, rows.at(base).position));
  EXPECT_EQ(Reason(this->store_.chunks().LoadVerified({delta, rows.at(delta).raw_size}).status()),
            "CHUNK_CORRUPT");
  const Digest both[] = {base, delta};
  EXPECT_EQ(this->store_.chunks().FindMissing("acme", both)->size(), 2u);
  ContentStore again(*this->engine_, testing::SmallPacks());
  DML_ASSERT_OK(again.Recover());
  EXPECT_EQ(again.chunks().FindMissing("acme", both)->size(), 2u) << "remembered";
  // The newer version alone repairs its own chunk, which then rests on nothing.
  ASSERT_TRUE(testing::UploadAll(this->store_, second).ok());
  EXPECT_EQ(testing::ReadBack(this->store_, second.blob().digest), second.bytes);
  EXPECT_EQ(this->Deltas(), 11u);
  ASSERT_TRUE(testing::UploadAll(this->store_, first).ok());
  this->ExpectAll({first, second});
}

}  // namespace
}  // namespace dml
