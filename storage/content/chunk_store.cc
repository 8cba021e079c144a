#include "storage/content/chunk_store.h"

#include "core/content/delta.h"
#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

// A frame may move between the look at its row and the look at its place. It is damaged where the
// row still says the same afterwards; several times, as a row of its own may leave and come back.
constexpr int kLoadTries = 3;

absl::Status Corrupt(const Digest& chunk) {
  return DataLoss(
      ErrorReason("CHUNK_CORRUPT"),
      "the stored bytes of chunk {} are damaged; other content is not affected: publish "
      "(upload) the same file again, which repairs it",
      chunk.ToString());
}

absl::Status Missing(const Digest& chunk) {
  return NotFound(ErrorReason("CHUNK_NOT_FOUND"), "no chunk {}: send it first", chunk.ToString());
}

absl::StatusOr<std::optional<std::string>> ReadFrame(const Reader& reader, const Digest& chunk,
                                                     const ChunkRecord& record) {
  if (record.pack == 0) return reader.Get(Table::kChunks, chunk.raw());
  return reader.Get(Table::kPacks, keys::PackedFrame(record.pack, record.position));
}

}  // namespace

ChunkStore::ChunkStore(Engine& engine, ContentOptions options)
    : engine_(engine), options_(std::move(options)), leases_(options_.clock, options_.lease) {}

absl::Status ChunkStore::Recover() {
  absl::MutexLock lock(&index_mutex_);
  DML_ASSIGN_OR_RETURN(auto rebuild, engine_.Get(Table::kMeta, keys::kIndexRebuild));
  if (rebuild.has_value()) {
    return FailedPrecondition(ErrorReason("INDEX_REBUILD_UNFINISHED"),
                              "a rebuild of the chunk index was broken off, and the index is not "
                              "whole: run the rebuild again");
  }
  DML_ASSIGN_OR_RETURN(auto next, engine_.Get(Table::kMeta, keys::kNextPack));
  if (next.has_value()) {
    DML_ASSIGN_OR_RETURN(next_pack_, KeyReader(*next).U64());
  }
  auto batch = engine_.NewBatch();
  const KeyRange intents = PrefixRange(keys::Start(keys::IndexRow::kPackIntent).Build());
  auto cursor = engine_.NewCursor(Table::kChunkIndex, intents);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    KeyReader key(cursor->key());
    DML_RETURN_IF_ERROR(key.U8().status());
    DML_ASSIGN_OR_RETURN(uint64_t pack, key.U64());
    DML_RETURN_IF_ERROR(engine_.DropFiles(keys::PackRange(pack)));
    batch->Delete(Table::kChunkIndex, cursor->key());
  }
  DML_RETURN_IF_ERROR(cursor->status());
  cursor = engine_.NewCursor(Table::kChunkIndex,
                             PrefixRange(keys::Start(keys::IndexRow::kDamagedChunk).Build()));
  absl::MutexLock damaged_lock(&damaged_mutex_);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(Digest chunk, keys::LastDigest(cursor->key()));
    damaged_.insert(chunk);
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return engine_.Commit(std::move(batch), Durability::kSynced);
}

bool ChunkStore::IsDamaged(const Digest& chunk) const {
  absl::MutexLock lock(&damaged_mutex_);
  return damaged_.contains(chunk);
}

bool ChunkStore::HasDamage() const {
  absl::MutexLock lock(&damaged_mutex_);
  return !damaged_.empty();
}

absl::StatusOr<std::optional<ChunkRecord>> ChunkStore::Find(const Reader& reader,
                                                            const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(auto row, reader.Get(Table::kChunkIndex, keys::Chunk(chunk)));
  if (!row.has_value() || IsDamaged(chunk)) return std::nullopt;
  return wire::DecodeChunkRecord(*row);
}

absl::StatusOr<bool> ChunkStore::IsVisible(std::string_view ns, const Digest& chunk) const {
  if (IsDamaged(chunk)) return false;
  DML_ASSIGN_OR_RETURN(auto row, engine_.Get(Table::kChunkIndex, keys::VisibleChunk(ns, chunk)));
  return row.has_value();
}

absl::StatusOr<bool> ChunkStore::IsBase(const Reader& reader, const Digest& chunk) const {
  auto cursor =
      reader.NewCursor(Table::kChunkIndex, PrefixRange(keys::DependentPrefix(chunk).Build()));
  cursor->SeekToFirst();
  const bool found = cursor->Valid();
  DML_RETURN_IF_ERROR(cursor->status());
  return found;
}

