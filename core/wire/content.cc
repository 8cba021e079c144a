#include "core/wire/content.h"

#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

template <typename Message>
void PutChunks(const std::vector<ChunkRef>& chunks, Message& out) {
  for (const ChunkRef& chunk : chunks) {
    out.add_sha256(std::string(chunk.digest.raw()));
    out.add_sizes(chunk.size);
  }
}

template <typename Message>
absl::StatusOr<std::vector<ChunkRef>> GetChunks(const Message& in) {
  if (in.sha256_size() != in.sizes_size()) {
    return DataLoss(kRecordInvalid, "a chunk list has {} digests and {} sizes", in.sha256_size(),
                    in.sizes_size());
  }
  std::vector<ChunkRef> out;
  out.reserve(in.sha256_size());
  for (int i = 0; i < in.sha256_size(); ++i) {
    DML_ASSIGN_OR_RETURN(Digest digest, DigestFrom(in.sha256(i)));
    out.push_back({digest, in.sizes(i)});
  }
  return out;
}

}  // namespace

std::string Encode(const ChunkRecord& record) {
  pb::ChunkRecord m;
  m.set_raw_size(record.raw_size);
  m.set_codec(static_cast<uint32_t>(record.codec));
  m.set_stored_size(record.stored_size);
  m.set_stored_sha256(std::string(record.stored_digest.raw()));
  return SerializeDeterministically(m);
}

std::string Encode(const BlobRecord& record) {
  pb::BlobRecord m;
  m.set_size(record.size);
  m.set_chunk_count(record.chunk_count);
  return SerializeDeterministically(m);
}

std::string Encode(const std::vector<ChunkRef>& page) {
  pb::ChunkListPage m;
  PutChunks(page, m);
  return SerializeDeterministically(m);
}

std::string Encode(const PartialBlob& partial) {
  pb::PartialBlobRecord m;
  m.set_committed(partial.committed);
  PutChunks(partial.chunks, m);
  return SerializeDeterministically(m);
}

absl::StatusOr<ChunkRecord> DecodeChunkRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ChunkRecord>(bytes));
  if (m.codec() > static_cast<uint32_t>(FrameCodec::kZstd)) {
    return DataLoss(kRecordInvalid, "chunk codec {} is unknown: upgrade the program", m.codec());
  }
  DML_ASSIGN_OR_RETURN(Digest stored, DigestFrom(m.stored_sha256()));
  return ChunkRecord{m.raw_size(), static_cast<FrameCodec>(m.codec()), m.stored_size(), stored};
}

absl::StatusOr<BlobRecord> DecodeBlobRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::BlobRecord>(bytes));
  return BlobRecord{m.size(), m.chunk_count()};
}

absl::StatusOr<std::vector<ChunkRef>> DecodeChunkPage(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ChunkListPage>(bytes));
  return GetChunks(m);
}

absl::StatusOr<PartialBlob> DecodePartialBlob(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::PartialBlobRecord>(bytes));
  PartialBlob out;
  out.committed = m.committed();
  DML_ASSIGN_OR_RETURN(out.chunks, GetChunks(m));
  return out;
}

}  // namespace dml::wire
