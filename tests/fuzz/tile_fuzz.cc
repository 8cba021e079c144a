// Names of tiles, tiles and bundles of entries: every name and every bundle has one form. The input
// is a name, or two bytes (width less one, level) and a tile's bytes.
#include "core/tlog/tile.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

bool CheckName(std::string_view input) {
  const std::optional<TileName> name = ParseTileName(input);
  if (!name.has_value()) return false;
  DML_HOLDS(FormatTileName(*name) == input);
  DML_HOLDS(name->level < kTileLevels && (!name->entries || name->level == 0));
  DML_HOLDS(name->width >= 1 && name->width <= kTileWidth);
  // Nothing of it leads elsewhere on whatever disk it is kept.
  DML_HOLDS(input.starts_with("tile/") && input.find("..") == std::string_view::npos);
  return true;
}

bool CheckBundle(const TileName& name, std::string_view bytes) {
  const auto entries = ParseBundle(name, bytes);
  if (!entries.ok()) {
    DML_HOLDS(Reason(entries.status()) == "TILE_INVALID");
    return false;
  }
  DML_HOLDS(entries->size() == name.width && bytes.size() <= kMaxBundleBytes);
  std::string again;
  for (const std::string_view entry : *entries) {
    DML_HOLDS(entry.data() >= bytes.data());
    DML_HOLDS(entry.data() + entry.size() <= bytes.data() + bytes.size());
    AppendToBundle(entry, again);
  }
  DML_HOLDS(again == bytes);
  return true;
}

bool CheckHashes(const TileName& name, std::string_view bytes) {
  const auto hashes = ParseTile(name, bytes);
  DML_HOLDS(hashes.ok() == (bytes.size() == size_t{name.width} * Digest::kSize));
  if (!hashes.ok()) return false;
  std::string again;
  for (const Digest& hash : *hashes) again += hash.raw();
  DML_HOLDS(again == bytes);
  return true;
}

}  // namespace

bool FuzzTile(std::string_view input) {
  const bool name = CheckName(input);
  if (input.size() < 2) return false;
  const auto width = static_cast<uint32_t>(static_cast<uint8_t>(input[0])) + 1;
  const auto level = static_cast<uint8_t>(static_cast<uint8_t>(input[1]) % kTileLevels);
  const std::string_view bytes = input.substr(2);
  const bool bundle = CheckBundle({.entries = true, .level = 0, .index = 7, .width = width}, bytes);
  return CheckHashes({.entries = false, .level = level, .index = 7, .width = width}, bytes) ||
         bundle || name;
}

std::vector<std::string> TileSeeds() {
  std::vector<std::string> out;
  for (const TileName& name : {TileName{false, 0, 1234067, 8}, TileName{false, 7, 0, kTileWidth},
                               TileName{true, 0, 255, kTileWidth}, TileName{true, 0, ~0ull, 1}}) {
    out.push_back(FormatTileName(name));
  }
  std::string bundle;
  for (const std::string_view entry : {"", "an entry", "another"}) AppendToBundle(entry, bundle);
  out.push_back(std::string("\2\0", 2) + bundle);
  out.push_back(std::string("\1\3", 2) + std::string(2 * Digest::kSize, 'h'));
  return out;
}

}  // namespace dml::fuzz
