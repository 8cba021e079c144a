#include "storage/content/repacker.h"

#include <algorithm>
#include <utility>

#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

bool IsFrameOf(const ChunkRecord& record, std::string_view frame) {
  return frame.size() == record.stored_size && Sha256(frame) == record.stored_digest;
}

void Add(const MoveTotals& more, MoveTotals& totals) {
  totals.packs += more.packs;
  totals.chunks += more.chunks;
  totals.bytes += more.bytes;
}

}  // namespace

absl::StatusOr<std::optional<ChunkRecord>> Repacker::Row(const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(auto row, store_.engine().Get(Table::kChunkIndex, keys::Chunk(chunk)));
  if (!row.has_value()) return std::nullopt;
  return wire::DecodeChunkRecord(*row);
}

absl::StatusOr<std::vector<Repacker::PlacedChunk>> Repacker::LiveChunks(uint64_t pack) const {
  auto row = store_.engine().Get(Table::kPacks, keys::PackedFrame(pack, keys::kFooterPosition));
  if (!row.ok() && !absl::IsDataLoss(row.status())) return row.status();
  if (!row.ok() || !row->has_value()) return ScanForPack(pack);
  const absl::StatusOr<std::vector<PackedChunk>> footer = wire::DecodePackFooter(**row);
  if (!footer.ok()) return ScanForPack(pack);
  std::vector<PlacedChunk> live;
  for (uint64_t position = 0; position < footer->size(); ++position) {
    const Digest& chunk = (*footer)[position].digest;
    DML_ASSIGN_OR_RETURN(auto record, Row(chunk));
    if (record.has_value() && record->pack == pack && record->position == position) {
      live.push_back({chunk, *record});
    }
  }
  return live;
}

// The long way, where the pack cannot tell itself.
absl::StatusOr<std::vector<Repacker::PlacedChunk>> Repacker::ScanForPack(uint64_t pack) const {
  std::vector<PlacedChunk> live;
  auto cursor = store_.engine().NewCursor(Table::kChunkIndex,
                                          PrefixRange(keys::Start(keys::IndexRow::kChunk).Build()));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(ChunkRecord record, wire::DecodeChunkRecord(cursor->value()));
    if (record.pack != pack) continue;
    DML_ASSIGN_OR_RETURN(Digest chunk, keys::LastDigest(cursor->key()));
    live.push_back({chunk, record});
  }
  DML_RETURN_IF_ERROR(cursor->status());
  std::sort(live.begin(), live.end(), [](const PlacedChunk& a, const PlacedChunk& b) {
    return a.record.position < b.record.position;
  });
  return live;
}

absl::Status Repacker::MoveFrames(const std::vector<PlacedChunk>& live, FrameMover& mover,
                                  RepackReport& report) {
  for (const auto& [chunk, record] : live) {
    auto frame =
        store_.engine().Get(Table::kPacks, keys::PackedFrame(record.pack, record.position));
    if (!frame.ok() && !absl::IsDataLoss(frame.status())) return frame.status();
    if (store_.IsDamaged(chunk)) {
      report.damaged.push_back(chunk);
    } else if (frame.ok() && frame->has_value() && IsFrameOf(record, **frame)) {
      DML_RETURN_IF_ERROR(mover.Add(chunk, record, record, **std::move(frame)));
    } else if (absl::IsDataLoss(store_.Load(chunk).status())) {  // Else somebody else moved it.
      report.damaged.push_back(chunk);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Repacker::StillNamed(const std::vector<PlacedChunk>& live) const {
  for (const auto& [chunk, old] : live) {
    DML_ASSIGN_OR_RETURN(auto now, Row(chunk));
    if (now.has_value() && now->pack == old.pack) return true;
  }
  return false;
}

absl::StatusOr<RepackReport> Repacker::Repack(std::span<const uint64_t> packs) {
  RepackReport report;
  FrameMover mover(store_, store_.options().loose_bytes);
  std::vector<std::pair<uint64_t, std::vector<PlacedChunk>>> moved;
  for (const uint64_t pack : packs) {
    DML_ASSIGN_OR_RETURN(auto known, store_.engine().Get(Table::kChunkIndex, keys::Pack(pack)));
    if (!known.has_value()) continue;
    DML_ASSIGN_OR_RETURN(auto live, LiveChunks(pack));
    DML_RETURN_IF_ERROR(MoveFrames(live, mover, report));
    moved.emplace_back(pack, std::move(live));
  }
  DML_RETURN_IF_ERROR(mover.Finish());
  report.moved = mover.totals();
  for (const auto& [pack, live] : moved) {
    DML_ASSIGN_OR_RETURN(bool named, StillNamed(live));
    if (named) continue;
    DML_RETURN_IF_ERROR(store_.DropPack(pack));
    ++report.packs_dropped;
  }
  return report;
}

absl::StatusOr<std::optional<ChunkRecord>> Repacker::LooseRow(const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(auto record, store_.Find(store_.engine(), chunk));
  if (record.has_value() && record->pack != 0) record.reset();
  return record;
}

absl::StatusOr<bool> Repacker::FoldPays(std::string_view first) const {
  const Timestamp old = store_.options().clock() - options_.fold_age;
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  auto cursor = store_.engine().NewCursor(Table::kChunks, {std::string(first), ""});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(Digest chunk, Digest::FromBytes(cursor->key()));
    DML_ASSIGN_OR_RETURN(auto record, LooseRow(chunk));
    if (!record.has_value()) continue;
    bytes += record->stored_size;
    if (record->stored_time <= old || bytes >= store_.options().pack_bytes ||
        ++chunks >= store_.options().pack_chunks) {
      return true;
    }
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return false;
}

// Ends with the first pack; answers the key to go on from.
absl::StatusOr<std::string> Repacker::FoldPack(std::string_view first, FrameMover& mover) {
  std::string next(first);
  auto cursor = store_.engine().NewCursor(Table::kChunks, {next, ""});
  for (cursor->SeekToFirst(); cursor->Valid() && mover.totals().packs == 0; cursor->Next()) {
    DML_ASSIGN_OR_RETURN(Digest chunk, Digest::FromBytes(cursor->key()));
    next = std::string(cursor->key()) + '\0';
    DML_ASSIGN_OR_RETURN(auto record, LooseRow(chunk));
    if (!record.has_value()) continue;
    if (IsFrameOf(*record, cursor->value())) {
      DML_RETURN_IF_ERROR(mover.Add(chunk, *record, *record, std::string(cursor->value())));
    } else {
      store_.Load(chunk).status().IgnoreError();  // Notes the damage, unless it was repaired since.
    }
  }
  DML_RETURN_IF_ERROR(cursor->status());
  DML_RETURN_IF_ERROR(mover.Finish());
  return next;
}

absl::StatusOr<FoldReport> Repacker::Fold(uint64_t max_bytes) {
  FoldReport report;
  std::string next;
  while (true) {
    DML_ASSIGN_OR_RETURN(bool pays, FoldPays(next));
    if (!pays) return report;
    if (report.moved.bytes >= max_bytes) {
      report.more = true;
      return report;
    }
    FrameMover mover(store_, 0);
    DML_ASSIGN_OR_RETURN(next, FoldPack(next, mover));
    Add(mover.totals(), report.moved);
  }
}

}  // namespace dml
