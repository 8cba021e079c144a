#include "storage/collect/collector.h"

#include "core/content/delta.h"
#include "storage/content/blob_writer.h"
#include "storage/journal/journal.h"
#include "storage/views/projector.h"
#include "tests/storage/collect/collect_world.h"

namespace dml {
namespace {

using testing::BlobOf;
using testing::CollectWorld;
using testing::Joined;
using testing::Piece;
using testing::Pieces;
namespace keys = content_keys;

constexpr RetentionPolicy kNewestOnly{RetentionKeep::kMatching, 1};
constexpr RetentionPolicy kNoWithdrawn{.collect_withdrawn = true};

class CollectorTest : public ::testing::Test {
 protected:
  // The entries of the collector, in order.
  std::vector<PayloadCollected> Entries() {
    std::vector<PayloadCollected> out;
    auto state = world_.library().Read();
    JournalView journal(*state);
    for (uint64_t i = 0; i < journal.Size().value(); ++i) {
      const Entry entry = journal.At(i).value().entry;
      if (const auto* collected = std::get_if<PayloadCollected>(&entry.payload)) {
        EXPECT_EQ(entry.author, "collector");
        out.push_back(*collected);
      }
    }
    return out;
  }
  // Rows of the content plane.
  size_t RowCount() {
    size_t out = 0;
    for (Table table : {Table::kBlobs, Table::kChunkIndex, Table::kChunks, Table::kPacks}) {
      out += testing::Rows(world_.engine(), table).size();
    }
    return out;
  }

  CollectWorld world_;
  const Pieces shared_ = {Piece("shared 1"), Piece("shared 2")};
  const Pieces old_ = {Piece("old"), Piece("shared 1")};
  const Pieces new_ = {Piece("new"), Piece("shared 1")};
};

TEST_F(CollectorTest, WithoutARetentionPolicyEverythingStays) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_, shared_}).ok());
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {new_, shared_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  const size_t rows = RowCount();
  world_.Pass(std::chrono::years(50));
  const CollectionRecord record = world_.CollectAll();
  EXPECT_EQ(record.phase, CollectionPhase::kDone);
  EXPECT_EQ(record.entries, 0u);
  EXPECT_EQ(RowCount(), rows);
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, AVersionOutsideItsRetentionGoesAndWhatItSharesStays) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_, shared_}).ok());
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {new_, shared_}).ok());
  world_.Retain("acme", kNewestOnly);
  const CollectionRecord record = world_.CollectAll();
  EXPECT_TRUE(world_.IsCollected("acme/api", "1.0"));
  EXPECT_FALSE(world_.IsCollected("acme/api", "2.0"));
  EXPECT_EQ(record.variants, 1u);
  EXPECT_EQ(record.variant_bytes, 2400u);
  EXPECT_EQ(record.blobs, 1u);
  EXPECT_EQ(record.chunks, 1u);
  EXPECT_FALSE(world_.HasRow(Table::kChunkIndex, keys::Chunk(Sha256(old_[0]))));
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
  EXPECT_EQ(world_.CollectAll().variants, 0u) << "once";
  EXPECT_EQ(Entries().size(), 1u);
}

// attack 24
TEST_F(CollectorTest, TheEntryNamesWhatGoesAndEvidenceStays) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_, shared_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", kNoWithdrawn);
  const size_t metadata = testing::Rows(world_.engine(), Table::kMetadata).size();
  world_.CollectAll();
  ASSERT_EQ(Entries().size(), 1u);
  EXPECT_EQ(Entries()[0].variants, std::vector<VariantName>{world_.NameOf("acme/api", "1.0")});
  std::set<Digest> digests = {BlobOf(old_).digest, BlobOf(shared_).digest};
  std::string lines;
  for (const Digest& digest : digests) lines += digest.ToString() + "\n";
  EXPECT_EQ(ReadMetadata(*world_.library().Read(), Entries()[0].digest_list).value(), lines);
  EXPECT_EQ(testing::Rows(world_.engine(), Table::kMetadata).size(), metadata + 1);
  EXPECT_TRUE(world_.library().VerifyViews()->differing_keys.empty());
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, AWithdrawnVersionStaysForItsGrace) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", {.collect_withdrawn = true, .withdrawn_grace = std::chrono::days(2)});
  world_.CollectAll();
  EXPECT_FALSE(world_.IsCollected("acme/api", "1.0"));
  world_.Pass(std::chrono::days(2));
  world_.CollectAll();
  EXPECT_TRUE(world_.IsCollected("acme/api", "1.0"));
  world_.ExpectNothingElse();
}

