// Tiles of a log's Merkle tree (c2sp.org/tlog-tiles), 256 hashes wide, and their names.
//
//   tile/<L>/<N>[.p/<W>]         W hashes of 32 bytes: nodes of tree level 8 L, from N * 256 on
//   tile/entries/<N>[.p/<W>]     W entries, each as its length (16 bits, big-endian) and its bytes
//
// <L> is decimal; <N> in groups of three digits, all but the last with an x before: 1234067 is
// x001/x234/067. A tile without .p is full. Every name has one form, and no other is taken: a name
// is read into numbers, never used as a file's. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"

namespace dml {

inline constexpr int kTileHeight = 8;
inline constexpr uint32_t kTileWidth = 1 << kTileHeight;
/// Of hashes: 64 bits of leaves have no more.
inline constexpr uint8_t kTileLevels = 8;
/// What an entry bundle can need at most.
inline constexpr size_t kMaxBundleBytes = size_t{kTileWidth} * (2 + 65535);

struct TileName {
  bool entries = false;  // A bundle of entries; `level` is 0 then.
  uint8_t level = 0;     // Below kTileLevels.
  uint64_t index = 0;
  uint32_t width = kTileWidth;  // 1 to kTileWidth.
  bool full() const { return width == kTileWidth; }
  auto operator<=>(const TileName&) const = default;
};

/// "tile/0/x001/x234/067.p/8".
std::string FormatTileName(const TileName& name);
/// The reverse; nullopt for whatever FormatTileName never writes.
std::optional<TileName> ParseTileName(std::string_view text);

/// How many hashes the tile at that place has in a tree of `size` leaves: 0 to kTileWidth.
uint32_t AvailableWidth(uint8_t level, uint64_t index, uint64_t size);

/// The bytes of a tile of hashes, from stored nodes. NOT_FOUND (TILE_NOT_FOUND) where the tree of
/// `size` leaves has fewer hashes there; the reader's errors.
absl::StatusOr<std::string> MakeTile(const TileName& name, uint64_t size, const NodeReader& nodes);

/// The hashes of a tile of hashes. DATA_LOSS (TILE_INVALID) unless it has just as many as the name
/// says.
absl::StatusOr<std::vector<Digest>> ParseTile(const TileName& name, std::string_view bytes);

/// Adds an entry of at most 65 535 bytes to a bundle.
void AppendToBundle(std::string_view entry, std::string& bundle);

/// The entries of a bundle; they point into `bytes`. DATA_LOSS (TILE_INVALID) unless these are just
/// as many as the name says, with nothing after them.
absl::StatusOr<std::vector<std::string_view>> ParseBundle(const TileName& name,
                                                          std::string_view bytes);

}  // namespace dml
