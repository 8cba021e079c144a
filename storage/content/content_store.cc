#include "storage/content/content_store.h"

#include <set>

#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/engine/key.h"

namespace dml {
namespace {

// Rows of kChunkIndex and kBlobs begin with their kind.
enum class IndexRow : uint8_t { kChunk = 1, kVisibleChunk = 2 };
enum class BlobRow : uint8_t { kBlob = 1, kChunkPage = 2, kVisibleBlob = 3, kPartial = 4 };

std::string ChunkKey(const Digest& chunk) {
  return KeyBuilder().U8(static_cast<uint8_t>(IndexRow::kChunk)).String(chunk.raw()).Build();
}
std::string VisibleChunkKey(std::string_view ns, const Digest& chunk) {
  return KeyBuilder()
      .U8(static_cast<uint8_t>(IndexRow::kVisibleChunk))
      .String(ns)
      .String(chunk.raw())
      .Build();
}
std::string BlobKey(const Digest& blob) {
  return KeyBuilder().U8(static_cast<uint8_t>(BlobRow::kBlob)).String(blob.raw()).Build();
}
std::string ChunkPageKey(const Digest& blob, uint64_t page) {
  return KeyBuilder()
      .U8(static_cast<uint8_t>(BlobRow::kChunkPage))
      .String(blob.raw())
      .U64(page)
      .Build();
}
std::string NamespacedBlobKey(BlobRow row, std::string_view ns, const BlobRef& blob) {
  return KeyBuilder()
      .U8(static_cast<uint8_t>(row))
      .String(ns)
      .String(blob.digest.raw())
      .U64(blob.size)
      .Build();
}

absl::StatusOr<ChunkRecord> FindChunk(const Reader& reader, const Digest& chunk) {
  DML_ASSIGN_OR_RETURN(auto row, reader.Get(Table::kChunkIndex, ChunkKey(chunk)));
  if (!row.has_value()) {
    return NotFound(ErrorReason("CHUNK_NOT_FOUND"), "no chunk {}: send it first", chunk.ToString());
  }
  return wire::DecodeChunkRecord(*row);
}

absl::Status Corrupt(const Digest& chunk) {
  return DataLoss(ErrorReason("CHUNK_CORRUPT"),
                  "the stored bytes of chunk {} are damaged; other content is not affected",
                  chunk.ToString());
}

// The stored frame without a look at its digest: only for bytes that go through another hash.
absl::StatusOr<EncodedChunk> LoadUnchecked(const Reader& reader, const Digest& chunk,
                                           const ChunkRecord& record) {
  DML_ASSIGN_OR_RETURN(auto stored, reader.Get(Table::kChunks, chunk.raw()));
  if (!stored.has_value() || stored->size() != record.stored_size) return Corrupt(chunk);
  return EncodedChunk{chunk, record.raw_size, record.codec, *std::move(stored)};
}

absl::StatusOr<EncodedChunk> LoadChunk(const Reader& reader, const Digest& chunk) {
  DML_ASSIGN_OR_RETURN(ChunkRecord record, FindChunk(reader, chunk));
  DML_ASSIGN_OR_RETURN(EncodedChunk out, LoadUnchecked(reader, chunk, record));
  if (Sha256(out.stored) != record.stored_digest) return Corrupt(chunk);
  return out;
}

// The digest of chunks one after another. Damage shows in it and is looked for by the caller;
// INVALID_ARGUMENT (BLOB_SIZE_MISMATCH) for a chunk of another size than its record's.
absl::StatusOr<Digest> HashChunks(const Reader& reader, std::span<const ChunkRef> chunks) {
  Sha256Hasher hasher;
  for (const ChunkRef& chunk : chunks) {
    DML_ASSIGN_OR_RETURN(ChunkRecord record, FindChunk(reader, chunk.digest));
    if (record.raw_size != chunk.size) {
      return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"), "chunk {} has {} bytes, not {}",
                             chunk.digest.ToString(), record.raw_size, chunk.size);
    }
    DML_ASSIGN_OR_RETURN(EncodedChunk stored, LoadUnchecked(reader, chunk.digest, record));
    if (stored.codec == FrameCodec::kRaw) {
      hasher.Update(stored.stored);
      continue;
    }
    absl::StatusOr<std::string> raw =
        DecodeChunk(stored.codec, AsBytes(stored.stored), stored.raw_size);
    if (!raw.ok()) return Corrupt(chunk.digest);
    hasher.Update(*raw);
  }
  return hasher.Finish();
}

}  // namespace

