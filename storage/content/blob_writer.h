// One upload of plain bytes, cut here: for clients without a chunker.
//
// Not thread-safe; what was acknowledged by Flush survives it.
#pragma once

#include <string>

#include "core/content/chunker.h"
#include "storage/content/content_store.h"
#include "storage/content/upload.h"

namespace dml {

class BlobWriter {
 public:
  /// Goes on at `offset`, which must be 0 or the committed size of this upload (else
  /// FAILED_PRECONDITION, WRITE_OFFSET_MISMATCH). Reads what is committed once more, to hash it.
  static absl::StatusOr<BlobWriter> Begin(ContentStore& store, std::string ns, BlobRef blob,
                                          uint64_t offset, const ChunkerParams& params);
  /// INVALID_ARGUMENT (BLOB_SIZE_MISMATCH) as soon as more bytes come than the blob has.
  absl::Status Write(ByteSpan bytes);
  /// Makes what was cut so far durable and resumable.
  absl::Status Flush();
  /// All bytes were written: the blob is there. Errors as Upload::EndBlob.
  absl::Status Finish();

 private:
  BlobWriter(ContentStore& store, std::string ns, BlobRef blob, const ChunkerParams& params)
      : upload_(store.chunks(), std::move(ns)), blob_(blob), chunker_(params) {}
  absl::Status Cut(ByteSpan chunk);

  Upload upload_;
  const BlobRef blob_;
  StreamChunker chunker_;
  uint64_t received_ = 0;
  uint64_t cut_ = 0;      // Bytes in whole chunks.
  uint64_t flushed_ = 0;  // Of those, durable and resumable.
};

}  // namespace dml
