// What chunk sizes, codec levels and delta frames make of consecutive releases.
//
// The releases of one thing are cut, hashed and deduplicated as the library does it, compressed at
// each level, and then once more with each new chunk as a delta of the release before where that
// pays (core/content/delta.h). Everything on the calling thread, in memory; nothing is stored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml::bench {

/// A file of a release as the experiment cuts it; `content` belongs to the caller.
struct ReleaseBlob {
  std::string name;
  ByteSpan content;
};
using ReleaseBlobs = std::vector<ReleaseBlob>;

/// zstd levels: of frames that stand alone (made by clients), and of deltas (made in the
/// background).
struct Levels {
  int frame = 3;
  int delta = 3;
};

/// What one way of storing all releases takes.
struct StoredCosts {
  uint64_t frame_bytes = 0;
  uint64_t index_bytes = 0;    // Keys and values of the library's rows about them.
  uint64_t deltas = 0;         // Of the chunks.
  double encode_seconds = 0;   // Of all chunks; of deltas: what they take after that.
  double restore_seconds = 0;  // Decoding the last release, with its digests.
};

struct LevelsResult {
  Levels levels;
  StoredCosts full;
  StoredCosts delta;
};

struct ChunkingResult {
  uint64_t raw_bytes = 0;     // Of all releases.
  uint64_t chunks = 0;        // Different ones.
  uint64_t chunk_places = 0;  // In the chunk lists of all blobs.
  double cut_seconds = 0;     // Cutting and hashing.
  std::vector<LevelsResult> levels;
};

/// With chunks of `average` bytes (ChunkerParams::FromAverage). A blob's predecessor is the blob of
/// the same name in the release before, else the next one there that is nobody's predecessor and
/// has the same file name (folders carry versions). CHUNKER_PARAMS_INVALID; DATA_LOSS
/// (CHUNK_DIGEST_MISMATCH) where the last release is not what comes out again.
absl::StatusOr<ChunkingResult> MeasureChunking(const std::vector<ReleaseBlobs>& releases,
                                               uint32_t average, const std::vector<Levels>& levels);

}  // namespace dml::bench