// attack 24: any source keeps a version, whatever retention says.
TEST_F(CollectorTest, WhatASourceNamesStays) {
  class Held : public RootSource {
   public:
    explicit Held(VariantName name) : name_(std::move(name)) {}
    absl::Status ForEachRoot(const Reader&, const PackageName& package, Timestamp,
                             Visit visit) const override {
      if (package == name_.package) visit(name_, "held");
      return absl::OkStatus();
    }

   private:
    const VariantName name_;
  };
  for (const char* version : {"1.0", "2.0", "3.0"}) {
    ASSERT_TRUE(world_.Publish("acme/api", version, {{Piece(version)}}).ok());
  }
  world_.Retain("acme", {.keep = RetentionKeep::kOnlyHeld});
  Held held(world_.NameOf("acme/api", "2.0"));
  world_.AddSource(held);
  world_.CollectAll();
  EXPECT_TRUE(world_.IsCollected("acme/api", "1.0"));
  EXPECT_FALSE(world_.IsCollected("acme/api", "2.0"));
  EXPECT_TRUE(world_.IsCollected("acme/api", "3.0"));
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

// attack 27
TEST_F(CollectorTest, NothingIsDeletedWithoutItsEntry) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_}).ok());
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {new_}).ok());
  world_.Retain("acme", kNewestOnly);
  world_.Pass(CollectWorld::kLease);
  // A collector whose sources name nothing, and a policy that changes after the plan.
  bool changed = false;
  CollectorOptions options;
  options.step = [&](const CollectionRecord& so_far) {
    if (so_far.phase == CollectionPhase::kDecide && !std::exchange(changed, true)) {
      world_.Retain("acme", {});
    }
    return absl::OkStatus();
  };
  Collector collector(world_.library(), {}, std::move(options));
  auto record = collector.Run("collector");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(changed);
  EXPECT_EQ(record->entries, 0u);
  EXPECT_EQ(record->blobs + record->chunks, 0u);
  world_.ExpectPayloadIsWhole();
}

// attack 22
TEST_F(CollectorTest, ANamespaceSeesAChunkOnlyWhileItsOwnFilesAreMadeOfIt) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {shared_}).ok());
  ASSERT_TRUE(world_.Publish("other/api", "1.0", {shared_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", kNoWithdrawn);
  const CollectionRecord record = world_.CollectAll();
  EXPECT_EQ(record.visible_blobs, 1u);
  EXPECT_EQ(record.visible_chunks, 2u);
  EXPECT_EQ(record.chunks, 0u) << "other is made of them";
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
  const Digest digests[] = {Sha256(shared_[0]), Sha256(shared_[1])};
  EXPECT_EQ(world_.chunks().FindMissing("acme", digests)->size(), 2u);
  EXPECT_EQ(world_.chunks().FindMissing("other", digests)->size(), 0u);
  EXPECT_FALSE(world_.library().content().HasBlob("acme", BlobOf(shared_)).value());
  EXPECT_EQ(Reason(world_.PublishDocuments("acme/api", "2.0", {shared_})), "BLOB_NOT_FOUND");
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {shared_}).ok()) << "sent again it is there";
  world_.ExpectPayloadIsWhole();
}

