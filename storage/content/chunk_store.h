// Chunks: where each is stored, who may refer to it, and its frame, checked.
//
// A frame lies in a pack, or as a row of its own where it came with little else. The chunk index
// says where; it changes under one mutex only, so that the first of two writers of a chunk wins,
// and so that collection and repacking never cross an upload. Frames in packs appear with
// Engine::Ingest, before the index knows them; an intent row, written first, tells the next opening
// to drop a pack that the index never came to know. Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/synchronization/mutex.h>

#include "core/content/frame.h"
#include "core/content/records.h"
#include "storage/content/lease_table.h"
#include "storage/engine/engine.h"

namespace dml {

struct ContentOptions {
  LeaseTable::Clock clock = WallClockNow;
  std::chrono::seconds lease = std::chrono::hours(24);
  uint64_t loose_bytes = 4 << 20;   // Frames of an upload that stay rows of their own at most.
  uint64_t pack_bytes = 128 << 20;  // Frames of one pack, about.
  uint64_t pack_chunks = 65536;     // The same as a count: bounds the footer.
  // Chunks and blobs that one upload may name before its end: 40 bytes of memory each.
  uint64_t upload_chunks = 4'000'000;
};

/// A frame as stored; `base` is set where it is a delta.
struct StoredChunk {
  EncodedChunk frame;
  std::optional<Digest> base;
  bool decoded = false;  // By LoadFor: raw bytes instead of the delta that is stored.
};

/// What one step of an upload makes known, all at once.
struct ChunkCommit {
  struct Chunk {
    Digest digest;
    ChunkRecord record;
    std::string frame;  // Empty where it lies in a pack.
  };
  std::string ns;
  std::vector<Chunk> chunks;                     // New, as far as the upload could tell.
  std::vector<Digest> visible;                   // In the namespace from now on.
  std::optional<uint64_t> pack;                  // That was ingested for it.
  std::function<absl::Status(Batch&)> and_also;  // Further rows of the same batch; may be empty.
};

class ChunkStore {
 public:
  /// `engine` must outlive it.
  ChunkStore(Engine& engine, ContentOptions options);

  /// Before anything else: drops packs that a crash left behind. FAILED_PRECONDITION
  /// (INDEX_REBUILD_UNFINISHED): RebuildIndex has begun and has to come to its end.
  absl::Status Recover();

  /// The row of a chunk in the state of `reader`; nullopt where it is not stored, or damaged.
  absl::StatusOr<std::optional<ChunkRecord>> Find(const Reader& reader, const Digest& chunk) const;
  /// Positions of the digests that are not visible in the namespace, ascending. The others are
  /// leased.
  absl::StatusOr<std::vector<uint32_t>> FindMissing(std::string_view ns,
                                                    std::span<const Digest> digests);
  absl::StatusOr<bool> IsVisible(std::string_view ns, const Digest& chunk) const;
  /// Whether its stored bytes are known to be wrong, or those of the base that it rests on.
  bool IsDamaged(const Digest& chunk) const;
  bool HasDamage() const;  // Some chunk is.
  /// Whether a delta rests on the chunk: it must stay, and stay no delta itself. Who acts on the
  /// answer holds index_mutex.
  absl::StatusOr<bool> IsBase(const Reader& reader, const Digest& chunk) const;

  /// The stored frame, checked against its own digest: DATA_LOSS (CHUNK_CORRUPT) rather than other
  /// bytes, and then the chunk counts as damaged; NOT_FOUND (CHUNK_NOT_FOUND). The raw digest is
  /// the receiver's to check. A frame that is moved meanwhile is found where it went: so rows and
  /// frames are read from the engine and never through a snapshot, which keeps the row of a place
  /// whose file is gone.
  absl::StatusOr<StoredChunk> Load(const Digest& chunk);
  /// The frame for a reader in the namespace. A delta is decoded, to codec kRaw and without a base,
  /// where the reader takes none, and where the namespace does not see the base: another one made
  /// the delta. Errors as Load.
  absl::StatusOr<StoredChunk> LoadFor(std::string_view ns, const ChunkRef& chunk,
                                      bool accept_delta);
  /// The raw bytes, not hashed: for callers that hash the whole. Errors as Load.
  absl::StatusOr<std::string> LoadRaw(const Digest& chunk);
  /// The raw bytes, hashed.
  absl::StatusOr<std::string> LoadVerified(const ChunkRef& chunk);

  /// A number for a new pack, with a durable intent for it.
  absl::StatusOr<uint64_t> BeginPack();
  /// Gives up a pack, ingested or not.
  absl::Status AbandonPack(uint64_t pack);
  /// Drops a pack with its record, where no row of the index names it (none ever begins to again).
  /// A crash in between is finished by Recover.
  absl::Status DropPack(uint64_t pack);

  /// Where another writer came first its frame stays, and this one's is dead weight until its pack
  /// is repacked. Synced.
  absl::Status Commit(ChunkCommit commit);

  /// Notes that a chunk's stored bytes are wrong: from now on it counts as missing, so that the
  /// next upload of it repairs it. So do the deltas upon it, which nobody can decode.
  absl::Status MarkDamaged(const Digest& chunk);

  LeaseTable& leases() { return leases_; }
  Engine& engine() const { return engine_; }
  const ContentOptions& options() const { return options_; }

  /// Held by everything that changes rows of the chunk index after reading them.
  absl::Mutex& index_mutex() ABSL_LOCK_RETURNED(index_mutex_) { return index_mutex_; }

 private:
  absl::StatusOr<ChunkRecord> Row(const Digest& chunk) const;
  absl::StatusOr<StoredChunk> LoadFrom(const Digest& chunk, const ChunkRecord& record,
                                       bool check) const;
  absl::Status Damaged(const Digest& chunk);

  Engine& engine_;
  const ContentOptions options_;
  LeaseTable leases_;
  absl::Mutex index_mutex_;
  uint64_t next_pack_ ABSL_GUARDED_BY(index_mutex_) = 1;
  mutable absl::Mutex damaged_mutex_;
  absl::flat_hash_set<Digest> damaged_ ABSL_GUARDED_BY(damaged_mutex_);
};

}  // namespace dml
