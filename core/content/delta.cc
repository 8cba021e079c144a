#include "core/content/delta.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <zstd.h>

#include <absl/container/flat_hash_map.h>

#include "core/content/zstd_context.h"

namespace dml {
namespace {

constexpr ErrorReason kFrameInvalid("CHUNK_FRAME_INVALID");
constexpr int kLeastWindowLog = 10;  // ZSTD_WINDOWLOG_MIN.

// A chunk of the old list and one of the new list that are taken for each other, by position.
struct Pair {
  size_t old_at = 0;
  size_t new_at = 0;
};

// The longest chain that rises in both lists. `pairs` rise in new_at. Patience sorting.
std::vector<Pair> LongestChain(const std::vector<Pair>& pairs) {
  std::vector<size_t> tops;                            // Index of the last pair of each length.
  std::vector<size_t> before(pairs.size(), SIZE_MAX);  // The pair before it in its chain.
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto at =
        std::lower_bound(tops.begin(), tops.end(), pairs[i].old_at,
                         [&](size_t top, size_t old_at) { return pairs[top].old_at < old_at; });
    if (at != tops.begin()) before[i] = *(at - 1);
    if (at == tops.end()) {
      tops.push_back(i);
    } else {
      *at = i;
    }
  }
  std::vector<Pair> chain;
  for (size_t i = tops.empty() ? SIZE_MAX : tops.back(); i != SIZE_MAX; i = before[i]) {
    chain.push_back(pairs[i]);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// Where a chunk lies in the old list, and how often in both.
struct Place {
  size_t old_at = 0;
  size_t old_count = 0;
  size_t new_count = 0;
};
// absl's hash is salted: nobody can choose chunks that collide in it.
using Places = absl::flat_hash_map<Digest, Place>;

Places PlacesOf(std::span<const PredecessorChunk> old_list, std::span<const ChunkRef> new_list) {
  Places places;
  places.reserve(old_list.size());
  for (size_t i = 0; i < old_list.size(); ++i) {
    Place& place = places[old_list[i].chunk.digest];
    place.old_at = i;
    ++place.old_count;
  }
  for (const ChunkRef& chunk : new_list) {
    if (auto found = places.find(chunk.digest); found != places.end()) ++found->second.new_count;
  }
  return places;
}

// The anchors, and behind them the ends of both lists as one more.
std::vector<Pair> Anchors(const Places& places, size_t old_size,
                          std::span<const ChunkRef> new_list) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < new_list.size(); ++i) {
    auto found = places.find(new_list[i].digest);
    if (found == places.end()) continue;
    const Place& place = found->second;
    if (place.old_count == 1 && place.new_count == 1) pairs.push_back({place.old_at, i});
  }
  std::vector<Pair> anchors = LongestChain(pairs);
  anchors.push_back({old_size, new_list.size()});
  return anchors;
}

// Where each chunk begins, and behind them the end of the last.
template <typename List, typename SizeOf>
std::vector<uint64_t> Offsets(const List& list, const SizeOf& size_of) {
  std::vector<uint64_t> offsets = {0};
  offsets.reserve(list.size() + 1);
  for (const auto& chunk : list) offsets.push_back(offsets.back() + size_of(chunk));
  return offsets;
}

// Guesses positions by distances from anchors.
class Aligner {
 public:
  Aligner(std::span<const PredecessorChunk> old_list, std::span<const ChunkRef> new_list)
      : old_offsets_(Offsets(old_list, [](const auto& old) { return old.chunk.size; })),
        new_offsets_(Offsets(new_list, [](const auto& chunk) { return chunk.size; })) {}

  // The old chunk in which the middle of new chunk `at` would lie, and then its neighbors, the
  // nearer first. `before` and `after` are the positions behind the anchor before it and of the
  // anchor after it.
  std::vector<size_t> Guess(size_t at, const Pair& before, const Pair& after) const {
    const uint64_t middle = (new_offsets_[at] + new_offsets_[at + 1]) / 2;
    const uint64_t from_before = middle - new_offsets_[before.new_at];
    const uint64_t from_after = new_offsets_[after.new_at] - middle;
    uint64_t offset = old_offsets_[before.old_at] + from_before;
    if (from_after < from_before) {
      const uint64_t end = old_offsets_[after.old_at];
      offset = end - std::min(end, from_after);
    }
    const auto next = std::upper_bound(old_offsets_.begin(), old_offsets_.end() - 1, offset);
    const auto position = static_cast<size_t>(next - old_offsets_.begin()) - 1;
    const bool upper_half =
        offset - old_offsets_[position] > (old_offsets_[position + 1] - old_offsets_[position]) / 2;
    std::vector<size_t> guesses = {position};
    for (const bool up : {upper_half, !upper_half}) {
      if (up && position + 2 < old_offsets_.size()) guesses.push_back(position + 1);
      if (!up && position > 0) guesses.push_back(position - 1);
    }
    return guesses;
  }

