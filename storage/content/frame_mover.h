// Frames on their way to another place, and the rows of the index that follow them.
//
// Frames go into packs; few of them, into rows of their own. Each time that a pack is full, and at
// the end, one synced batch turns the rows of the index, under ChunkStore::index_mutex and only
// where a row still is what the mover was told: whoever changed it meanwhile wins, and the frame is
// dead weight. Until that batch the old place is the valid one, from then on the new one; a crash
// leaves nothing else. Memory: the frames that are few, and about 300 bytes for each chunk of a
// pack. Used by one thread; beside any traffic.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/content/chunk_store.h"
#include "storage/content/pack_builder.h"

namespace dml {

struct MoveTotals {
  uint64_t packs = 0;   // That were made.
  uint64_t chunks = 0;  // Whose rows were turned.
  uint64_t bytes = 0;   // Of their frames, in the new place.
};

class FrameMover {
 public:
  /// `store` must outlive it. Up to `loose_bytes` of frames become rows of their own, unless a
  /// delta is among them: only a pack's footer says what a delta rests on.
  FrameMover(ChunkStore& store, uint64_t loose_bytes) : store_(store), loose_bytes_(loose_bytes) {}
  /// Gives up what is not finished.
  ~FrameMover();
  FrameMover(const FrameMover&) = delete;
  FrameMover& operator=(const FrameMover&) = delete;

  /// `from` is the chunk's row, `to` the row to be, but for its place; `frame` is right (the caller
  /// has checked it). Where `to` has a base and `from` has none, the chunk becomes a delta, unless
  /// by then it is a base, or its base is a delta, damaged or gone.
  absl::Status Add(const Digest& chunk, const ChunkRecord& from, const ChunkRecord& to,
                   std::string frame);
  /// Durable on return, all that was added.
  absl::Status Finish();

  const MoveTotals& totals() const { return totals_; }

 private:
  struct Move {
    Digest chunk;
    ChunkRecord from;
    ChunkRecord to;
    std::string frame;  // Empty where it lies in a pack.
  };

  absl::Status Pack(Move& move);
  absl::Status TurnRows(const std::vector<Move>& moves, std::optional<uint64_t> pack);
  absl::StatusOr<bool> MayTurn(const Reader& reader, const Move& move) const;

  ChunkStore& store_;
  const uint64_t loose_bytes_;
  MoveTotals totals_;
  std::vector<Move> moves_;
  uint64_t held_bytes_ = 0;
  std::optional<PackBuilder> builder_;
};

}  // namespace dml
