#include "core/tlog/tile_reader.h"

#include <set>

#include <gtest/gtest.h>

namespace dml {
namespace {

// A log in memory, and what of it was asked for.
class TiledLog {
 public:
  explicit TiledLog(uint64_t size, std::string_view word = "entry") {
    for (uint64_t i = 0; i < size; ++i) {
      entries_.push_back(fmt::format("{} {}", word, i));
      tree_.Append(LeafHash(AsBytes(entries_.back())),
                   [&](NodeId id, const Digest& hash) { nodes_[id] = hash; });
    }
  }

  NodeReader Nodes() const {
    return [this](NodeId id) -> absl::StatusOr<Digest> { return nodes_.at(id); };
  }
  absl::StatusOr<std::string> Serve(const TileName& name) const {
    if (!name.entries) return MakeTile(name, size(), Nodes());
    std::string out;
    if (AvailableWidth(0, name.index, size()) < name.width) {
      return NotFound(ErrorReason("TILE_NOT_FOUND"), "none");
    }
    for (uint32_t i = 0; i < name.width; ++i) {
      AppendToBundle(entries_[name.index * kTileWidth + i], out);
    }
    return out;
  }
  TileReader Reader(TileReader::Fetch fetch) const { return TileReader(size(), root(), fetch); }
  TileReader Reader() const {
    return Reader([this](const TileName& name) { return Serve(name); });
  }
  uint64_t size() const { return entries_.size(); }
  Digest root() const { return tree_.Root(); }
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  std::vector<std::string> entries_;
  TreeAppender tree_;
  std::map<NodeId, Digest> nodes_;
};

// Reads all that there is; the first error.
absl::Status ReadAll(TileReader& reader, std::vector<std::string>* entries = nullptr) {
  for (uint64_t i = 0; i * kTileWidth < reader.size(); ++i) {
    DML_ASSIGN_OR_RETURN(std::vector<std::string> bundle, reader.Entries(i));
    if (entries != nullptr) entries->insert(entries->end(), bundle.begin(), bundle.end());
  }
  return absl::OkStatus();
}

TEST(TileReaderTest, ReadsTreesOfEverySize) {
  for (uint64_t size : {1, 2, 3, 255, 256, 257, 511, 512, 700, 65535, 65536, 65537, 66000}) {
    const TiledLog log(size);
    TileReader reader = log.Reader();
    std::vector<std::string> entries;
    const absl::Status read = ReadAll(reader, &entries);
    ASSERT_TRUE(read.ok()) << size << read;
    EXPECT_EQ(entries, log.entries());
  }
}

TEST(TileReaderTest, ProofsFromTilesAreThoseFromNodes) {
  const TiledLog log(66000);
  TileReader reader = log.Reader();
  for (uint64_t at : {0, 1, 255, 256, 40000, 65535, 65536, 65999}) {
    EXPECT_EQ(*InclusionProof(at, log.size(), reader.Nodes()),
              *InclusionProof(at, log.size(), log.Nodes()));
    EXPECT_EQ(*ConsistencyProof(at + 1, log.size(), reader.Nodes()),
              *ConsistencyProof(at + 1, log.size(), log.Nodes()));
    EXPECT_EQ(*RootHash(at + 1, reader.Nodes()), *RootHash(at + 1, log.Nodes()));
  }
  EXPECT_EQ(Reason(reader.Node({0, 66000}).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(reader.Node({17, 0}).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(reader.Node({64, 0}).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(reader.Entries(258).status()), "PROOF_RANGE_INVALID");
}

TEST(TileReaderTest, AnEmptyTreeHasTheEmptyRootAndNothingElse) {
  TileReader reader = TiledLog(0).Reader();
  EXPECT_EQ(Reason(reader.Entries(0).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(reader.Node({0, 0}).status()), "PROOF_RANGE_INVALID");
}

TEST(TileReaderTest, TakesAFullTileForAPartialOneThatIsGone) {
  const TiledLog longer(1000);
  const TiledLog log(700);
  TileReader reader = log.Reader([&](const TileName& name) -> absl::StatusOr<std::string> {
    if (!name.full() && name.index < 3 && name.level == 0) {
      return NotFound(ErrorReason("TILE_NOT_FOUND"), "dropped");
    }
    return longer.Serve(name);
  });
  std::vector<std::string> entries;
  ASSERT_TRUE(ReadAll(reader, &entries).ok());
  EXPECT_EQ(entries, log.entries());
}

// attack 1
TEST(TileReaderTest, EveryHashOfEveryTileIsChecked) {
  const TiledLog log(66000);  // Three levels of tiles, and an edge in each.
  std::set<TileName> served;
  TileReader honest = log.Reader([&](const TileName& name) {
    if (!name.entries) served.insert(name);
    return log.Serve(name);
  });
  // Two tiles of level 0, the edge, and the way up: all that one entry of each needs.
  ASSERT_TRUE(honest.Entries(0).ok());
  ASSERT_TRUE(honest.Entries(257).ok());
  ASSERT_EQ(served.size(), 5u);
  for (const TileName& target : served) {
    for (uint32_t at = 0; at < target.width; ++at) {
      TileReader reader = log.Reader([&](const TileName& name) -> absl::StatusOr<std::string> {
        DML_ASSIGN_OR_RETURN(std::string bytes, log.Serve(name));
        if (name == target) bytes[at * Digest::kSize + at % Digest::kSize] ^= 1;
        return bytes;
      });
      const absl::Status first = reader.Entries(0).status();
      const absl::Status last = reader.Entries(257).status();
      ASSERT_TRUE(Reason(first) == "TILE_INVALID" || Reason(last) == "TILE_INVALID")
          << FormatTileName(target) << " hash " << at;
    }
  }
}

// attack 1
TEST(TileReaderTest, ForgedTilesThatVouchForEachOtherAreRefused) {
  const TiledLog log(66000);
  const TiledLog forged(66000, "forged");
  // The forged tiles fit each other, and the honest edge is all that they do not fit.
  TileReader reader =
      log.Reader([&](const TileName& name) { return (name.full() ? forged : log).Serve(name); });
  EXPECT_EQ(Reason(reader.Entries(0).status()), "TILE_INVALID");
  EXPECT_TRUE(reader.Entries(257).ok());
  TileReader of_forged(log.size(), log.root(),
                       [&](const TileName& name) { return forged.Serve(name); });
  EXPECT_EQ(Reason(of_forged.Entries(257).status()), "TILE_INVALID");
}

TEST(TileReaderTest, AnEntryThatWasChangedAddedOrRemovedIsRefused) {
  const TiledLog log(600);
  for (int change = 0; change < 4; ++change) {
    TileReader reader = log.Reader([&](const TileName& name) -> absl::StatusOr<std::string> {
      DML_ASSIGN_OR_RETURN(std::string bytes, log.Serve(name));
      if (!name.entries || name.index != 1) return bytes;
      if (change == 0) bytes[2] ^= 1;                       // Another entry.
      if (change == 1) AppendToBundle("entry 512", bytes);  // One more.
      if (change == 2) bytes = bytes.substr(2 + bytes[1]);  // One removed.
      if (change == 3) {                                    // One in the place of another.
        const std::string first = bytes.substr(0, 2 + bytes[1]);
        bytes = bytes.substr(first.size()) + first;
      }
      return bytes;
    });
    EXPECT_TRUE(reader.Entries(0).ok());
    EXPECT_EQ(Reason(reader.Entries(1).status()), "TILE_INVALID") << change;
  }
}

TEST(TileReaderTest, ErrorsOfTheSourceAreNoVerdict) {
  const TiledLog log(600);
  TileReader reader = log.Reader([&](const TileName&) -> absl::StatusOr<std::string> {
    return Unavailable(ErrorReason("SERVER_UNAVAILABLE"), "not now");
  });
  EXPECT_EQ(Reason(reader.Entries(0).status()), "SERVER_UNAVAILABLE");
}

TEST(TileReaderTest, ALogOfAHundredThousandEntriesIsReadInBoundedMemory) {
  const TiledLog log(100000);
  size_t fetched = 0;
  TileReader reader = log.Reader([&](const TileName& name) {
    ++fetched;
    return log.Serve(name);
  });
  std::vector<std::string> entries;
  ASSERT_TRUE(ReadAll(reader, &entries).ok());
  EXPECT_EQ(entries, log.entries());
  // Each bundle and each tile once; the way up again after each time that memory was made free.
  EXPECT_LE(fetched, 2 * 391u + 16);
}

}  // namespace
}  // namespace dml
