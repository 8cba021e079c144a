#include "storage/content/index_rebuild.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <absl/container/flat_hash_set.h>

#include "core/content/frame.h"
#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

constexpr uint64_t kBatchBytes = 4 << 20;
// Positions in a row that cannot be read before a pack without a footer counts as read to its end:
// more than one block of a table file holds.
constexpr uint64_t kMostUnreadable = 4096;

class Rebuilder {
 public:
  Rebuilder(Engine& engine, Timestamp now)
      : engine_(engine), now_(now), batch_(engine.NewBatch()) {}

  absl::StatusOr<IndexRebuildReport> Run();

 private:
  using Row = std::optional<std::string>;

  absl::Status FindPacks();
  absl::Status AddPack(uint64_t pack);
  absl::Status AddPacked(const Digest& chunk, const ChunkRecord& record);
  absl::Status AddLoose();
  absl::Status AddVisible();
  absl::Status AddVisibleBlob(std::string_view key);
  absl::Status See(const std::string& ns, const std::vector<ChunkRef>& chunks);
  absl::Status Salvage(uint64_t pack);
  absl::Status CollectDeltaBases();
  absl::Status PreferFull(uint64_t pack);
  absl::Status MarkBases();
  absl::Status Count();

  // Bytes that fail their checksum are like none.
  absl::StatusOr<Row> GetPacked(uint64_t pack, uint64_t position, bool* fails = nullptr) const;
  absl::StatusOr<std::optional<std::vector<PackedChunk>>> Footer(uint64_t pack) const;
  absl::StatusOr<std::optional<ChunkRecord>> ChunkRow(const Digest& chunk) const;
  absl::StatusOr<bool> IsDamaged(const Digest& chunk) const;
  absl::Status ForEach(Table table, const KeyRange& range,
                       const std::function<absl::Status(const Cursor&)>& visit) const;

  ChunkRecord RecordOf(const EncodedChunk& chunk) const;
  void PutGood(const Digest& chunk, const ChunkRecord& record);
  absl::Status FlushWhenLarge();
  absl::Status Flush(Durability durability);

  Engine& engine_;
  const Timestamp now_;
  std::unique_ptr<Batch> batch_;
  std::vector<uint64_t> packs_;  // With a footer.
  absl::flat_hash_set<Digest> want_full_;
  IndexRebuildReport report_;
};

absl::Status Rebuilder::Flush(Durability durability) {
  return engine_.Commit(std::exchange(batch_, engine_.NewBatch()), durability);
}

absl::Status Rebuilder::FlushWhenLarge() {
  return batch_->ByteSize() < kBatchBytes ? absl::OkStatus() : Flush(Durability::kBuffered);
}

absl::Status Rebuilder::ForEach(Table table, const KeyRange& range,
                                const std::function<absl::Status(const Cursor&)>& visit) const {
  auto cursor = engine_.NewCursor(table, range);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_RETURN_IF_ERROR(visit(*cursor));
  }
  return cursor->status();
}

absl::StatusOr<Rebuilder::Row> Rebuilder::GetPacked(uint64_t pack, uint64_t position,
                                                    bool* fails) const {
  absl::StatusOr<Row> row = engine_.Get(Table::kPacks, keys::PackedFrame(pack, position));
  const bool lost = absl::IsDataLoss(row.status());
  if (fails != nullptr) *fails = lost;
  if (lost) return std::nullopt;
  return row;
}

absl::StatusOr<std::optional<std::vector<PackedChunk>>> Rebuilder::Footer(uint64_t pack) const {
  DML_ASSIGN_OR_RETURN(Row row, GetPacked(pack, keys::kFooterPosition));
  if (!row.has_value()) return std::nullopt;
  auto footer = wire::DecodePackFooter(*row);
  if (!footer.ok()) return std::nullopt;
  for (uint64_t position = 0; position < footer->size(); ++position) {
    ChunkRecord& record = (*footer)[position].record;
    record.pack = pack;
    record.position = position;
    record.stored_time = now_;
  }
  return *std::move(footer);
}

absl::StatusOr<std::optional<ChunkRecord>> Rebuilder::ChunkRow(const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(Row row, batch_->Get(Table::kChunkIndex, keys::Chunk(chunk)));
  if (!row.has_value()) return std::nullopt;
  return wire::DecodeChunkRecord(*row);
}