 private:
  const std::vector<uint64_t> old_offsets_;
  const std::vector<uint64_t> new_offsets_;
};

}  // namespace

std::optional<std::string> EncodeDelta(ByteSpan raw, ByteSpan base_raw, int level) {
  ZSTD_CCtx* context = ThreadCompressor();
  const auto window_log =
      std::max(kLeastWindowLog, static_cast<int>(std::bit_width(raw.size() + base_raw.size() - 1)));
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  // Match finders of low levels forget the far end of a long base; this one does not.
  ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_refPrefix(context, base_raw.data(), base_raw.size());
  const size_t size = ZSTD_compress2(context, frame.data(), frame.size(), raw.data(), raw.size());
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  if (ZSTD_isError(size) || size >= raw.size()) return std::nullopt;
  return frame.substr(0, size);
}

absl::StatusOr<std::string> DecodeDelta(ByteSpan stored, uint32_t raw_size, ByteSpan base_raw) {
  DML_RETURN_IF_ERROR(CheckFrame(stored, raw_size));
  if (base_raw.empty() || base_raw.size() > kMaxChunkBytes) {
    return InvalidArgument(kFrameInvalid, "the base of a delta has {} bytes; a chunk has 1 to {}",
                           base_raw.size(), kMaxChunkBytes);
  }
  ZSTD_DCtx* context = ThreadDecompressor();
  std::string raw(raw_size, '\0');
  ZSTD_DCtx_refPrefix(context, base_raw.data(), base_raw.size());
  const size_t size =
      ZSTD_decompressDCtx(context, raw.data(), raw.size(), stored.data(), stored.size());
  ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters);
  if (ZSTD_isError(size)) {
    return InvalidArgument(kFrameInvalid,
                           "the delta frame of {} bytes does not decompress upon its base: {}",
                           stored.size(), ZSTD_getErrorName(size));
  }
  if (size != raw_size) {
    return InvalidArgument(kFrameInvalid, "the delta frame decompresses to {} bytes, not {}", size,
                           raw_size);
  }
  return raw;
}

std::vector<std::vector<Digest>> ChooseBases(std::span<const PredecessorChunk> old_list,
                                             std::span<const ChunkRef> new_list) {
  std::vector<std::vector<Digest>> bases(new_list.size());
  if (old_list.empty()) return bases;
  const Places places = PlacesOf(old_list, new_list);
  const std::vector<Pair> anchors = Anchors(places, old_list.size(), new_list);
  const Aligner aligner(old_list, new_list);
  auto after = anchors.begin();
  Pair before;
  for (size_t i = 0; i < new_list.size(); ++i) {
    if (i == after->new_at) {
      before = {after->old_at + 1, after->new_at + 1};
      ++after;
    }
    if (places.contains(new_list[i].digest)) continue;
    for (const size_t position : aligner.Guess(i, before, *after)) {
      const PredecessorChunk& old = old_list[position];
      const Digest& base = old.base ? *old.base : old.chunk.digest;
      const bool known = std::find(bases[i].begin(), bases[i].end(), base) != bases[i].end();
      if (!known && base != new_list[i].digest) bases[i].push_back(base);
    }
  }
  return bases;
}

absl::StatusOr<std::optional<Delta>> EncodeBestDelta(ByteSpan raw, size_t full_size,
                                                     std::span<const Digest> candidates,
                                                     LoadRawChunk load, int level) {
  const size_t pays_below = full_size - full_size * 2 / 5;
  const size_t good_below = full_size / 4;
  std::optional<Delta> best;
  for (const Digest& base : candidates) {
    DML_ASSIGN_OR_RETURN(const std::string base_raw, load(base));
    std::optional<std::string> frame = EncodeDelta(raw, AsBytes(base_raw), level);
    if (!frame || frame->size() >= (best ? best->frame.size() : pays_below)) continue;
    best = Delta{base, *std::move(frame)};
    if (best->frame.size() < good_below) break;
  }
  return best;
}

}  // namespace dml
