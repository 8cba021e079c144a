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

// What a row of the index and a pack's footer say alike.
template <typename Message>
void PutFrame(const ChunkRecord& record, Message& out) {
  out.set_raw_size(record.raw_size);
  out.set_codec(static_cast<uint32_t>(record.codec));
  out.set_stored_size(record.stored_size);
  out.set_stored_sha256(std::string(record.stored_digest.raw()));
  if (record.base.has_value()) out.set_base_sha256(std::string(record.base->raw()));
}

template <typename Message>
absl::StatusOr<ChunkRecord> GetFrame(const Message& in) {
  if (in.codec() > static_cast<uint32_t>(FrameCodec::kZstdDelta)) {
    return DataLoss(kRecordInvalid, "chunk codec {} is unknown: upgrade the program", in.codec());
  }
  ChunkRecord out;
  out.raw_size = in.raw_size();
  out.codec = static_cast<FrameCodec>(in.codec());
  out.stored_size = in.stored_size();
  DML_ASSIGN_OR_RETURN(out.stored_digest, DigestFrom(in.stored_sha256()));
  if (!in.base_sha256().empty()) {
    DML_ASSIGN_OR_RETURN(out.base, DigestFrom(in.base_sha256()));
  }
  if (out.base.has_value() != (out.codec == FrameCodec::kZstdDelta)) {
    return DataLoss(kRecordInvalid, "a chunk has codec {} and {} base", in.codec(),
                    out.base.has_value() ? "a" : "no");
  }
  return out;
}

}  // namespace

std::string Encode(const ChunkRecord& record) {
  pb::ChunkRecord m;
  PutFrame(record, m);
  m.set_pack(record.pack);
  m.set_position(record.position);
  m.set_stored_micros(ToMicros(record.stored_time));
  return SerializeDeterministically(m);
}

std::string Encode(const BlobRecord& record) {
  pb::BlobRecord m;
  m.set_size(record.size);
  m.set_chunk_count(record.chunk_count);
  m.set_stored_micros(ToMicros(record.stored_time));
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

std::string Encode(const PackRecord& record) {
  pb::PackRecord m;
  m.set_chunks(record.chunks);
  m.set_stored_bytes(record.stored_bytes);
  m.set_created_micros(ToMicros(record.created_time));
  return SerializeDeterministically(m);
}

std::string EncodePackFooter(const std::vector<PackedChunk>& chunks) {
  pb::PackFooter m;
  for (const PackedChunk& chunk : chunks) {
    pb::PackedChunk* out = m.add_chunks();
    out->set_sha256(std::string(chunk.digest.raw()));
    PutFrame(chunk.record, *out);
  }
  return SerializeDeterministically(m);
}

absl::StatusOr<ChunkRecord> DecodeChunkRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ChunkRecord>(bytes));
  DML_ASSIGN_OR_RETURN(ChunkRecord out, GetFrame(m));
  out.pack = m.pack();
  out.position = m.position();
  out.stored_time = FromMicros(m.stored_micros());
  return out;
}

absl::StatusOr<BlobRecord> DecodeBlobRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::BlobRecord>(bytes));
  return BlobRecord{m.size(), m.chunk_count(), FromMicros(m.stored_micros())};
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

absl::StatusOr<PackRecord> DecodePackRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::PackRecord>(bytes));
  return PackRecord{m.chunks(), m.stored_bytes(), FromMicros(m.created_micros())};
}

absl::StatusOr<std::vector<PackedChunk>> DecodePackFooter(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::PackFooter>(bytes));
  std::vector<PackedChunk> out;
  out.reserve(m.chunks_size());
  for (const pb::PackedChunk& chunk : m.chunks()) {
    PackedChunk& added = out.emplace_back();
    DML_ASSIGN_OR_RETURN(added.digest, DigestFrom(chunk.sha256()));
    DML_ASSIGN_OR_RETURN(added.record, GetFrame(chunk));
  }
  return out;
}

}  // namespace dml::wire
