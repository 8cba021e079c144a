#include "storage/content/frame_mover.h"

#include <utility>

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {

namespace keys = content_keys;

FrameMover::~FrameMover() {
  if (builder_.has_value()) store_.AbandonPack(builder_->pack()).IgnoreError();
}

absl::Status FrameMover::Pack(Move& move) {
  DML_RETURN_IF_ERROR(builder_->Add(move.chunk, move.frame, move.to));
  move.frame = std::string();
  return absl::OkStatus();
}

absl::Status FrameMover::Add(const Digest& chunk, const ChunkRecord& from, const ChunkRecord& to,
                             std::string frame) {
  held_bytes_ += frame.size();
  Move& move = moves_.emplace_back(Move{chunk, from, to, std::move(frame)});
  move.to.pack = 0;
  move.to.position = 0;
  if (builder_.has_value()) {
    DML_RETURN_IF_ERROR(Pack(move));
  } else if (held_bytes_ > loose_bytes_ || to.base.has_value()) {
    DML_ASSIGN_OR_RETURN(builder_, PackBuilder::Begin(store_));
    for (Move& held : moves_) DML_RETURN_IF_ERROR(Pack(held));
  }
  return builder_.has_value() && builder_->full() ? Finish() : absl::OkStatus();
}

absl::Status FrameMover::Finish() {
  const std::vector<Move> moves = std::exchange(moves_, {});
  held_bytes_ = 0;
  if (moves.empty()) return absl::OkStatus();
  std::optional<uint64_t> pack;
  if (builder_.has_value()) {
    PackBuilder builder = *std::move(builder_);
    builder_.reset();
    DML_RETURN_IF_ERROR(builder.Seal());
    pack = builder.pack();
  }
  return TurnRows(moves, pack);
}

absl::StatusOr<bool> FrameMover::MayTurn(const Reader& reader, const Move& move) const {
  DML_ASSIGN_OR_RETURN(auto now, store_.Find(reader, move.chunk));
  if (!now.has_value() || *now != move.from) return false;
  if (move.to.base == move.from.base) return true;
  DML_ASSIGN_OR_RETURN(auto base, store_.Find(reader, *move.to.base));
  if (!base.has_value() || base->base.has_value()) return false;
  DML_ASSIGN_OR_RETURN(bool is_base, store_.IsBase(reader, move.chunk));
  return !is_base;
}

absl::Status FrameMover::TurnRows(const std::vector<Move>& moves, std::optional<uint64_t> pack) {
  PackRecord record{0, 0, store_.options().clock()};
  MoveTotals turned;
  {
    absl::MutexLock lock(&store_.index_mutex());
    auto batch = store_.engine().NewBatch();
    for (const Move& move : moves) {
      ++record.chunks;
      record.stored_bytes += move.to.stored_size;
      DML_ASSIGN_OR_RETURN(bool may_turn, MayTurn(*batch, move));
      if (!may_turn) continue;
      ++turned.chunks;
      turned.bytes += move.to.stored_size;
      batch->Put(Table::kChunkIndex, keys::Chunk(move.chunk), wire::Encode(move.to));
      if (move.from.pack == 0) batch->Delete(Table::kChunks, move.chunk.raw());
      if (move.to.pack == 0) batch->Put(Table::kChunks, move.chunk.raw(), move.frame);
      if (move.to.base != move.from.base) {
        batch->Put(Table::kChunkIndex, keys::Dependent(*move.to.base, move.chunk), "");
      }
    }
    if (turned.chunks > 0 && pack.has_value()) {
      turned.packs = 1;
      batch->Put(Table::kChunkIndex, keys::Pack(*pack), wire::Encode(record));
      batch->Delete(Table::kChunkIndex, keys::PackIntent(*pack));
    }
    if (turned.chunks > 0) {
      DML_RETURN_IF_ERROR(store_.engine().Commit(std::move(batch), Durability::kSynced));
    }
  }
  totals_.packs += turned.packs;
  totals_.chunks += turned.chunks;
  totals_.bytes += turned.bytes;
  if (turned.chunks == 0 && pack.has_value()) return store_.AbandonPack(*pack);
  return absl::OkStatus();
}

}  // namespace dml