absl::StatusOr<std::vector<uint32_t>> ChunkStore::FindMissing(std::string_view ns,
                                                              std::span<const Digest> digests) {
  std::vector<uint32_t> missing;
  for (uint32_t i = 0; i < digests.size(); ++i) {
    // The lease comes first: what is seen after it cannot be collected any more.
    leases_.Take(digests[i]);
    DML_ASSIGN_OR_RETURN(bool visible, IsVisible(ns, digests[i]));
    if (!visible) missing.push_back(i);
  }
  return missing;
}

absl::StatusOr<ChunkRecord> ChunkStore::Row(const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(auto row, engine_.Get(Table::kChunkIndex, keys::Chunk(chunk)));
  if (!row.has_value()) return Missing(chunk);
  return wire::DecodeChunkRecord(*row);
}

absl::StatusOr<StoredChunk> ChunkStore::LoadFrom(const Digest& chunk, const ChunkRecord& record,
                                                 bool check) const {
  DML_ASSIGN_OR_RETURN(auto frame, ReadFrame(engine_, chunk, record));
  if (!frame.has_value() || frame->size() != record.stored_size ||
      (check && Sha256(*frame) != record.stored_digest)) {
    return Corrupt(chunk);
  }
  return StoredChunk{{chunk, record.raw_size, record.codec, *std::move(frame)}, record.base};
}

absl::StatusOr<StoredChunk> ChunkStore::Load(const Digest& chunk) {
  DML_ASSIGN_OR_RETURN(ChunkRecord record, Row(chunk));
  for (int tries = 0; tries < kLoadTries;) {
    absl::StatusOr<StoredChunk> out = LoadFrom(chunk, record, true);
    if (!absl::IsDataLoss(out.status())) return out;
    DML_ASSIGN_OR_RETURN(ChunkRecord now, Row(chunk));
    tries = now == record ? tries + 1 : 0;
    record = now;
  }
  return Damaged(chunk);
}

absl::Status ChunkStore::Damaged(const Digest& chunk) {
  // What is wrong with a delta may be its base, and then with all that rests on that.
  absl::StatusOr<ChunkRecord> record = Row(chunk);
  if (record.ok() && record->base.has_value()) Load(*record->base).status().IgnoreError();
  MarkDamaged(chunk).IgnoreError();  // The damage itself is the greater news.
  return Corrupt(chunk);
}

absl::StatusOr<std::string> ChunkStore::LoadRaw(const Digest& chunk) {
  DML_ASSIGN_OR_RETURN(ChunkRecord record, Row(chunk));
  absl::StatusOr<StoredChunk> stored = LoadFrom(chunk, record, false);
  if (absl::IsDataLoss(stored.status())) stored = Load(chunk);
  DML_RETURN_IF_ERROR(stored.status());
  if (stored->frame.codec == FrameCodec::kRaw) return std::move(stored->frame.stored);
  absl::StatusOr<std::string> raw;
  if (stored->base.has_value()) {
    DML_ASSIGN_OR_RETURN(std::string base, LoadRaw(*stored->base));
    raw = DecodeDelta(AsBytes(stored->frame.stored), stored->frame.raw_size, AsBytes(base));
  } else {
    raw = DecodeChunk(stored->frame.codec, AsBytes(stored->frame.stored), stored->frame.raw_size);
  }
  if (!raw.ok()) return Damaged(chunk);
  return raw;
}

absl::StatusOr<StoredChunk> ChunkStore::LoadFor(std::string_view ns, const ChunkRef& chunk,
                                                bool accept_delta) {
  DML_ASSIGN_OR_RETURN(StoredChunk stored, Load(chunk.digest));
  if (!stored.base.has_value()) return stored;
  DML_ASSIGN_OR_RETURN(bool base_visible, IsVisible(ns, *stored.base));
  if (accept_delta && base_visible) return stored;
  DML_ASSIGN_OR_RETURN(std::string raw, LoadVerified(chunk));
  return StoredChunk{
      {chunk.digest, chunk.size, FrameCodec::kRaw, std::move(raw)}, std::nullopt, true};
}

absl::StatusOr<std::string> ChunkStore::LoadVerified(const ChunkRef& chunk) {
  DML_ASSIGN_OR_RETURN(std::string raw, LoadRaw(chunk.digest));
  if (raw.size() != chunk.size || Sha256(raw) != chunk.digest) return Damaged(chunk.digest);
  return raw;
}

