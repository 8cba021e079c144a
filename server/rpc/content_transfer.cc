#include "server/rpc/content_transfer.h"

#include <absl/container/flat_hash_set.h>

#include "storage/content/blob_writer.h"
#include "storage/content/upload.h"

namespace dml {
namespace {

constexpr int kMaxKnownBases = 4096;

absl::Status ReceivePart(Upload& upload, v1::UploadPart& part) {
  switch (part.part_case()) {
    case v1::UploadPart::kChunk: {
      absl::StatusOr<EncodedChunk> chunk = wire::From(std::move(*part.mutable_chunk()));
      return AtField(chunk.ok() ? upload.Add(*std::move(chunk)) : chunk.status(), "chunk");
    }
    case v1::UploadPart::kKnown: {
      absl::StatusOr<ChunkRef> chunk = wire::From(part.known());
      return AtField(chunk.ok() ? upload.AddKnown(*chunk) : chunk.status(), "known");
    }
    case v1::UploadPart::kEnd: {
      absl::StatusOr<BlobRef> blob = wire::From(part.end());
      return AtField(blob.ok() ? upload.EndBlob(*blob) : blob.status(), "end");
    }
    case v1::UploadPart::PART_NOT_SET:
      break;
  }
  return InvalidArgument(ErrorReason("UPLOAD_PART_UNKNOWN"),
                         "a part is neither chunk nor known nor end; upgrade the client or server");
}

// Where the bytes are not those of the blob that the first message names.
absl::Status AtBlob(const absl::Status& status) {
  return Reason(status).starts_with("BLOB_") ? AtField(status, "blob") : status;
}

// Chunks on their way into messages of about message_bytes.
class ChunkWriter {
 public:
  ChunkWriter(ContentStore& store, const std::string& ns, const v1::ReadChunksRequest& request,
              uint64_t message_bytes, grpc::ServerWriter<v1::ReadChunksResponse>& stream,
              StallWatch::Stream& watched, TransferCounters& counters)
      : store_(store),
        ns_(ns),
        accept_delta_(request.accept_delta()),
        message_bytes_(message_bytes),
        stream_(stream),
        watched_(watched),
        counters_(counters) {
    for (const std::string& raw : request.known_bases()) {
      // What is no digest is no chunk that anything could be based on.
      if (auto digest = Digest::FromBytes(raw); digest.ok()) known_.insert(*digest);
    }
  }

  absl::Status Send(const ChunkRef& ref) {
    DML_ASSIGN_OR_RETURN(StoredChunk chunk, store_.chunks().LoadFor(ns_, ref, accept_delta_));
    if (chunk.decoded) ++counters_.chunks_decoded;
    v1::Chunk out;
    if (!chunk.base.has_value()) {
      wire::To(std::move(chunk.frame), &out);
    } else {
      StoredChunk base;
      base.frame.raw_digest = *chunk.base;
      if (!known_.contains(*chunk.base)) {
        DML_ASSIGN_OR_RETURN(base, store_.chunks().Load(*chunk.base));
      }
      wire::To(std::move(chunk.frame), std::move(base.frame), &out);
    }
    ++counters_.frames_sent;
    const size_t size = out.data().size() + out.base().data().size();
    // A chunk larger than the usual message travels alone.
    if (bytes_ > 0 && bytes_ + size > message_bytes_) DML_RETURN_IF_ERROR(Flush());
    bytes_ += size;
    counters_.bytes_sent += size;
    *message_.add_chunks() = std::move(out);
    return absl::OkStatus();
  }

  absl::Status Flush() {
    if (message_.chunks().empty()) return absl::OkStatus();
    if (!stream_.Write(message_)) return watched_.Broken();
    watched_.Progress();
    message_.Clear();
    bytes_ = 0;
    return absl::OkStatus();
  }

 private:
  ContentStore& store_;
  const std::string ns_;
  const bool accept_delta_;
  const uint64_t message_bytes_;
  absl::flat_hash_set<Digest> known_;
  grpc::ServerWriter<v1::ReadChunksResponse>& stream_;
  StallWatch::Stream& watched_;
  TransferCounters& counters_;
  v1::ReadChunksResponse message_;
  size_t bytes_ = 0;
};

absl::Status CheckRanges(const v1::ReadChunksRequest& request, uint64_t chunk_count) {
  if (request.known_bases_size() > kMaxKnownBases) {
    return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"), "{} known bases; at most {}",
                                   request.known_bases_size(), kMaxKnownBases),
                   "known_bases");
  }
  uint64_t asked = 0;
  for (const v1::ChunkRange& range : request.ranges()) {
    asked += std::min(range.count(), chunk_count);
    if (asked > chunk_count) {
      return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"),
                                     "more chunks are asked for than the {} of the blob: ask for "
                                     "each once",
                                     chunk_count),
                     "ranges");
    }
    if (range.count() > 0 && range.first() < chunk_count &&
        range.count() <= chunk_count - range.first()) {
      continue;
    }
    return AtField(InvalidArgument(ErrorReason("ORDINAL_BEYOND_END"),
                                   "{} chunks from number {} were asked for; the blob has {}",
                                   range.count(), range.first(), chunk_count),
                   "ranges");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReceiveBlobs(ContentStore& store, grpc::ServerContext& context,
                          v1::UploadBlobsRequest& message,
                          grpc::ServerReader<v1::UploadBlobsRequest>& stream,
                          StallWatch::Stream& watched, TransferCounters& counters,
                          v1::UploadBlobsResponse& response) {
  Upload upload(store.chunks(), message.namespace_());
  absl::Status status;
  do {
    watched.Progress();
    for (v1::UploadPart& part : *message.mutable_parts()) {
      if (status.ok()) status = ReceivePart(upload, part);
    }
  } while (status.ok() && stream.Read(&message));
  if (status.ok() && context.IsCancelled()) status = watched.Broken();
  const absl::Status kept = upload.Commit();
  counters.bytes_received += upload.totals().bytes_received;
  if (!status.ok()) return AtField(status, "parts");
  DML_RETURN_IF_ERROR(kept);
  response.set_chunks_stored(upload.totals().chunks_received);
  response.set_bytes_stored(upload.totals().bytes_received);
  return absl::OkStatus();
}

