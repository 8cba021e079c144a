#include "core/tlog/tile.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

// The names of c2sp.org/tlog-tiles and of the layout's corners.
TEST(TileNameTest, HasOneFormInBothDirections) {
  const std::pair<TileName, std::string> kNames[] = {
      {{false, 0, 0, 256}, "tile/0/000"},
      {{false, 0, 999, 256}, "tile/0/999"},
      {{false, 0, 1000, 256}, "tile/0/x001/000"},
      {{false, 1, 1234067, 256}, "tile/1/x001/x234/067"},
      {{false, 7, 0, 1}, "tile/7/000.p/1"},
      {{false, 2, 273, 255}, "tile/2/273.p/255"},
      {{true, 0, 0, 256}, "tile/entries/000"},
      {{true, 0, 1234067, 8}, "tile/entries/x001/x234/067.p/8"},
      {{true, 0, UINT64_MAX, 10}, "tile/entries/x018/x446/x744/x073/x709/x551/615.p/10"},
  };
  for (const auto& [name, text] : kNames) {
    EXPECT_EQ(FormatTileName(name), text);
    ASSERT_TRUE(ParseTileName(text).has_value()) << text;
    EXPECT_EQ(*ParseTileName(text), name) << text;
  }
}

// attack 34
TEST(TileNameTest, NothingElseIsAName) {
  const std::string_view kOther[] = {
      "",
      "tile",
      "tile/",
      "tile//000",
      "/tile/0/000",
      "tile/0/000/",
      "tile/0/",
      "tile/0/0",
      "tile/0/00",
      "tile/0/0000",
      "tile/0/x000/001",
      "tile/0/x000/x000/001",
      "tile/0/001/000",
      "tile/0/x001",
      "tile/0/x001/",
      "tile/0/x001/x002",
      "tile/0/X001/000",
      "tile/0/xx01/000",
      "tile/00/000",
      "tile/01/000",
      "tile/8/000",
      "tile/63/000",
      "tile/64/000",
      "tile/-1/000",
      "tile/+1/000",
      "tile/0/-01",
      "tile/0/000.p",
      "tile/0/000.p/",
      "tile/0/000.p/0",
      "tile/0/000.p/00",
      "tile/0/000.p/01",
      "tile/0/000.p/256",
      "tile/0/000.p/1000",
      "tile/0/000.p/-1",
      "tile/0/000.p/1.p/1",
      "tile/0/000.p/1/",
      "tile/entries",
      "tile/entries/",
      "tile/Entries/000",
      "tile/entries/000.p/256",
      "tile/data/000",
      "tile/0/../../checkpoint",
      "tile/0/%2e%2e",
      "tile/..%2F..%2Fetc/passwd",
      "tile/%30/000",
      "tile/0/000?x",
      "tile/0/000#",
      "tile/0/000;",
      "tile\\0\\000",
      "tile/0/\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90",  // Fullwidth digits.
      "tile/0/x018/x446/x744/x073/x709/x551/616",     // 2^64.
      "tile/0/x999/x999/x999/x999/x999/x999/999",
      std::string_view("tile/0/00\0", 10),
      std::string_view("tile/0/000\0", 11),
  };
  for (std::string_view text : kOther) EXPECT_FALSE(ParseTileName(text).has_value()) << text;
  std::string long_name = "tile/0/";
  for (int i = 0; i < 100000; ++i) long_name += "x001/";
  EXPECT_FALSE(ParseTileName(long_name + "000").has_value());
}

// Whatever is changed in a good name is another good name in its one form, or none.
TEST(TileNameTest, WhatIsReadIsWhatWouldBeWritten) {
  for (std::string_view name : {"tile/1/x001/x234/067.p/25", "tile/entries/x018/446.p/8"}) {
    for (size_t at = 0; at <= name.size(); ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string changed(name);
        if (at < name.size()) changed[at] = static_cast<char>(c);
        std::string longer(name);
        longer.insert(at, 1, static_cast<char>(c));
        for (const std::string& text : {changed, longer}) {
          const std::optional<TileName> read = ParseTileName(text);
          if (read) EXPECT_EQ(FormatTileName(*read), text);
        }
      }
    }
  }
}

