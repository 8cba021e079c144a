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

#include "core/content/records.h"
#include "storage/content/chunk_store.h"

namespace dml {

inline constexpr uint64_t kMaxBlobBytes = uint64_t{1} << 42;  // 4 TiB.

class ContentStore {
 public:
  /// `engine` must outlive it. Recover comes before everything else.
  explicit ContentStore(Engine& engine, ContentOptions options = {})
      : chunks_(engine, std::move(options)) {}
  absl::Status Recover() { return chunks_.Recover(); }

  ChunkStore& chunks() { return chunks_; }

  /// Whether the blob, with this size, can be seen in the namespace; if so it is leased.
  absl::StatusOr<bool> HasBlob(std::string_view ns, const BlobRef& blob);

  /// HasBlob, and no chunk of it is known to be damaged: sending it again would change nothing.
  absl::StatusOr<bool> HasSoundBlob(std::string_view ns, const BlobRef& blob);

  /// NOT_FOUND (BLOB_NOT_FOUND). Who may ask is the caller's to decide, here and below.
  absl::StatusOr<BlobRecord> GetBlob(const Digest& blob) const;
  /// Page number `page` of the chunk list: kChunksPerPage chunks, fewer in the last. DATA_LOSS
  /// (CHUNK_LIST_MISSING).
  absl::StatusOr<std::vector<ChunkRef>> ChunkPage(const Digest& blob, uint64_t page) const;

  /// Resumable plain uploads: what is durable of one; empty where there is none.
  absl::StatusOr<PartialBlob> GetPartial(std::string_view ns, const BlobRef& blob) const;

 private:
  ChunkStore chunks_;
};

/// Walks the chunk list of one blob, a page at a time. The store must outlive it.
class ChunkList {
 public:
  static absl::StatusOr<ChunkList> Open(const ContentStore& store, const Digest& blob);

  const BlobRecord& record() const { return record_; }
  /// The chunk at a position below record().chunk_count. Cheap along ascending positions.
  absl::StatusOr<ChunkRef> At(uint64_t position);

 private:
  ChunkList(const ContentStore& store, const Digest& blob, BlobRecord record)
      : store_(&store), blob_(blob), record_(record) {}

  const ContentStore* store_;
  Digest blob_;
  BlobRecord record_;
  uint64_t page_ = UINT64_MAX;
  std::vector<ChunkRef> chunks_;
};

}  // namespace dml