TEST_F(CollectorTest, AnotherCutOfTheSameFileKeepsTheListThatIsStored) {
  const Pieces other_cut = {Joined(shared_).substr(0, 100), Joined(shared_).substr(100)};
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {shared_}).ok());
  ASSERT_TRUE(world_.Publish("other/api", "1.0", {other_cut}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", kNoWithdrawn);
  world_.CollectAll();
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, AbandonedUploadsGoAfterTheirLeaseWithoutAnEntry) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {new_}).ok());
  ASSERT_TRUE(world_.Upload("acme", old_).ok());
  const std::string plain = Piece("plain", 200'000);
  {
    auto writer = BlobWriter::Begin(world_.library().content(), "acme",
                                    {Sha256(plain), plain.size()}, 0, {1024, 4096, 16384});
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(writer->Write(AsBytes(plain).first(150'000)).ok());
    ASSERT_TRUE(writer->Flush().ok());
  }
  auto early = world_.Collect();
  ASSERT_TRUE(early.ok()) << early.status();
  EXPECT_EQ(early->chunks + early->blobs + early->partials, 0u);
  EXPECT_GT(early->held, 0u);
  const CollectionRecord record = world_.CollectAll();
  EXPECT_EQ(record.entries, 0u);
  EXPECT_EQ(record.partials, 1u);
  EXPECT_EQ(record.blobs, 1u);
  EXPECT_GT(record.packs, 0u);
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, APlainUploadThatGoesOnKeepsWhatItHas) {
  const std::string plain = Piece("plain", 200'000);
  const BlobRef blob{Sha256(plain), plain.size()};
  const ChunkerParams params{1024, 4096, 16384};
  ContentStore& content = world_.library().content();
  {
    auto writer = BlobWriter::Begin(content, "acme", blob, 0, params);
    ASSERT_TRUE(writer->Write(AsBytes(plain).first(100'000)).ok());
    ASSERT_TRUE(writer->Flush().ok());
    world_.Pass(CollectWorld::kLease * 3 / 4);
    ASSERT_TRUE(writer->Write(AsBytes(plain).subspan(100'000, 50'000)).ok());
    ASSERT_TRUE(writer->Flush().ok());
  }
  world_.Pass(CollectWorld::kLease * 3 / 4);
  ASSERT_TRUE(world_.Collect().ok());
  const uint64_t committed = content.GetPartial("acme", blob)->committed;
  ASSERT_GT(committed, 100'000u);
  auto writer = BlobWriter::Begin(content, "acme", blob, committed, params);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(writer->Write(AsBytes(plain).subspan(committed)).ok());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(world_.ReadBack(blob.digest).value(), plain);
}

// What a stream relies on is leased for as long as it lasts, whatever lies between its parts.
TEST_F(CollectorTest, AFileMayTakeLongerThanALease) {
  Upload upload(world_.chunks(), "acme");
  for (const std::string& piece : shared_) {
    ASSERT_TRUE(upload.Add(EncodeChunk(AsBytes(piece))).ok());
    ASSERT_TRUE(upload.Commit().ok());
    for (int i = 0; i < 2; ++i) {
      world_.Pass(CollectWorld::kLease * 3 / 4);
      ASSERT_TRUE(upload.AddKnown({Sha256(piece), static_cast<uint32_t>(piece.size())}).ok());
      ASSERT_TRUE(world_.Collect().ok());
    }
  }
  const Pieces file = {shared_[0], shared_[0], shared_[0], shared_[1], shared_[1], shared_[1]};
  ASSERT_TRUE(upload.EndBlob(BlobOf(file)).ok());
  ASSERT_TRUE(upload.Commit().ok());
  ASSERT_TRUE(world_.Collect().ok());
  EXPECT_TRUE(world_.PublishDocuments("acme/api", "1.0", {file}).ok());
  world_.ExpectPayloadIsWhole();
}

TEST_F(CollectorTest, AStreamThatStoodStillForALeaseMustStartAnew) {
  Upload upload(world_.chunks(), "acme");
  ASSERT_TRUE(upload.Add(EncodeChunk(AsBytes(shared_[0]))).ok());
  ASSERT_TRUE(upload.Commit().ok());
  world_.CollectAll();
  EXPECT_EQ(Reason(upload.Add(EncodeChunk(AsBytes(shared_[1])))), "UPLOAD_TOO_SLOW");
  EXPECT_EQ(Reason(upload.EndBlob(BlobOf({shared_[0]}))), "UPLOAD_TOO_SLOW");
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, ALeaseKeepsChunksAndBlobs) {
  ASSERT_TRUE(world_.Upload("acme", old_).ok());
  world_.Pass(CollectWorld::kLease);
  const Digest chunk = Sha256(old_[0]);
  ASSERT_TRUE(world_.chunks().FindMissing("acme", std::span(&chunk, 1)).ok());
  ASSERT_TRUE(world_.library().content().HasBlob("acme", BlobOf(old_)).value());
  ASSERT_TRUE(world_.Collect().ok());
  EXPECT_TRUE(world_.PublishDocuments("acme/api", "1.0", {old_}).ok());
  world_.CollectAll();
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, AfterAStartTheSweepWaitsForLeasesOfTheProcessBefore) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", kNoWithdrawn);
  world_.Pass(CollectWorld::kLease);
  world_.Reopen();
  const Timestamp started = world_.Now();
  auto record = world_.Collect();
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->leases_end_time, started + CollectWorld::kLease);
  EXPECT_EQ(record->phase, CollectionPhase::kPartials);
  EXPECT_EQ(record->variants, 1u) << "what goes is decided at once";
  EXPECT_TRUE(world_.ReadBack(BlobOf(old_).digest).ok());
  EXPECT_EQ(world_.CollectAll().blobs, 1u);
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, APassThatIsInterruptedAnywhereGoesOn) {
  uint64_t stop_at = 0;
  for (bool whole = false; !whole;) {
    ++stop_at;
    SCOPED_TRACE(stop_at);
    CollectWorld world;
    for (const char* version : {"1.0", "2.0", "3.0"}) {
      ASSERT_TRUE(world.Publish("acme/api", version, {{Piece(version), Piece("shared")}}).ok());
    }
    world.Retain("acme", kNewestOnly);
    world.Pass(CollectWorld::kLease);
    CollectorOptions options;
    options.batch_rows = 1;
    uint64_t steps = 0;
    CollectionRecord seen;
    options.step = [&](const CollectionRecord& so_far) {
      seen = so_far;
      return ++steps == stop_at ? absl::CancelledError() : absl::OkStatus();
    };
    auto record = world.Collect(options);
    whole = record.ok();
    if (!whole) {
      EXPECT_TRUE(absl::IsCancelled(record.status()));
      world.ExpectPayloadIsWhole();
      record = world.Collect(options);
      ASSERT_TRUE(record.ok()) << record.status();
      EXPECT_EQ(record->start_time, seen.start_time);
    }
    EXPECT_EQ(record->chunks, 2u);
    world.ExpectPayloadIsWhole();
    world.ExpectNothingElse();
  }
  EXPECT_GT(stop_at, 10u) << "steps of a pass";
}

TEST_F(CollectorTest, MarksInAVeryLittleMemoryGiveTheSame) {
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_TRUE(world_
                    .Publish(i % 2 == 0 ? "acme/api" : "other/api", n,
                             {{Piece(n), Piece("shared"), Piece(n + "b")}, {Piece(n + "c")}})
                    .ok());
  }
  for (const char* ns : {"acme", "other"}) {
    world_.Retain(ns, {RetentionKeep::kMatching, 7});
  }
  CollectorOptions options;
  options.mark_bytes = 0;
  options.batch_rows = 2;
  const CollectionRecord record = world_.CollectAll(options);
  EXPECT_EQ(record.variants, 16u);
  EXPECT_EQ(record.blobs, 32u);
  EXPECT_EQ(record.chunks, 48u);
  world_.ExpectPayloadIsWhole();
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, MarksThatGrowOldAreMadeAnew) {
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {old_, shared_}).ok());
  ASSERT_TRUE(world_.Withdraw("acme/api", "1.0").ok());
  world_.Retain("acme", kNoWithdrawn);
  world_.Pass(CollectWorld::kLease);
  CollectorOptions options;
  options.batch_rows = 1;
  options.step = [&](const CollectionRecord&) {
    world_.Pass(CollectWorld::kLease / 5);
    return absl::OkStatus();
  };
  ASSERT_TRUE(world_.Collect(options).ok());
  world_.ExpectNothingElse();

  ASSERT_TRUE(world_.Upload("acme", old_).ok());
  world_.Pass(CollectWorld::kLease);
  options.step = [&](const CollectionRecord&) {
    world_.Pass(CollectWorld::kLease);
    return absl::OkStatus();
  };
  EXPECT_EQ(Reason(world_.Collect(options).status()), "COLLECTION_TOO_SLOW");
}

TEST_F(CollectorTest, ABaseStaysWhileADeltaUponItLives) {
  const std::string base = Piece("base", 5000);
  const std::string changed = base + "changed";
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {{base}}).ok());
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {{changed}}).ok());
  const std::string frame = *EncodeDelta(AsBytes(changed), AsBytes(base));
  const std::string key = keys::Chunk(Sha256(changed));
  ChunkRecord record = *wire::DecodeChunkRecord(**world_.engine().Get(Table::kChunkIndex, key));
  record.codec = FrameCodec::kZstdDelta;
  record.base = Sha256(base);
  record.stored_size = static_cast<uint32_t>(frame.size());
  record.stored_digest = Sha256(frame);
  record.pack = record.position = 0;
  auto batch = world_.engine().NewBatch();
  batch->Put(Table::kChunkIndex, key, wire::Encode(record));
  batch->Put(Table::kChunks, Sha256(changed).raw(), frame);
  ASSERT_TRUE(world_.engine().Commit(std::move(batch), Durability::kSynced).ok());

  world_.Retain("acme", kNewestOnly);
  EXPECT_EQ(world_.CollectAll().chunks, 0u);
  world_.ExpectPayloadIsWhole();
  ASSERT_TRUE(world_.Withdraw("acme/api", "2.0").ok());
  world_.Retain("acme", {.keep = RetentionKeep::kOnlyHeld, .collect_withdrawn = true});
  EXPECT_EQ(world_.CollectAll().chunks, 2u) << "both in one pass";
  world_.ExpectNothingElse();
}

