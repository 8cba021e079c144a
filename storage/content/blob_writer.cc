#include "storage/content/content_store.h"

namespace dml {
namespace {
// Cut chunks are handed to the store in batches of about this many raw bytes.
constexpr size_t kStoreBytes = 4 << 20;
}  // namespace

BlobWriter::BlobWriter(ContentStore& store, std::string ns, BlobRef blob, PartialBlob partial)
    : store_(store),
      ns_(std::move(ns)),
      blob_(blob),
      partial_(std::move(partial)),
      received_(partial_.committed),
      chunker_(ChunkerParams{}) {}

absl::StatusOr<BlobWriter> BlobWriter::Begin(ContentStore& store, std::string ns, BlobRef blob,
                                             uint64_t offset) {
  if (blob.size > kMaxBlobBytes) {
    return InvalidArgument(ErrorReason("BLOB_TOO_LARGE"), "a blob has at most {} bytes, not {}",
                           kMaxBlobBytes, blob.size);
  }
  PartialBlob partial;
  if (offset != 0) {
    DML_ASSIGN_OR_RETURN(partial, store.GetPartial(ns, blob));
    if (partial.committed != offset) {
      return FailedPrecondition(ErrorReason("WRITE_OFFSET_MISMATCH"),
                                "{} bytes of {} are committed, so writing cannot go on at {}: ask "
                                "QueryWrite",
                                partial.committed, blob.digest.ToString(), offset);
    }
  }
  return BlobWriter(store, std::move(ns), blob, std::move(partial));
}

absl::Status BlobWriter::Keep(ByteSpan chunk) {
  cut_.push_back(EncodeChunk(chunk));
  cut_bytes_ += chunk.size();
  return cut_bytes_ < kStoreBytes ? absl::OkStatus() : StoreCut(Durability::kBuffered);
}

absl::Status BlobWriter::StoreCut(Durability durability) {
  if (cut_.empty()) return absl::OkStatus();
  DML_RETURN_IF_ERROR(store_.PutChunks(ns_, cut_, durability).status());
  for (const EncodedChunk& chunk : cut_) {
    partial_.chunks.push_back({chunk.raw_digest, chunk.raw_size});
    partial_.committed += chunk.raw_size;
  }
  cut_.clear();
  cut_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status BlobWriter::Write(ByteSpan bytes) {
  if (bytes.size() > blob_.size - received_) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "more bytes come than the {} of blob {}", blob_.size,
                           blob_.digest.ToString());
  }
  received_ += bytes.size();
  return chunker_.Push(bytes, [this](ByteSpan chunk) { return Keep(chunk); });
}

absl::StatusOr<uint64_t> BlobWriter::Flush() {
  DML_RETURN_IF_ERROR(StoreCut(Durability::kBuffered));
  DML_RETURN_IF_ERROR(store_.PutPartial(ns_, blob_, partial_));
  return partial_.committed;
}

absl::Status BlobWriter::Finish() {
  if (received_ != blob_.size) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "the stream ended after {} of the {} bytes of blob {}", received_,
                           blob_.size, blob_.digest.ToString());
  }
  DML_RETURN_IF_ERROR(chunker_.Finish([this](ByteSpan chunk) { return Keep(chunk); }));
  DML_RETURN_IF_ERROR(StoreCut(Durability::kBuffered));
  return store_.AssembleBlob(ns_, blob_, partial_.chunks);
}

}  // namespace dml
