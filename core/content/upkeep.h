// What collection and scrub remember from step to step, across restarts, and what is stored:
// values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"

namespace dml {

/// The steps of a collection, in order. Numbers are part of a stored format.
enum class CollectionPhase : uint8_t {
  kDecide = 1,         // Which variants' payload goes: entries.
  kPartials = 2,       // Plain uploads that nobody goes on with.
  kVisibleBlobs = 3,   // Blobs that no kept variant of their namespace names.
  kBlobs = 4,          // Chunk lists of blobs that no namespace sees any more.
  kVisibleChunks = 5,  // Chunks that no blob of their namespace is made of.
  kDeltas = 6,         // Delta frames that nothing refers to.
  kChunks = 7,         // All frames that nothing refers to, bases of deltas included.
  kPacks = 8,          // Packs without a live frame.
  kDone = 9,
};

/// A pass of the collector: the one under way, else the last one. Counts go on where a pass that
/// was interrupted does.
struct CollectionRecord {
  CollectionPhase phase = CollectionPhase::kDone;
  uint64_t from = 0;  // In a phase that goes along digests: the first 8 bytes that are not done.
  std::string author;
  Timestamp start_time{};
  Timestamp finish_time{};      // Of the last pass that came to its end; 1970 for none.
  Timestamp leases_end_time{};  // Where the sweep has to wait for leases of an earlier process.

  uint64_t entries = 0;
  uint64_t variants = 0;       // Whose payload was let go,
  uint64_t variant_bytes = 0;  // and its size, whether other variants share it or not.
  uint64_t partials = 0;
  uint64_t visible_blobs = 0;
  uint64_t blobs = 0;
  uint64_t visible_chunks = 0;
  uint64_t chunks = 0;
  uint64_t chunk_bytes = 0;  // Of their frames; those in packs are freed with their pack.
  uint64_t packs = 0;        // Dropped,
  uint64_t pack_bytes = 0;   // with so many bytes of frames.
  uint64_t packs_repacked = 0;
  uint64_t held = 0;  // Rows that nothing refers to, but that are leased or young.
  bool operator==(const CollectionRecord&) const = default;
};

/// A pass that stores better what is stored: the one under way, else the last one.
struct RepackRecord {
  Timestamp start_time{};          // 1970: none since the daemon's start.
  Timestamp finish_time{};         // 1970: it has not come to its end.
  uint64_t folded_chunks = 0;      // From rows of their own into packs.
  uint64_t folded_bytes = 0;       // Of frames, like all bytes here.
  uint64_t deltas = 0;             // Chunks that became deltas,
  uint64_t delta_bytes = 0;        // now of so many bytes,
  uint64_t delta_bytes_saved = 0;  // and of so many less than before.
  uint64_t packs_repacked = 0;     // Less than half of which was alive.
  uint64_t packs_dropped = 0;
  uint64_t moved_bytes = 0;  // Out of those.
  uint64_t damaged = 0;      // Chunks found damaged, which were left where they are.
  bool operator==(const RepackRecord&) const = default;
};

/// A chunk whose bytes are wrong, or cannot be made without a base whose bytes are.
struct DamagedChunk {
  Digest chunk;
  std::optional<Digest> base;         // The damaged base; else the chunk's own frame is.
  std::vector<std::string> variants;  // Resource names of some that are made of it.
  bool operator==(const DamagedChunk&) const = default;
};

inline constexpr size_t kMaxDamagedTold = 256;        // Of a scrub's record,
inline constexpr size_t kMaxDamagedVariantsTold = 8;  // and of each chunk in it.

/// A pass of the scrub: the one under way, else the last one.
struct ScrubRecord {
  std::optional<Digest> cursor;  // The last chunk looked at; none at the start.
  bool running = false;
  Timestamp start_time{};
  Timestamp finish_time{};  // Of the last pass that came to its end; 1970 for none.
  uint64_t chunks = 0;
  uint64_t bytes = 0;                 // Of frames read.
  uint64_t damaged_count = 0;         // All of them,
  std::vector<DamagedChunk> damaged;  // and the first kMaxDamagedTold.
  bool operator==(const ScrubRecord&) const = default;
};

/// How much the library stores, of one moment, more or less: uploads go on while it is measured.
/// All bytes are of frames as they are stored, except the logical ones.
struct StorageFigures {
  Timestamp time{};  // When measuring began; 1970: never measured.
  uint64_t live_variants = 0;
  uint64_t logical_bytes = 0;  // Of the files of live variants whose payload is there.
  uint64_t chunks = 0;
  uint64_t delta_chunks = 0;  // Of those, stored as what differs from another.
  uint64_t chunk_bytes = 0;   // Of the chunks' frames.
  uint64_t packs = 0;
  uint64_t dead_bytes = 0;  // In packs: frames that no chunk is stored in any more.
  uint64_t unreferenced_chunks = 0;
  uint64_t unreferenced_bytes = 0;  // Chunks of no kept payload, uploads under way included.

  uint64_t stored_bytes() const { return chunk_bytes + dead_bytes; }
  /// What a collection would free, at most: less what is leased.
  uint64_t reclaimable_bytes() const { return unreferenced_bytes + dead_bytes; }
  bool operator==(const StorageFigures&) const = default;
};

}  // namespace dml
