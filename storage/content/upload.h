// One stream of content into a namespace: blobs, one after another, chunk by chunk.
//
// Large streams go into packs, a pack at a time; what is left at the end, and small streams, into
// rows of their own. A chunk that somebody else is uploading at the same time and that is not
// durable yet counts as missing: nothing that is acknowledged ever rests on bytes that could still
// be lost. Leases on what the stream relies on are renewed while it lasts. Every byte is verified
// here. Memory is bounded by ContentOptions::loose_bytes and 100 bytes for each chunk of a pack.
// Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "core/crypto/sha256.h"
#include "storage/content/chunk_store.h"
#include "storage/content/pack_builder.h"

namespace dml {

struct UploadTotals {
  uint64_t chunks_received = 0;  // Different ones that came with their bytes.
  uint64_t bytes_received = 0;   // Of their frames.
  // Of those, what was new in the library: never for the caller, who may know only its namespace.
  uint64_t chunks_stored = 0;
  uint64_t bytes_stored = 0;
};

class Upload {
 public:
  /// `store` must outlive it.
  Upload(ChunkStore& store, std::string ns)
      : store_(store), ns_(std::move(ns)), renewed_(store.options().clock()) {}

  // Add, AddKnown and EndBlob answer ABORTED (UPLOAD_TOO_SLOW) where nothing came for as long as a
  // lease lasts: what the stream relies on may be gone, so the blobs since the last commit are too.
  // RESOURCE_EXHAUSTED (UPLOAD_TOO_LONG) beyond ContentOptions::upload_chunks.

  /// The next chunk of the current blob. INVALID_ARGUMENT with the reason of VerifyChunk.
  absl::Status Add(EncodedChunk chunk);
  /// The next chunk, which the namespace has. NOT_FOUND (CHUNK_NOT_FOUND): it has not, or no
  /// longer, or not yet, where it came earlier in this stream.
  /// INVALID_ARGUMENT (CHUNK_SIZE_MISMATCH). Damage that is found is told by EndBlob.
  absl::Status AddKnown(const ChunkRef& chunk);
  /// The blob ends; it becomes visible with the next commit. INVALID_ARGUMENT
  /// (BLOB_SIZE_MISMATCH, BLOB_DIGEST_MISMATCH): it is not what its chunks make, and the next chunk
  /// begins another. DATA_LOSS (CHUNK_CORRUPT): chunks that the library had are
  /// damaged; all of this blob's that are count as missing from now on.
  absl::Status EndBlob(const BlobRef& blob);

  /// Makes all that came durable: blobs that ended are there, and of the others every chunk. After
  /// an error of Add, AddKnown or EndBlob this still may be called: what was right stays right.
  /// `and_also`: further rows of the same batch.
  absl::Status Commit(const std::function<void(Batch&)>& and_also = nullptr);

  const UploadTotals& totals() const { return totals_; }
  const std::string& ns() const { return ns_; }
  /// What EndBlob will say of damage to the current blob's known chunks.
  const absl::Status& damage() const { return damage_; }
  /// Chunks of the current blob so far.
  const std::vector<ChunkRef>& list() const { return list_; }

 private:
  struct EndedBlob {
    BlobRef blob;
    std::vector<ChunkRef> chunks;
  };

  absl::Status CheckCount() const;
  absl::Status RenewLeases();
  absl::Status Keep(EncodedChunk chunk);
  absl::Status Pack(ChunkCommit::Chunk& chunk);
  absl::Status PackLoose();
  absl::Status CheckKnown(const std::vector<ChunkRef>& chunks);
  void Hash(const ChunkRef& chunk, std::string_view raw);
  absl::Status PutBlobs(const std::vector<EndedBlob>& blobs, Batch& batch) const;

  ChunkStore& store_;
  const std::string ns_;
  UploadTotals totals_;
  Timestamp renewed_;  // When every lease that the stream needs was good for its full time.

  // The current blob. The first chunk is not hashed before there is a second: alone it is the blob.
  std::vector<ChunkRef> list_;
  uint64_t size_ = 0;
  bool has_known_ = false;
  absl::Status damage_;  // Of a known chunk; the blob fails at its end.
  std::string first_;
  Sha256Hasher hasher_;

  // What the next commit brings.
  std::vector<ChunkCommit::Chunk> chunks_;
  std::vector<Digest> visible_;
  absl::flat_hash_set<Digest> pending_;
  std::vector<EndedBlob> ended_;
  uint64_t ended_chunks_ = 0;  // Of all of them.
  std::optional<PackBuilder> builder_;
  uint64_t loose_bytes_ = 0;
};

}  // namespace dml
