// Reading a log from tiles of somebody who need not be trusted.
//
// The tiles at the right edge of the tree together hold exactly the hashes that its root is made
// of: they count once they lead to the signed root. Every other tile is full, and counts once it
// leads to its one hash in the tile above. So no byte of an answer is used that the root does not
// vouch for, and nothing else in it is looked at.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/tlog/tile.h"

namespace dml {

/// One thread at a time. Keeps the tiles of hashes that it has checked, up to a bound.
class TileReader {
 public:
  /// Fetches a tile's bytes. NOT_FOUND for one that is not there: for a partial one the full one is
  /// tried then, as a log may drop partial tiles. Must bound what it takes in by MaxTileBytes.
  using Fetch = std::function<absl::StatusOr<std::string>(const TileName&)>;

  /// A tree whose size and root somebody trusted has signed.
  TileReader(uint64_t size, const Digest& root, Fetch fetch)
      : size_(size), root_(root), fetch_(std::move(fetch)) {}

  uint64_t size() const { return size_; }

  /// A node of a complete subtree within the tree. INVALID_ARGUMENT (PROOF_RANGE_INVALID) for
  /// another; DATA_LOSS (TILE_INVALID) where the tiles do not lead to the root; errors of `fetch`.
  absl::StatusOr<Digest> Node(NodeId id);
  /// Node, for the functions of core/merkle. Must not outlive the reader.
  NodeReader Nodes();

  /// The entries of bundle `index` within the tree: up to kTileWidth, exact bytes. Errors as Node.
  absl::StatusOr<std::vector<std::string>> Entries(uint64_t index);

 private:
  struct Place {
    uint8_t level = 0;
    uint64_t index = 0;
    auto operator<=>(const Place&) const = default;
  };
  using Hashes = std::vector<Digest>;

  absl::StatusOr<std::vector<Digest>> FetchTile(Place place);
  absl::Status EnsureEdge();
  absl::StatusOr<const Hashes*> Tile(Place place);

  const uint64_t size_;
  const Digest root_;
  const Fetch fetch_;
  bool edge_checked_ = false;
  std::map<Place, Hashes> edge_;
  std::map<Place, Hashes> inner_;
};

/// The most that a tile of this name can have.
size_t MaxTileBytes(const TileName& name);

}  // namespace dml
