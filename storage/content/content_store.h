// The content plane: immutable chunks and blobs under their hash.
//
// Nothing here means anything until the journal mentions it. Deduplication is physical and
// invisible: what a namespace can see is what was uploaded into it, and everything else counts as
// missing, so that knowing a hash gives no access and shows no existence.
//
// Thread-safe; every verified byte is verified here, whoever sends it. Frames are kept as they
// come. Rows: docs/formats.md, "Content".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/content/chunker.h"
#include "core/content/frame.h"
#include "core/content/records.h"
#include "storage/engine/engine.h"

namespace dml {

inline constexpr uint64_t kMaxBlobBytes = uint64_t{1} << 42;  // 4 TiB.

struct PutChunksResult {
  uint64_t chunks_stored = 0;  // New in the library; the others were there.
  uint64_t bytes_stored = 0;   // Of their frames.
};

class ContentStore {
 public:
  /// `engine` must outlive it.
  explicit ContentStore(Engine& engine) : engine_(engine) {}

  /// Verifies every chunk (frame, size, digest), then stores those that are new and makes all
  /// visible in the namespace. INVALID_ARGUMENT with the reason of VerifyChunk, and nothing stored,
  /// where one is wrong. kBuffered: durable with the next synced write, as before AssembleBlob
  /// returns.
  absl::StatusOr<PutChunksResult> PutChunks(std::string_view ns,
                                            std::span<const EncodedChunk> chunks,
                                            Durability durability);

  /// Positions of the digests that are not visible in the namespace, ascending.
  absl::StatusOr<std::vector<uint32_t>> FindMissing(std::string_view ns,
                                                    std::span<const Digest> digests) const;

  /// Makes a blob of chunks that are visible in the namespace; durable on return. The chunks are
  /// streamed through one hasher first. NOT_FOUND (CHUNK_NOT_FOUND), INVALID_ARGUMENT
  /// (BLOB_SIZE_MISMATCH, BLOB_DIGEST_MISMATCH, BLOB_TOO_LARGE); then nothing is visible. A blob
  /// that the namespace has already is OK at once: it was hashed when it came, and stays as it is.
  absl::Status AssembleBlob(std::string_view ns, const BlobRef& blob,
                            std::span<const ChunkRef> chunks);

  /// Whether the blob, with this size, can be seen in the namespace.
  absl::StatusOr<bool> HasBlob(std::string_view ns, const BlobRef& blob) const;

  /// NOT_FOUND (BLOB_NOT_FOUND). Who may ask is the caller's to decide, here and below.
  absl::StatusOr<BlobRecord> GetBlob(const Digest& blob) const;
  /// `count` chunks from position `first`, fewer at the end.
  absl::StatusOr<std::vector<ChunkRef>> ChunkList(const Digest& blob, uint64_t first,
                                                  uint64_t count) const;
  /// The stored frame, checked against its own digest: DATA_LOSS (CHUNK_CORRUPT) rather than other
  /// bytes. The raw digest is the receiver's to check.
  absl::StatusOr<EncodedChunk> ReadChunk(const Digest& chunk) const;

  /// Resumable plain uploads: what is durable of one; empty where there is none.
  absl::StatusOr<PartialBlob> GetPartial(std::string_view ns, const BlobRef& blob) const;
  absl::Status PutPartial(std::string_view ns, const BlobRef& blob, const PartialBlob& partial);

 private:
  absl::Status CheckWhole(const Reader& reader, std::string_view ns, const BlobRef& blob,
                          std::span<const ChunkRef> chunks) const;

  Engine& engine_;
};

/// One upload of plain bytes, cut here. Not thread-safe; what was acknowledged by Flush survives
/// it.
class BlobWriter {
 public:
  /// Goes on at `offset`, which must be 0 or the committed size of this upload (else
  /// FAILED_PRECONDITION, WRITE_OFFSET_MISMATCH).
  static absl::StatusOr<BlobWriter> Begin(ContentStore& store, std::string ns, BlobRef blob,
                                          uint64_t offset);
  /// INVALID_ARGUMENT (BLOB_SIZE_MISMATCH) as soon as more bytes come than the blob has.
  absl::Status Write(ByteSpan bytes);
  /// Makes what was cut so far durable and resumable; returns the committed size.
  absl::StatusOr<uint64_t> Flush();
  /// All bytes were written: assembles the blob. Errors as AssembleBlob.
  absl::Status Finish();

 private:
  BlobWriter(ContentStore& store, std::string ns, BlobRef blob, PartialBlob partial);
  absl::Status Keep(ByteSpan chunk);
  absl::Status StoreCut(Durability durability);

  ContentStore& store_;
  std::string ns_;
  BlobRef blob_;
  PartialBlob partial_;
  uint64_t received_;
  StreamChunker chunker_;
  std::vector<EncodedChunk> cut_;
  size_t cut_bytes_ = 0;
};

}  // namespace dml