absl::StatusOr<bool> Rebuilder::IsDamaged(const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(Row row, batch_->Get(Table::kChunkIndex, keys::DamagedChunk(chunk)));
  return row.has_value();
}

// But for its place.
ChunkRecord Rebuilder::RecordOf(const EncodedChunk& chunk) const {
  ChunkRecord record;
  record.raw_size = chunk.raw_size;
  record.codec = chunk.codec;
  record.stored_size = static_cast<uint32_t>(chunk.stored.size());
  record.stored_digest = Sha256(chunk.stored);
  record.stored_time = now_;
  return record;
}

void Rebuilder::PutGood(const Digest& chunk, const ChunkRecord& record) {
  batch_->Put(Table::kChunkIndex, keys::Chunk(chunk), wire::Encode(record));
  batch_->Delete(Table::kChunkIndex, keys::DamagedChunk(chunk));
}

// By number: a scan would stop at the first block that cannot be read.
absl::Status Rebuilder::FindPacks() {
  uint64_t end = 1;
  DML_ASSIGN_OR_RETURN(Row next, engine_.Get(Table::kMeta, keys::kNextPack));
  if (next.has_value()) {
    DML_ASSIGN_OR_RETURN(end, KeyReader(*next).U64());
  }
  auto cursor = engine_.NewCursor(Table::kPacks, {});
  cursor->SeekToLast();
  if (cursor->Valid()) {
    DML_ASSIGN_OR_RETURN(uint64_t last, KeyReader(cursor->key()).U64());
    end = std::max(end, last + 1);
  }
  batch_->Put(Table::kMeta, keys::kNextPack, KeyBuilder().U64(end).Build());
  for (uint64_t pack = 1; pack < end; ++pack) {
    DML_ASSIGN_OR_RETURN(auto footer, Footer(pack));
    if (footer.has_value()) {
      packs_.push_back(pack);
      continue;
    }
    for (const uint64_t position : {uint64_t{0}, keys::kFooterPosition}) {
      bool fails = false;
      DML_ASSIGN_OR_RETURN(Row row, GetPacked(pack, position, &fails));
      if (!row.has_value() && !fails) continue;
      report_.packs_without_footer.push_back(pack);
      break;
    }
  }
  report_.packs = packs_.size() + report_.packs_without_footer.size();
  return absl::OkStatus();
}

absl::Status Rebuilder::AddPack(uint64_t pack) {
  DML_ASSIGN_OR_RETURN(auto footer, Footer(pack));
  if (!footer.has_value()) return absl::OkStatus();
  PackRecord record{footer->size(), 0, now_};
  for (const PackedChunk& chunk : *footer) {
    record.stored_bytes += chunk.record.stored_size;
    DML_RETURN_IF_ERROR(AddPacked(chunk.digest, chunk.record));
    DML_RETURN_IF_ERROR(FlushWhenLarge());
  }
  batch_->Put(Table::kChunkIndex, keys::Pack(pack), wire::Encode(record));
  return absl::OkStatus();
}

absl::Status Rebuilder::AddPacked(const Digest& chunk, const ChunkRecord& record) {
  DML_ASSIGN_OR_RETURN(Row frame, GetPacked(record.pack, record.position));
  if (frame.has_value() && Sha256(*frame) == record.stored_digest) {
    PutGood(chunk, record);
    return absl::OkStatus();
  }
  DML_ASSIGN_OR_RETURN(auto known, ChunkRow(chunk));
  if (known.has_value()) return absl::OkStatus();
  batch_->Put(Table::kChunkIndex, keys::Chunk(chunk), wire::Encode(record));
  batch_->Put(Table::kChunkIndex, keys::DamagedChunk(chunk), "");
  return absl::OkStatus();
}

absl::Status Rebuilder::AddLoose() {
  return ForEach(Table::kChunks, {}, [this](const Cursor& cursor) -> absl::Status {
    DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(cursor.key()));
    const auto chunk = RecognizeChunk(std::string(cursor.value()),
                                      [&](const Digest& found) { return found == digest; });
    if (!chunk.has_value()) {
      // It serves nobody; whoever needs the chunk finds it missing.
      batch_->Delete(Table::kChunks, cursor.key());
      return FlushWhenLarge();
    }
    PutGood(digest, RecordOf(*chunk));
    return FlushWhenLarge();
  });
}

