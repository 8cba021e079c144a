#include "core/tlog/tile.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kTileInvalid("TILE_INVALID");
constexpr std::string_view kPrefix = "tile/";
constexpr std::string_view kEntries = "entries";
constexpr std::string_view kPartial = ".p/";
// 2^56 bundles have names of six groups; longer text is none.
constexpr size_t kMaxNameBytes = 64;

// A decimal number below 1000 without leading zeros.
std::optional<uint32_t> ParseSmall(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint32_t out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<uint32_t>(c - '0');
  }
  return out;
}

// Three digits.
std::optional<uint64_t> ParseGroup(std::string_view text) {
  if (text.size() != 3) return std::nullopt;
  uint64_t out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<uint64_t>(c - '0');
  }
  return out;
}

// A first group of zeros before others is another form of the number without it.
std::optional<uint64_t> ParseIndex(std::string_view text) {
  uint64_t out = 0;
  bool first = true;
  while (!text.empty() && text[0] == 'x') {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::optional<uint64_t> group = ParseGroup(text.substr(1, slash - 1));
    if (!group || (first && *group == 0) || out > (UINT64_MAX - *group) / 1000) {
      return std::nullopt;
    }
    out = out * 1000 + *group;
    text.remove_prefix(slash + 1);
    first = false;
  }
  const std::optional<uint64_t> group = ParseGroup(text);
  if (!group || out > (UINT64_MAX - *group) / 1000) return std::nullopt;
  return out * 1000 + *group;
}

std::string FormatIndex(uint64_t index) {
  std::string out = fmt::format("{:03}", index % 1000);
  while ((index /= 1000) != 0) out = fmt::format("x{:03}/", index % 1000) + out;
  return out;
}

}  // namespace

std::string FormatTileName(const TileName& name) {
  const std::string level = name.entries ? std::string(kEntries) : std::to_string(name.level);
  std::string out = fmt::format("{}{}/{}", kPrefix, level, FormatIndex(name.index));
  if (!name.full()) out += fmt::format("{}{}", kPartial, name.width);
  return out;
}

std::optional<TileName> ParseTileName(std::string_view text) {
  if (text.size() > kMaxNameBytes || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  TileName out;
  const std::string_view level = text.substr(0, slash);
  text.remove_prefix(slash + 1);
  out.entries = level == kEntries;
  if (!out.entries) {
    const std::optional<uint32_t> number = ParseSmall(level);
    if (!number || *number >= kTileLevels) return std::nullopt;
    out.level = static_cast<uint8_t>(*number);
  }
  if (const size_t partial = text.find(kPartial); partial != std::string_view::npos) {
    const std::optional<uint32_t> width = ParseSmall(text.substr(partial + kPartial.size()));
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    out.width = *width;
    text = text.substr(0, partial);
  }
  const std::optional<uint64_t> index = ParseIndex(text);
  if (!index) return std::nullopt;
  out.index = *index;
  return out;
}

uint32_t AvailableWidth(uint8_t level, uint64_t index, uint64_t size) {
  if (level >= kTileLevels) return 0;
  const uint64_t count = size >> (kTileHeight * level);
  const uint64_t full = count / kTileWidth;
  if (index < full) return kTileWidth;
  return index == full ? static_cast<uint32_t>(count % kTileWidth) : 0;
}

absl::StatusOr<std::string> MakeTile(const TileName& name, uint64_t size, const NodeReader& nodes) {
  if (name.entries || name.width == 0 ||
      AvailableWidth(name.level, name.index, size) < name.width) {
    return NotFound(ErrorReason("TILE_NOT_FOUND"), "a tree of {} entries has no {}", size,
                    FormatTileName(name));
  }
  std::string out;
  out.reserve(name.width * Digest::kSize);
  for (uint32_t i = 0; i < name.width; ++i) {
    const NodeId id{.level = static_cast<uint8_t>(kTileHeight * name.level),
                    .index = name.index * kTileWidth + i};
    DML_ASSIGN_OR_RETURN(const Digest hash, nodes(id));
    out += hash.raw();
  }
  return out;
}

absl::StatusOr<std::vector<Digest>> ParseTile(const TileName& name, std::string_view bytes) {
  if (bytes.size() != name.width * Digest::kSize) {
    return DataLoss(kTileInvalid, "{} has {} bytes instead of {}; do not trust who sent it",
                    FormatTileName(name), bytes.size(), name.width * Digest::kSize);
  }
  std::vector<Digest> out;
  out.reserve(name.width);
  for (; !bytes.empty(); bytes.remove_prefix(Digest::kSize)) {
    DML_ASSIGN_OR_RETURN(out.emplace_back(), Digest::FromBytes(bytes.substr(0, Digest::kSize)));
  }
  return out;
}

void AppendToBundle(std::string_view entry, std::string& bundle) {
  bundle.push_back(static_cast<char>(entry.size() >> 8));
  bundle.push_back(static_cast<char>(entry.size()));
  bundle += entry;
}

absl::StatusOr<std::vector<std::string_view>> ParseBundle(const TileName& name,
                                                          std::string_view bytes) {
  std::vector<std::string_view> out;
  while (bytes.size() >= 2 && out.size() < name.width) {
    const size_t length =
        static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
    if (bytes.size() - 2 < length) break;
    out.push_back(bytes.substr(2, length));
    bytes.remove_prefix(2 + length);
  }
  if (out.size() != name.width || !bytes.empty()) {
    return DataLoss(kTileInvalid, "{} is not {} entries and nothing else; do not trust who sent it",
                    FormatTileName(name), name.width);
  }
  return out;
}

}  // namespace dml