absl::Status ReceivePlain(ContentStore& store, grpc::ServerContext& context,
                          const ChunkerParams& params, v1::WriteBlobRequest& message,
                          grpc::ServerReader<v1::WriteBlobRequest>& stream,
                          StallWatch::Stream& watched, TransferCounters& counters,
                          v1::WriteBlobResponse& response) {
  absl::StatusOr<BlobRef> blob = wire::From(message.blob());
  if (!blob.ok()) return AtField(blob.status(), "blob");
  absl::StatusOr<BlobWriter> begun =
      BlobWriter::Begin(store, message.namespace_(), *blob, message.write_offset(), params);
  if (!begun.ok()) return AtBlob(begun.status());
  BlobWriter writer = *std::move(begun);
  absl::Status status;
  const std::string first_blob = message.blob().SerializeAsString();
  do {
    watched.Progress();
    if (message.has_blob() && message.blob().SerializeAsString() != first_blob) {
      return AtField(InvalidArgument(ErrorReason("BLOB_CHANGED"),
                                     "a later message names another blob than the first, {}; one "
                                     "stream writes one blob",
                                     blob->digest.ToString()),
                     "blob");
    }
    status = writer.Write(AsBytes(message.data()));
    counters.bytes_received += message.data().size();
  } while (status.ok() && stream.Read(&message));
  if (!status.ok()) return AtBlob(status);
  if (context.IsCancelled()) {
    DML_RETURN_IF_ERROR(writer.Flush());
    return watched.Broken();
  }
  if (absl::Status whole = writer.Finish(); !whole.ok()) return AtBlob(whole);
  response.set_committed_size(blob->size);
  return absl::OkStatus();
}

absl::Status SendBlob(ContentStore& store, const Digest& blob, const v1::ReadBlobRequest& request,
                      uint64_t message_bytes, grpc::ServerWriter<v1::ReadBlobResponse>& stream,
                      StallWatch::Stream& watched, TransferCounters& counters) {
  DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(store, blob));
  const uint64_t size = list.record().size;
  if (request.offset() > size) {
    return AtField(InvalidArgument(ErrorReason("OFFSET_BEYOND_END"), "the blob has {} bytes", size),
                   "offset");
  }
  uint64_t left = size - request.offset();
  if (request.limit() != 0) left = std::min<uint64_t>(left, request.limit());
  uint64_t end = 0;  // Of the chunk, in the blob.
  for (uint64_t i = 0; i < list.record().chunk_count && left > 0; ++i) {
    DML_ASSIGN_OR_RETURN(ChunkRef ref, list.At(i));
    const uint64_t begin = std::exchange(end, end + ref.size);
    if (end <= request.offset()) continue;
    DML_ASSIGN_OR_RETURN(std::string raw, store.chunks().LoadVerified(ref));
    ++counters.chunks_decoded;
    uint64_t skip = request.offset() > begin ? request.offset() - begin : 0;
    while (skip < raw.size() && left > 0) {
      v1::ReadBlobResponse message;
      message.set_data(raw.substr(skip, std::min<uint64_t>(left, message_bytes)));
      skip += message.data().size();
      left -= message.data().size();
      counters.bytes_sent += message.data().size();
      if (!stream.Write(message)) return watched.Broken();
      watched.Progress();
    }
  }
  return absl::OkStatus();
}

absl::Status SendChunks(ContentStore& store, const std::string& ns, const Digest& blob,
                        const v1::ReadChunksRequest& request, uint64_t message_bytes,
                        grpc::ServerWriter<v1::ReadChunksResponse>& stream,
                        StallWatch::Stream& watched, TransferCounters& counters) {
  DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(store, blob));
  DML_RETURN_IF_ERROR(CheckRanges(request, list.record().chunk_count));
  ChunkWriter writer(store, ns, request, message_bytes, stream, watched, counters);
  for (const v1::ChunkRange& range : request.ranges()) {
    for (uint64_t i = 0; i < range.count(); ++i) {
      DML_ASSIGN_OR_RETURN(ChunkRef ref, list.At(range.first() + i));
      DML_RETURN_IF_ERROR(writer.Send(ref));
    }
  }
  return writer.Flush();
}

}  // namespace dml