// What is seen but not there counts as damaged, so that the next upload brings it back.
absl::Status Rebuilder::See(const std::string& ns, const std::vector<ChunkRef>& chunks) {
  for (const ChunkRef& chunk : chunks) {
    batch_->Put(Table::kChunkIndex, keys::VisibleChunk(ns, chunk.digest), "");
    DML_ASSIGN_OR_RETURN(auto row, ChunkRow(chunk.digest));
    if (!row.has_value()) {
      batch_->Put(Table::kChunkIndex, keys::DamagedChunk(chunk.digest), "");
    }
    DML_RETURN_IF_ERROR(FlushWhenLarge());
  }
  return absl::OkStatus();
}

absl::Status Rebuilder::AddVisibleBlob(std::string_view key) {
  KeyReader reader(key);
  DML_RETURN_IF_ERROR(reader.U8().status());
  DML_ASSIGN_OR_RETURN(std::string ns, reader.String());
  DML_ASSIGN_OR_RETURN(std::string raw, reader.String());
  DML_ASSIGN_OR_RETURN(Digest blob, Digest::FromBytes(raw));
  DML_ASSIGN_OR_RETURN(Row row, engine_.Get(Table::kBlobs, keys::Blob(blob)));
  uint64_t pages = 0;
  if (row.has_value()) {
    DML_ASSIGN_OR_RETURN(BlobRecord record, wire::DecodeBlobRecord(*row));
    pages = (record.chunk_count + kChunksPerPage - 1) / kChunksPerPage;
  }
  bool whole = row.has_value();
  for (uint64_t page = 0; page < pages; ++page) {
    DML_ASSIGN_OR_RETURN(Row list, engine_.Get(Table::kBlobs, keys::ChunkPage(blob, page)));
    auto chunks = list.has_value() ? wire::DecodeChunkPage(*list) : std::vector<ChunkRef>();
    whole &= list.has_value() && chunks.ok();
    if (chunks.ok()) DML_RETURN_IF_ERROR(See(ns, *chunks));
  }
  if (!whole) ++report_.blobs_without_list;
  return absl::OkStatus();
}

absl::Status Rebuilder::AddVisible() {
  const auto all = [](keys::BlobRow kind) { return PrefixRange(keys::Start(kind).Build()); };
  DML_RETURN_IF_ERROR(ForEach(Table::kBlobs, all(keys::BlobRow::kVisibleBlob),
                              [this](const Cursor& row) { return AddVisibleBlob(row.key()); }));
  return ForEach(Table::kBlobs, all(keys::BlobRow::kPartial),
                 [this](const Cursor& row) -> absl::Status {
                   KeyReader reader(row.key());
                   DML_RETURN_IF_ERROR(reader.U8().status());
                   DML_ASSIGN_OR_RETURN(std::string ns, reader.String());
                   const auto partial = wire::DecodePartialBlob(row.value());
                   return partial.ok() ? See(ns, partial->chunks) : absl::OkStatus();
                 });
}

// Takes from a pack without a footer the chunks that are wanted and nowhere else.
absl::Status Rebuilder::Salvage(uint64_t pack) {
  PackRecord pack_record{0, 0, now_};
  uint64_t unreadable = 0;
  for (uint64_t position = 0; unreadable < kMostUnreadable; ++position) {
    bool fails = false;
    DML_ASSIGN_OR_RETURN(Row frame, GetPacked(pack, position, &fails));
    if (!frame.has_value() && !fails) break;
    unreadable = fails ? unreadable + 1 : 0;
    if (fails) continue;
    ++pack_record.chunks;
    pack_record.stored_bytes += frame->size();
    const auto chunk = RecognizeChunk(*std::move(frame), [this](const Digest& found) {
      return IsDamaged(found).value_or(false);
    });
    if (!chunk.has_value()) continue;
    ChunkRecord record = RecordOf(*chunk);
    record.pack = pack;
    record.position = position;
    PutGood(chunk->raw_digest, record);
    DML_RETURN_IF_ERROR(FlushWhenLarge());
  }
  batch_->Put(Table::kChunkIndex, keys::Pack(pack), wire::Encode(pack_record));
  return absl::OkStatus();
}

