#include "core/tlog/tile_reader.h"

#include <span>

namespace dml {
namespace {

constexpr ErrorReason kTileInvalid("TILE_INVALID");
// 2 MiB of hashes; the way up to the edge needs eight.
constexpr size_t kMaxInnerTiles = 256;

// The root of the complete subtree over 2^k hashes.
Digest SubtreeRoot(std::span<const Digest> hashes) {
  std::vector<Digest> row(hashes.begin(), hashes.end());
  for (size_t count = row.size(); count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; ++i) row[i] = NodeHash(row[2 * i], row[2 * i + 1]);
  }
  return row[0];
}

absl::Status NotOfRoot(const TileName& name) {
  return DataLoss(kTileInvalid,
                  "{} does not belong to the tree that the checkpoint signs; keep it, and do not "
                  "trust who sent it",
                  FormatTileName(name));
}

}  // namespace

size_t MaxTileBytes(const TileName& name) {
  return name.entries ? name.width * (size_t{2} + 65535) : name.width * Digest::kSize;
}

absl::StatusOr<std::vector<Digest>> TileReader::FetchTile(Place place) {
  const uint32_t width = AvailableWidth(place.level, place.index, size_);
  TileName name{false, place.level, place.index, width};
  absl::StatusOr<std::string> bytes = fetch_(name);
  if (bytes.status().code() == absl::StatusCode::kNotFound && !name.full()) {
    name.width = kTileWidth;
    bytes = fetch_(name);
  }
  DML_RETURN_IF_ERROR(bytes.status());
  DML_ASSIGN_OR_RETURN(std::vector<Digest> hashes, ParseTile(name, *bytes));
  hashes.resize(width);
  return hashes;
}

// Level by level upwards, the last hashes that do not fill a tile: the complete subtrees that the
// tree consists of, each in one of these tiles, are folded into the root from the right.
absl::Status TileReader::EnsureEdge() {
  if (edge_checked_) return absl::OkStatus();
  std::map<Place, Hashes> edge;
  std::vector<Digest> peaks;  // From the right.
  for (uint8_t level = 0; level < kTileLevels; ++level) {
    const uint64_t count = size_ >> (kTileHeight * level);
    const auto width = static_cast<uint32_t>(count % kTileWidth);
    if (width == 0) continue;
    const Place place{level, count / kTileWidth};
    DML_ASSIGN_OR_RETURN(const Hashes hashes, FetchTile(place));
    std::span<const Digest> rest(hashes);
    for (uint32_t peak = 1; peak < kTileWidth; peak *= 2) {
      if ((width & peak) == 0) continue;
      peaks.push_back(SubtreeRoot(rest.last(peak)));
      rest = rest.first(rest.size() - peak);
    }
    edge.emplace(place, hashes);
  }
  Digest root = peaks.empty() ? EmptyRoot() : peaks[0];
  for (size_t i = 1; i < peaks.size(); ++i) root = NodeHash(peaks[i], root);
  if (root != root_) {
    return DataLoss(kTileInvalid,
                    "the tiles at the end of the tree of {} entries lead to root {}, and signed is "
                    "{}; keep them, and do not trust who sent them",
                    size_, root.hex(), root_.hex());
  }
  edge_ = std::move(edge);
  edge_checked_ = true;
  return absl::OkStatus();
}

absl::StatusOr<const TileReader::Hashes*> TileReader::Tile(Place place) {
  DML_RETURN_IF_ERROR(EnsureEdge());
  if (const auto found = edge_.find(place); found != edge_.end()) return &found->second;
  if (const auto found = inner_.find(place); found != inner_.end()) return &found->second;
  // Full, as it is not at the edge; its root is a hash of the tile above.
  const NodeId top{.level = static_cast<uint8_t>(kTileHeight * (place.level + 1)),
                   .index = place.index};
  DML_ASSIGN_OR_RETURN(const Digest expected, Node(top));
  DML_ASSIGN_OR_RETURN(Hashes hashes, FetchTile(place));
  if (SubtreeRoot(hashes) != expected) {
    return NotOfRoot({false, place.level, place.index, kTileWidth});
  }
  if (inner_.size() >= kMaxInnerTiles) inner_.clear();
  return &(inner_[place] = std::move(hashes));
}

absl::StatusOr<Digest> TileReader::Node(NodeId id) {
  if (id.level > 63 || id.index >= size_ >> id.level) {
    return InvalidArgument(ErrorReason("PROOF_RANGE_INVALID"),
                           "the tree of {} entries has no complete node (level {}, index {})",
                           size_, id.level, id.index);
  }
  const auto level = static_cast<uint8_t>(id.level / kTileHeight);
  const int below = id.level % kTileHeight;
  const uint64_t first = id.index << below;
  DML_ASSIGN_OR_RETURN(const Hashes* hashes, Tile({level, first / kTileWidth}));
  return SubtreeRoot(
      std::span<const Digest>(*hashes).subspan(first % kTileWidth, size_t{1} << below));
}

NodeReader TileReader::Nodes() {
  return [this](NodeId id) { return Node(id); };
}

absl::StatusOr<std::vector<std::string>> TileReader::Entries(uint64_t index) {
  TileName name{true, 0, index, AvailableWidth(0, index, size_)};
  if (name.width == 0) {
    return InvalidArgument(ErrorReason("PROOF_RANGE_INVALID"),
                           "the tree of {} entries has no bundle {}", size_, index);
  }
  DML_ASSIGN_OR_RETURN(const Hashes* checked, Tile({0, index}));
  const Hashes hashes = *checked;
  absl::StatusOr<std::string> bytes = fetch_(name);
  if (bytes.status().code() == absl::StatusCode::kNotFound && !name.full()) {
    name.width = kTileWidth;
    bytes = fetch_(name);
  }
  DML_RETURN_IF_ERROR(bytes.status());
  DML_ASSIGN_OR_RETURN(const std::vector<std::string_view> entries, ParseBundle(name, *bytes));
  std::vector<std::string> out;
  out.reserve(hashes.size());
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (LeafHash(AsBytes(entries[i])) != hashes[i]) return NotOfRoot(name);
    out.emplace_back(entries[i]);
  }
  return out;
}

}  // namespace dml
