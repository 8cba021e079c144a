#include "storage/content/blob_writer.h"

#include <algorithm>

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

// A plain upload becomes resumable each time that this much has come, or a sixteenth of what there
// is: the list of its chunks is written every time.
constexpr uint64_t kFlushBytes = 64 << 20;

}  // namespace

absl::StatusOr<BlobWriter> BlobWriter::Begin(ContentStore& store, std::string ns, BlobRef blob,
                                             uint64_t offset, const ChunkerParams& params) {
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
  BlobWriter writer(store, std::move(ns), blob, params);
  for (const ChunkRef& chunk : partial.chunks) {
    DML_RETURN_IF_ERROR(writer.upload_.AddKnown(chunk));
  }
  DML_RETURN_IF_ERROR(writer.upload_.damage());
  writer.received_ = writer.cut_ = writer.flushed_ = partial.committed;
  return writer;
}

absl::Status BlobWriter::Cut(ByteSpan chunk) {
  DML_RETURN_IF_ERROR(upload_.Add(EncodeChunk(chunk)));
  cut_ += chunk.size();
  return absl::OkStatus();
}

absl::Status BlobWriter::Write(ByteSpan bytes) {
  if (bytes.size() > blob_.size - received_) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "more bytes come than the {} of blob {}", blob_.size,
                           blob_.digest.ToString());
  }
  received_ += bytes.size();
  DML_RETURN_IF_ERROR(chunker_.Push(bytes, [this](ByteSpan chunk) { return Cut(chunk); }));
  return cut_ - flushed_ >= std::max(kFlushBytes, cut_ / 16) ? Flush() : absl::OkStatus();
}

absl::Status BlobWriter::Flush() {
  const std::string row = wire::Encode(PartialBlob{cut_, upload_.list()});
  DML_RETURN_IF_ERROR(upload_.Commit([&](Batch& batch) {
    batch.Put(Table::kBlobs, content_keys::Partial(upload_.ns(), blob_), row);
  }));
  flushed_ = cut_;
  return absl::OkStatus();
}

absl::Status BlobWriter::Finish() {
  if (received_ != blob_.size) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "the stream ended after {} of the {} bytes of blob {}", received_,
                           blob_.size, blob_.digest.ToString());
  }
  DML_RETURN_IF_ERROR(chunker_.Finish([this](ByteSpan chunk) { return Cut(chunk); }));
  const absl::Status whole = upload_.EndBlob(blob_);
  // Bytes that are not the blob's are nothing to go on from.
  DML_RETURN_IF_ERROR(upload_.Commit([this](Batch& batch) {
    batch.Delete(Table::kBlobs, content_keys::Partial(upload_.ns(), blob_));
  }));
  return whole;
}

}  // namespace dml