absl::StatusOr<uint64_t> ChunkStore::BeginPack() {
  absl::MutexLock lock(&index_mutex_);
  const uint64_t pack = next_pack_;
  auto batch = engine_.NewBatch();
  batch->Put(Table::kMeta, keys::kNextPack, KeyBuilder().U64(pack + 1).Build());
  batch->Put(Table::kChunkIndex, keys::PackIntent(pack), "");
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(batch), Durability::kSynced));
  next_pack_ = pack + 1;
  return pack;
}

absl::Status ChunkStore::AbandonPack(uint64_t pack) {
  DML_RETURN_IF_ERROR(engine_.DropFiles(keys::PackRange(pack)));
  auto batch = engine_.NewBatch();
  batch->Delete(Table::kChunkIndex, keys::PackIntent(pack));
  return engine_.Commit(std::move(batch), Durability::kBuffered);
}

absl::Status ChunkStore::DropPack(uint64_t pack) {
  auto batch = engine_.NewBatch();
  batch->Delete(Table::kChunkIndex, keys::Pack(pack));
  batch->Put(Table::kChunkIndex, keys::PackIntent(pack), "");
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(batch), Durability::kSynced));
  return AbandonPack(pack);
}

absl::Status ChunkStore::Commit(ChunkCommit commit) {
  PackRecord pack{0, 0, options_.clock()};
  std::vector<Digest> repaired;
  absl::MutexLock lock(&index_mutex_);
  auto batch = engine_.NewBatch();
  for (const ChunkCommit::Chunk& chunk : commit.chunks) {
    if (chunk.record.pack != 0) {
      ++pack.chunks;
      pack.stored_bytes += chunk.record.stored_size;
    }
    const std::string key = keys::Chunk(chunk.digest);
    DML_ASSIGN_OR_RETURN(auto known, batch->Get(Table::kChunkIndex, key));
    if (IsDamaged(chunk.digest)) {
      repaired.push_back(chunk.digest);
      batch->Delete(Table::kChunkIndex, keys::DamagedChunk(chunk.digest));
      if (known.has_value()) {
        DML_ASSIGN_OR_RETURN(ChunkRecord old, wire::DecodeChunkRecord(*known));
        if (old.base.has_value()) {
          batch->Delete(Table::kChunkIndex, keys::Dependent(*old.base, chunk.digest));
        }
        if (old.pack == 0) batch->Delete(Table::kChunks, chunk.digest.raw());
      }
    } else if (known.has_value()) {
      continue;
    }
    ChunkRecord record = chunk.record;
    record.stored_time = pack.created_time;
    batch->Put(Table::kChunkIndex, key, wire::Encode(record));
    if (record.pack == 0) batch->Put(Table::kChunks, chunk.digest.raw(), chunk.frame);
  }
  for (const Digest& chunk : commit.visible) {
    batch->Put(Table::kChunkIndex, keys::VisibleChunk(commit.ns, chunk), "");
  }
  if (commit.pack.has_value()) {
    batch->Put(Table::kChunkIndex, keys::Pack(*commit.pack), wire::Encode(pack));
    batch->Delete(Table::kChunkIndex, keys::PackIntent(*commit.pack));
  }
  if (commit.and_also) DML_RETURN_IF_ERROR(commit.and_also(*batch));
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(batch), Durability::kSynced));
  absl::MutexLock damaged_lock(&damaged_mutex_);
  for (const Digest& chunk : repaired) damaged_.erase(chunk);
  return absl::OkStatus();
}

absl::Status ChunkStore::MarkDamaged(const Digest& chunk) {
  std::vector<Digest> found = {chunk};
  auto cursor =
      engine_.NewCursor(Table::kChunkIndex, PrefixRange(keys::DependentPrefix(chunk).Build()));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(Digest dependent, keys::LastDigest(cursor->key()));
    found.push_back(dependent);
  }
  DML_RETURN_IF_ERROR(cursor->status());
  auto batch = engine_.NewBatch();
  {
    absl::MutexLock lock(&damaged_mutex_);
    std::erase_if(found, [&](const Digest& one) { return !damaged_.insert(one).second; });
  }
  if (found.empty()) return absl::OkStatus();
  for (const Digest& one : found) batch->Put(Table::kChunkIndex, keys::DamagedChunk(one), "");
  return engine_.Commit(std::move(batch), Durability::kSynced);
}

}  // namespace dml