TEST_F(CollectorTest, PacksThatAreMostlyDeadAreRepacked) {
  std::vector<Pieces> files;
  for (int i = 0; i < 6; ++i) files.push_back({Piece("f" + std::to_string(i), 1000)});
  for (const Pieces& file : files) ASSERT_TRUE(world_.Upload("acme", file).ok());
  const Pieces large = {Piece("a", 1000), Piece("b", 1000), Piece("c", 1000), Piece("d", 900)};
  ASSERT_TRUE(world_.Publish("acme/api", "1.0", {large}).ok());
  ASSERT_TRUE(world_.Publish("acme/api", "2.0", {{large[0]}}).ok());
  ASSERT_TRUE(world_.Publish("acme/lib", "1.0", {{large[1]}}).ok());
  world_.Retain("acme", kNewestOnly);
  std::vector<uint64_t> packs;
  CollectorOptions options;
  options.repack = [&](std::span<const uint64_t> sparse) {
    packs.insert(packs.end(), sparse.begin(), sparse.end());
    return absl::OkStatus();
  };
  world_.CollectAll(options);
  EXPECT_TRUE(packs.empty()) << "2000 of 3900 bytes live";
  ASSERT_TRUE(world_.Publish("acme/lib", "2.0", {{Piece("e")}}).ok());
  EXPECT_EQ(world_.CollectAll(options).packs_repacked, 1u);
  EXPECT_EQ(packs.size(), 1u);
  world_.ExpectPayloadIsWhole();
}

// attack 28: entries and digest lists are bounded, however much goes.
TEST_F(CollectorTest, ManyVariantsGoInSeveralEntries) {
  const std::string package = "acme/" + std::string(120, 'p');
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(
        world_.PublishDocuments(package, std::to_string(i) + "." + std::string(100, '1'), {}).ok());
  }
  world_.Retain("acme", kNewestOnly);
  const CollectionRecord record = world_.CollectAll();
  EXPECT_EQ(record.variants, 299u);
  EXPECT_EQ(record.entries, Entries().size());
  EXPECT_GT(Entries().size(), 1u);
  for (const PayloadCollected& entry : Entries())
    EXPECT_TRUE(std::ranges::is_sorted(entry.variants));
  EXPECT_TRUE(world_.library().VerifyViews()->differing_keys.empty());
}

}  // namespace
}  // namespace dml
