// Delta frames: a chunk stored as what differs from another chunk, its base.
//
// A new version's chunk often resembles one of its predecessor's without being equal to it. Such a
// chunk is stored as one zstd frame made with the base's raw bytes as prefix (ZSTD_CCtx_refPrefix:
// raw content, no dictionary id), which obeys every rule for frames (core/content/frame.h).
//
// A base is never itself a delta, so a chunk decodes from two frames at most. Pure functions; any
// thread may call them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

#include "core/content/frame.h"
#include "core/content/records.h"

namespace dml {

/// The delta frame of `raw` upon `base_raw`, each 1 to kMaxChunkBytes bytes; nullopt where it would
/// not be shorter than `raw`. `level` as for EncodeChunk. The frame's window reaches the whole base
/// (both together are at most kMaxFrameWindowBytes).
std::optional<std::string> EncodeDelta(ByteSpan raw, ByteSpan base_raw, int level = 3);

/// The raw bytes of a delta frame. INVALID_ARGUMENT with the reasons of DecodeChunk: the same rules
/// hold for the frame, and a base must have 1 to kMaxChunkBytes bytes.
///
/// The digest of the result is the caller's to check, always: upon another base than the right one
/// a frame either fails here or decodes to other bytes of the same size.
absl::StatusOr<std::string> DecodeDelta(ByteSpan stored, uint32_t raw_size, ByteSpan base_raw);

inline constexpr size_t kMaxBaseCandidates = 3;

/// A chunk of the version before, as it is stored.
struct PredecessorChunk {
  ChunkRef chunk;
  std::optional<Digest> base;  // Where it is stored as a delta: its base.
  bool operator==(const PredecessorChunk&) const = default;
};

/// For each chunk of `new_list`: the chunks to try as its base, the likeliest first, at most
/// kMaxBaseCandidates; none where `old_list` has the chunk itself or is empty. The lists are those
/// of a blob and of its predecessor, in order. Only digests and sizes are looked at, so the answer
/// is a guess, for EncodeBestDelta to try.
///
/// Depth one: for an old chunk that is a delta itself, its base is the candidate. Chunks drift away
/// from that base version by version, until a delta does not pay; then one is kept in full, and is
/// the base of what comes after it.
///
/// How: chunks that occur once in each list are anchors, as far as they are in the same order in
/// both (the longest such chain). A new chunk lies at some distance from the nearer of the anchors
/// around it; the old chunk at the same distance from that anchor is the first candidate, its
/// neighbors are the others. O(n log n) in time and O(n) in memory for n chunks in both lists.
std::vector<std::vector<Digest>> ChooseBases(std::span<const PredecessorChunk> old_list,
                                             std::span<const ChunkRef> new_list);

/// A chunk as a delta.
struct Delta {
  Digest base;
  std::string frame;
};

/// The raw bytes of a stored chunk.
using LoadRawChunk = absl::FunctionRef<absl::StatusOr<std::string>(const Digest& chunk)>;

/// The delta of `raw` to keep instead of its frame of `full_size` bytes (what EncodeChunk stores),
/// or nullopt where none pays. Tries the candidates in order until a delta is below a quarter of
/// full_size, and takes the shortest. It pays below three fifths: a longer one saves little for a
/// second frame to read, and a chunk that is kept in full becomes the base of later ones, which
/// resemble it more (figures: docs/adr/0006-chunk-size-and-delta-frames.md). Errors of `load`,
/// which is called for one candidate after another; no candidate may be a delta.
absl::StatusOr<std::optional<Delta>> EncodeBestDelta(ByteSpan raw, size_t full_size,
                                                     std::span<const Digest> candidates,
                                                     LoadRawChunk load, int level);

}  // namespace dml
