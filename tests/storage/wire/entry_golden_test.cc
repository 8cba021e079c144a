// The bytes of entries and content records, fixed for ever: they are hashed into the log, or stored
// without ever being written again. Checked in both directions.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/wire/content.h"
#include "core/wire/entry.h"
#include "tests/storage/wire/sample_entries.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

using testing::GoldenText;
using testing::SampleBlob;
using testing::SampleEntry;
using testing::SamplePayloads;

// The bytes in a golden file of hex digits.
std::string GoldenBytes(const std::string& name, const std::string& now) {
  std::string hex = GoldenText("journal/" + name + ".hex", HexEncode(AsBytes(now)) + "\n");
  EXPECT_TRUE(hex.ends_with('\n'));
  std::optional<std::string> bytes = HexDecode(hex.substr(0, hex.size() - 1));
  EXPECT_TRUE(bytes.has_value()) << name;
  return bytes.value_or("");
}

TEST(EntryGoldenTest, EveryKindInBothDirections) {
  const auto payloads = SamplePayloads();
  std::set<std::string_view> kinds;
  for (const auto& [name, payload] : payloads) kinds.insert(EntryKind(payload));
  EXPECT_EQ(kinds.size(), std::variant_size_v<EntryPayload>) << "a kind has no golden file";
  for (const auto& [kind, payload] : payloads) {
    SCOPED_TRACE(kind);
    EXPECT_TRUE(
        EntryKind(payload) == kind || kind == "version_quarantined" || kind == "root_set_moved" ||
        kind == "permit_decided_whole" || kind == "permit_denied" || kind == "policy_set_forced" ||
        kind == "custody_of_copies" || kind == fmt::format("{}_signed", EntryKind(payload)));
    const Entry entry = SampleEntry(payload);
    absl::StatusOr<std::string> encoded = wire::EncodeEntry(entry);
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    const std::string golden = GoldenBytes(kind, *encoded);
    EXPECT_EQ(HexEncode(AsBytes(*encoded)), HexEncode(AsBytes(golden)));
    absl::StatusOr<Entry> decoded = wire::DecodeEntry(golden);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_TRUE(*decoded == entry);
  }
}

TEST(EntryGoldenTest, TheDaemonsOwnEntryWithoutDefaults) {
  Entry entry;
  entry.author = "dmld";
  entry.payload = LibraryCreated{"dml.local/0", ""};
  const std::string encoded = *wire::EncodeEntry(entry);
  EXPECT_EQ(encoded, GoldenBytes("sparse", encoded));
  EXPECT_TRUE(*wire::DecodeEntry(encoded) == entry);
}

TEST(EntryGoldenTest, APayloadDigestCoversThePayloadAlone) {
  const EntryPayload payload = SamplePayloads().at("namespace_created");
  const std::string digest = wire::PayloadDigest(payload).ToString();
  EXPECT_EQ(digest + "\n", GoldenText("journal/payload-digest.txt", digest + "\n"));
}

TEST(ContentGoldenTest, RecordsInBothDirections) {
  const ChunkRecord chunk{70000, FrameCodec::kZstd, 812, Sha256("frame")};
  EXPECT_EQ(wire::Encode(chunk), GoldenBytes("content-chunk", wire::Encode(chunk)));
  EXPECT_TRUE(*wire::DecodeChunkRecord(wire::Encode(chunk)) == chunk);
  const BlobRecord blob{uint64_t{1} << 40, 16777216};
  EXPECT_EQ(wire::Encode(blob), GoldenBytes("content-blob", wire::Encode(blob)));
  EXPECT_TRUE(*wire::DecodeBlobRecord(wire::Encode(blob)) == blob);
  const std::vector<ChunkRef> page = {{Sha256("a"), 16384}, {Sha256("b"), 1}};
  EXPECT_EQ(wire::Encode(page), GoldenBytes("content-chunk-page", wire::Encode(page)));
  EXPECT_TRUE(*wire::DecodeChunkPage(wire::Encode(page)) == page);
  const PartialBlob partial{16385, page};
  EXPECT_EQ(wire::Encode(partial), GoldenBytes("content-partial", wire::Encode(partial)));
  EXPECT_TRUE(*wire::DecodePartialBlob(wire::Encode(partial)) == partial);
}

}  // namespace
}  // namespace dml