absl::StatusOr<PutChunksResult> ContentStore::PutChunks(std::string_view ns,
                                                        std::span<const EncodedChunk> chunks,
                                                        Durability durability) {
  for (const EncodedChunk& chunk : chunks) {
    DML_RETURN_IF_ERROR(
        VerifyChunk(chunk.raw_digest, chunk.raw_size, chunk.codec, AsBytes(chunk.stored)));
  }
  PutChunksResult result;
  auto batch = engine_.NewBatch();
  for (const EncodedChunk& chunk : chunks) {
    batch->Put(Table::kChunkIndex, VisibleChunkKey(ns, chunk.raw_digest), "");
    std::string key = ChunkKey(chunk.raw_digest);
    DML_ASSIGN_OR_RETURN(auto known, batch->Get(Table::kChunkIndex, key));
    if (known.has_value()) continue;
    // VerifyChunk has hashed raw bytes already.
    ChunkRecord record{chunk.raw_size, chunk.codec, static_cast<uint32_t>(chunk.stored.size()),
                       chunk.codec == FrameCodec::kRaw ? chunk.raw_digest : Sha256(chunk.stored)};
    batch->Put(Table::kChunkIndex, key, wire::Encode(record));
    batch->Put(Table::kChunks, chunk.raw_digest.raw(), chunk.stored);
    ++result.chunks_stored;
    result.bytes_stored += chunk.stored.size();
  }
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(batch), durability));
  return result;
}

absl::StatusOr<std::vector<uint32_t>> ContentStore::FindMissing(
    std::string_view ns, std::span<const Digest> digests) const {
  auto snapshot = engine_.NewSnapshot();
  std::vector<uint32_t> missing;
  for (uint32_t i = 0; i < digests.size(); ++i) {
    DML_ASSIGN_OR_RETURN(auto row,
                         snapshot->Get(Table::kChunkIndex, VisibleChunkKey(ns, digests[i])));
    if (!row.has_value()) missing.push_back(i);
  }
  return missing;
}

absl::Status ContentStore::CheckWhole(const Reader& reader, std::string_view ns,
                                      const BlobRef& blob, std::span<const ChunkRef> chunks) const {
  uint64_t total = 0;
  for (const ChunkRef& chunk : chunks) {
    DML_ASSIGN_OR_RETURN(auto visible,
                         reader.Get(Table::kChunkIndex, VisibleChunkKey(ns, chunk.digest)));
    if (!visible.has_value()) {
      return NotFound(ErrorReason("CHUNK_NOT_FOUND"), "no chunk {} in namespace {}: send it first",
                      chunk.digest.ToString(), ns);
    }
    total += chunk.size;
    if (total > blob.size) break;
  }
  if (total != blob.size) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "the chunks make {}{} bytes, but blob {} has {}",
                           total > blob.size ? "more than " : "", std::min(total, blob.size),
                           blob.digest.ToString(), blob.size);
  }
  DML_ASSIGN_OR_RETURN(Digest whole, HashChunks(reader, chunks));
  if (whole != blob.digest) {
    // A damaged chunk is no fault of the caller's list.
    for (const ChunkRef& chunk : chunks) {
      DML_RETURN_IF_ERROR(LoadChunk(reader, chunk.digest).status());
    }
    return InvalidArgument(ErrorReason("BLOB_DIGEST_MISMATCH"),
                           "the chunks hash to {}, not to {}: nothing was stored under either",
                           whole.ToString(), blob.digest.ToString());
  }
  return absl::OkStatus();
}