// The bases whose row is a delta itself: an older copy of theirs must be in full.
absl::Status Rebuilder::CollectDeltaBases() {
  return ForEach(Table::kChunkIndex, PrefixRange(keys::Start(keys::IndexRow::kChunk).Build()),
                 [this](const Cursor& cursor) -> absl::Status {
                   DML_ASSIGN_OR_RETURN(ChunkRecord record,
                                        wire::DecodeChunkRecord(cursor.value()));
                   if (!record.base.has_value()) return absl::OkStatus();
                   DML_ASSIGN_OR_RETURN(auto base, ChunkRow(*record.base));
                   if (base.has_value() && base->base.has_value()) want_full_.insert(*record.base);
                   return absl::OkStatus();
                 });
}

absl::Status Rebuilder::PreferFull(uint64_t pack) {
  DML_ASSIGN_OR_RETURN(auto footer, Footer(pack));
  if (!footer.has_value()) return absl::OkStatus();
  for (const PackedChunk& chunk : *footer) {
    if (chunk.record.base.has_value() || !want_full_.contains(chunk.digest)) continue;
    DML_ASSIGN_OR_RETURN(Row frame, GetPacked(pack, chunk.record.position));
    if (frame.has_value() && Sha256(*frame) == chunk.record.stored_digest) {
      PutGood(chunk.digest, chunk.record);
    }
  }
  return absl::OkStatus();
}

absl::Status Rebuilder::MarkBases() {
  return ForEach(Table::kChunkIndex, PrefixRange(keys::Start(keys::IndexRow::kChunk).Build()),
                 [this](const Cursor& cursor) -> absl::Status {
                   DML_ASSIGN_OR_RETURN(ChunkRecord record,
                                        wire::DecodeChunkRecord(cursor.value()));
                   ++report_.chunks;
                   if (!record.base.has_value()) return absl::OkStatus();
                   DML_ASSIGN_OR_RETURN(Digest chunk, keys::LastDigest(cursor.key()));
                   batch_->Put(Table::kChunkIndex, keys::Dependent(*record.base, chunk), "");
                   DML_ASSIGN_OR_RETURN(auto base, ChunkRow(*record.base));
                   DML_ASSIGN_OR_RETURN(bool base_damaged, IsDamaged(*record.base));
                   if (!base.has_value() || base->base.has_value() || base_damaged) {
                     batch_->Put(Table::kChunkIndex, keys::DamagedChunk(chunk), "");
                   }
                   return FlushWhenLarge();
                 });
}

absl::Status Rebuilder::Count() {
  return ForEach(Table::kChunkIndex,
                 PrefixRange(keys::Start(keys::IndexRow::kDamagedChunk).Build()),
                 [this](const Cursor&) {
                   ++report_.damaged;
                   return absl::OkStatus();
                 });
}

absl::StatusOr<IndexRebuildReport> Rebuilder::Run() {
  batch_->Put(Table::kMeta, keys::kIndexRebuild, "");
  DML_RETURN_IF_ERROR(Flush(Durability::kSynced));
  DML_RETURN_IF_ERROR(engine_.Empty(Table::kChunkIndex));
  DML_RETURN_IF_ERROR(FindPacks());
  for (const uint64_t pack : packs_) DML_RETURN_IF_ERROR(AddPack(pack));
  DML_RETURN_IF_ERROR(AddLoose());
  DML_RETURN_IF_ERROR(AddVisible());
  for (const uint64_t pack : report_.packs_without_footer) DML_RETURN_IF_ERROR(Salvage(pack));
  DML_RETURN_IF_ERROR(Flush(Durability::kBuffered));
  DML_RETURN_IF_ERROR(CollectDeltaBases());
  if (!want_full_.empty()) {
    for (const uint64_t pack : packs_) DML_RETURN_IF_ERROR(PreferFull(pack));
    DML_RETURN_IF_ERROR(Flush(Durability::kBuffered));
  }
  DML_RETURN_IF_ERROR(MarkBases());
  DML_RETURN_IF_ERROR(Flush(Durability::kBuffered));
  DML_RETURN_IF_ERROR(Count());
  batch_->Delete(Table::kMeta, keys::kIndexRebuild);
  DML_RETURN_IF_ERROR(Flush(Durability::kSynced));
  return std::move(report_);
}

}  // namespace

absl::StatusOr<IndexRebuildReport> RebuildIndex(Engine& engine, Timestamp now) {
  return Rebuilder(engine, now).Run();
}

}  // namespace dml