TEST(TileTest, WidthFollowsFromTheTree) {
  EXPECT_EQ(AvailableWidth(0, 0, 0), 0u);
  EXPECT_EQ(AvailableWidth(0, 0, 255), 255u);
  EXPECT_EQ(AvailableWidth(0, 0, 256), 256u);
  EXPECT_EQ(AvailableWidth(0, 1, 256), 0u);
  EXPECT_EQ(AvailableWidth(1, 0, 255), 0u);
  EXPECT_EQ(AvailableWidth(1, 0, 70000), 256u);
  EXPECT_EQ(AvailableWidth(1, 1, 70000), 17u);
  EXPECT_EQ(AvailableWidth(2, 0, 70000), 1u);
  EXPECT_EQ(AvailableWidth(0, UINT64_MAX / 256, UINT64_MAX), 255u);
  EXPECT_EQ(AvailableWidth(7, 0, UINT64_MAX), 255u);
  EXPECT_EQ(AvailableWidth(8, 0, UINT64_MAX), 0u);
  EXPECT_EQ(AvailableWidth(0, UINT64_MAX, UINT64_MAX), 0u);
}

TEST(TileTest, HoldsTheNodesOfItsLevelAndNoneBeyondTheTree) {
  const NodeReader nodes = [](NodeId id) -> absl::StatusOr<Digest> {
    return Sha256(fmt::format("{} {}", id.level, id.index));
  };
  const TileName name{false, 1, 1, 17};
  const absl::StatusOr<std::string> tile = MakeTile(name, 70000, nodes);
  ASSERT_TRUE(tile.ok()) << tile.status();
  const auto hashes = ParseTile(name, *tile);
  ASSERT_TRUE(hashes.ok());
  ASSERT_EQ(hashes->size(), 17u);
  EXPECT_EQ((*hashes)[16], Sha256("8 272"));
  EXPECT_EQ(Reason(MakeTile({false, 1, 1, 18}, 70000, nodes).status()), "TILE_NOT_FOUND");
  EXPECT_EQ(Reason(MakeTile({false, 1, 1, 256}, 70000, nodes).status()), "TILE_NOT_FOUND");
  EXPECT_EQ(Reason(MakeTile({true, 0, 0, 1}, 70000, nodes).status()), "TILE_NOT_FOUND");
}

// attack 2
TEST(TileTest, TakesNoByteMoreOrLess) {
  const TileName name{false, 0, 0, 2};
  EXPECT_TRUE(ParseTile(name, std::string(64, 'a')).ok());
  for (size_t size : {0, 1, 32, 63, 65, 96, 8192}) {
    EXPECT_EQ(Reason(ParseTile(name, std::string(size, 'a')).status()), "TILE_INVALID") << size;
  }
}

// attack 2
TEST(BundleTest, HoldsJustItsEntries) {
  std::string bundle;
  const std::string kEntries[] = {"", "one", std::string(65535, 'x')};
  for (const std::string& entry : kEntries) AppendToBundle(entry, bundle);
  const TileName name{true, 0, 0, 3};
  const auto read = ParseBundle(name, bundle);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*read)[i], kEntries[i]);
  EXPECT_EQ(bundle.substr(2, 2), std::string("\0\3", 2));

  EXPECT_EQ(Reason(ParseBundle({true, 0, 0, 2}, bundle).status()), "TILE_INVALID");
  EXPECT_EQ(Reason(ParseBundle({true, 0, 0, 4}, bundle).status()), "TILE_INVALID");
  for (const std::string& extra : {std::string("\0\0", 2), std::string("\n"), std::string("x")}) {
    EXPECT_EQ(Reason(ParseBundle(name, bundle + extra).status()), "TILE_INVALID");
  }
  for (size_t cut : {size_t{1}, size_t{2}, size_t{4}, bundle.size() - 1}) {
    EXPECT_EQ(Reason(ParseBundle(name, bundle.substr(0, cut)).status()), "TILE_INVALID") << cut;
  }
}

}  // namespace
}  // namespace dml
