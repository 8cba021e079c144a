// The bytes of what collection, scrub and retention remember. Checked in both directions.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/crypto/sha256.h"
#include "core/wire/entry.h"
#include "core/wire/upkeep.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

std::string GoldenHex(const std::string& name, const std::string& bytes) {
  const std::string hex = HexEncode(AsBytes(bytes)) + "\n";
  EXPECT_EQ(hex, testing::GoldenText("journal/" + name + ".hex", hex));
  return bytes;
}

TEST(UpkeepGoldenTest, ACollectionInBothDirections) {
  CollectionRecord record;
  record.phase = CollectionPhase::kVisibleChunks;
  record.from = 0x8000000000000001;
  record.author = "spiffe://dml.test/principals/ann";
  record.start_time = FromMicros(1767225600000001);
  record.finish_time = FromMicros(1767225500000002);
  record.leases_end_time = FromMicros(1767225700000003);
  uint64_t n = 100;
  for (uint64_t* count :
       {&record.entries, &record.variants, &record.variant_bytes, &record.partials,
        &record.visible_blobs, &record.blobs, &record.visible_chunks, &record.chunks,
        &record.chunk_bytes, &record.packs, &record.pack_bytes, &record.packs_repacked,
        &record.held}) {
    *count = ++n;
  }
  const std::string bytes = GoldenHex("upkeep-collection", wire::Encode(record));
  EXPECT_TRUE(wire::DecodeCollectionRecord(bytes).value() == record);
  EXPECT_TRUE(wire::DecodeCollectionRecord(wire::Encode(CollectionRecord())).value() ==
              CollectionRecord());
}

TEST(UpkeepGoldenTest, AScrubInBothDirections) {
  ScrubRecord record;
  record.cursor = Sha256("cursor");
  record.running = true;
  record.start_time = FromMicros(1767225600000001);
  record.finish_time = FromMicros(1767225500000002);
  record.chunks = 101;
  record.bytes = 102;
  record.damaged_count = 3;
  record.damaged = {{Sha256("a"), std::nullopt, {"packages/acme/api/versions/1.0/variants/any"}},
                    {Sha256("b"), Sha256("a"), {}}};
  const std::string bytes = GoldenHex("upkeep-scrub", wire::Encode(record));
  EXPECT_TRUE(wire::DecodeScrubRecord(bytes).value() == record);
  EXPECT_TRUE(wire::DecodeScrubRecord(wire::Encode(ScrubRecord())).value() == ScrubRecord());
}

TEST(UpkeepGoldenTest, ARetentionPolicyInBothDirections) {
  const RetentionRecord record{
      "acme",
      {RetentionKeep::kMatching, 5, std::chrono::days(90), true, std::chrono::days(30)},
      17,
      FromMicros(1767225600000001),
      "ann"};
  const std::string bytes = GoldenHex("record-retention", wire::Encode(record));
  EXPECT_TRUE(wire::Decode<RetentionRecord>(bytes).value() == record);
}

TEST(UpkeepGoldenTest, WhatIsNotKnownIsRefused) {
  EXPECT_EQ(Reason(wire::DecodeCollectionRecord("").status()), "RECORD_INVALID") << "no phase";
  for (const char* damaged : {"\xff", "\x08\x63"}) {
    EXPECT_TRUE(absl::IsDataLoss(wire::DecodeCollectionRecord(damaged).status()));
  }
  EXPECT_TRUE(absl::IsDataLoss(wire::DecodeScrubRecord("\xff").status()));
}

}  // namespace
}  // namespace dml