absl::Status ContentStore::AssembleBlob(std::string_view ns, const BlobRef& blob,
                                        std::span<const ChunkRef> chunks) {
  if (blob.size > kMaxBlobBytes) {
    return InvalidArgument(ErrorReason("BLOB_TOO_LARGE"), "a blob has at most {} bytes, not {}",
                           kMaxBlobBytes, blob.size);
  }
  DML_ASSIGN_OR_RETURN(bool there, HasBlob(ns, blob));
  DML_ASSIGN_OR_RETURN(PartialBlob partial, GetPartial(ns, blob));
  if (there && partial.committed == 0) return absl::OkStatus();  // Else the partial row must go.
  DML_RETURN_IF_ERROR(CheckWhole(*engine_.NewSnapshot(), ns, blob, chunks));
  auto batch = engine_.NewBatch();
  DML_ASSIGN_OR_RETURN(auto known, batch->Get(Table::kBlobs, BlobKey(blob.digest)));
  if (!known.has_value()) {
    for (uint64_t first = 0, page = 0; first < chunks.size(); first += kChunksPerPage, ++page) {
      auto part = chunks.subspan(first, std::min<uint64_t>(kChunksPerPage, chunks.size() - first));
      batch->Put(Table::kBlobs, ChunkPageKey(blob.digest, page),
                 wire::Encode(std::vector<ChunkRef>(part.begin(), part.end())));
    }
    batch->Put(Table::kBlobs, BlobKey(blob.digest),
               wire::Encode(BlobRecord{blob.size, chunks.size()}));
  }
  batch->Put(Table::kBlobs, NamespacedBlobKey(BlobRow::kVisibleBlob, ns, blob), "");
  batch->Delete(Table::kBlobs, NamespacedBlobKey(BlobRow::kPartial, ns, blob));
  // Synced: everything written before it in the same log is durable too, the chunks included.
  return engine_.Commit(std::move(batch), Durability::kSynced);
}

absl::StatusOr<bool> ContentStore::HasBlob(std::string_view ns, const BlobRef& blob) const {
  auto snapshot = engine_.NewSnapshot();
  DML_ASSIGN_OR_RETURN(
      auto row, snapshot->Get(Table::kBlobs, NamespacedBlobKey(BlobRow::kVisibleBlob, ns, blob)));
  return row.has_value();
}

absl::StatusOr<BlobRecord> ContentStore::GetBlob(const Digest& blob) const {
  auto snapshot = engine_.NewSnapshot();
  DML_ASSIGN_OR_RETURN(auto row, snapshot->Get(Table::kBlobs, BlobKey(blob)));
  if (!row.has_value()) {
    return NotFound(ErrorReason("BLOB_NOT_FOUND"), "no blob {}", blob.ToString());
  }
  return wire::DecodeBlobRecord(*row);
}

absl::StatusOr<std::vector<ChunkRef>> ContentStore::ChunkList(const Digest& blob, uint64_t first,
                                                              uint64_t count) const {
  DML_ASSIGN_OR_RETURN(BlobRecord record, GetBlob(blob));
  std::vector<ChunkRef> out;
  if (first >= record.chunk_count) return out;
  count = std::min(count, record.chunk_count - first);
  auto snapshot = engine_.NewSnapshot();
  for (uint64_t page = first / kChunksPerPage; out.size() < count; ++page) {
    DML_ASSIGN_OR_RETURN(auto row, snapshot->Get(Table::kBlobs, ChunkPageKey(blob, page)));
    if (!row.has_value()) {
      return DataLoss(ErrorReason("CHUNK_LIST_MISSING"),
                      "page {} of the chunk list of {} is missing", page, blob.ToString());
    }
    DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> chunks, wire::DecodeChunkPage(*row));
    for (uint64_t i = (first + out.size()) % kChunksPerPage; i < chunks.size(); ++i) {
      if (out.size() == count) break;
      out.push_back(chunks[i]);
    }
    if (chunks.size() < kChunksPerPage) break;
  }
  return out;
}

absl::StatusOr<EncodedChunk> ContentStore::ReadChunk(const Digest& chunk) const {
  return LoadChunk(*engine_.NewSnapshot(), chunk);
}

absl::StatusOr<PartialBlob> ContentStore::GetPartial(std::string_view ns,
                                                     const BlobRef& blob) const {
  auto snapshot = engine_.NewSnapshot();
  DML_ASSIGN_OR_RETURN(
      auto row, snapshot->Get(Table::kBlobs, NamespacedBlobKey(BlobRow::kPartial, ns, blob)));
  if (!row.has_value()) return PartialBlob{};
  return wire::DecodePartialBlob(*row);
}

absl::Status ContentStore::PutPartial(std::string_view ns, const BlobRef& blob,
                                      const PartialBlob& partial) {
  auto batch = engine_.NewBatch();
  batch->Put(Table::kBlobs, NamespacedBlobKey(BlobRow::kPartial, ns, blob), wire::Encode(partial));
  return engine_.Commit(std::move(batch), Durability::kSynced);
}

}  // namespace dml
