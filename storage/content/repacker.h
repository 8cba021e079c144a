// Moves stored frames so that packs hold what is alive and rows of their own stay few.
//
// Frames are moved as they are: hashed, never decoded. A crash anywhere leaves each chunk in its
// old place or in its new one; a pack that is on its way in or out has an intent, which the next
// opening carries out (ChunkStore::Recover). Thread-safe, beside any traffic; two passes over the
// same frames at once waste work and nothing else.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "storage/content/frame_mover.h"

namespace dml {

struct RepackOptions {
  std::chrono::seconds fold_age = std::chrono::hours(24);  // When rows fold that make no pack.
};

struct RepackReport {
  MoveTotals moved;
  uint64_t packs_dropped = 0;
  std::vector<Digest> damaged;  // Not moved; their packs stay until they are repaired.
};

struct FoldReport {
  MoveTotals moved;
  bool more = false;  // Left, as `max_bytes` was reached.
};

class Repacker {
 public:
  /// `store` must outlive it.
  explicit Repacker(ChunkStore& store, RepackOptions options = {})
      : store_(store), options_(options) {}

  /// Moves what the index still knows of these packs into new ones (a little, into rows of its own)
  /// and drops the packs. A frame whose bytes are wrong is noted as damaged and stays behind with
  /// its pack, whose other frames move all the same. Packs that the index does not know are passed
  /// over: they are gone, or not there yet. After an error the rest is as it was.
  absl::StatusOr<RepackReport> Repack(std::span<const uint64_t> packs);

  /// Moves frames from rows of their own into packs, a pack at a time: full ones; and once any of
  /// them is older than `fold_age`, what there is. Ends after the pack in which it comes to
  /// `max_bytes`; what is left is found by the next call.
  absl::StatusOr<FoldReport> Fold(uint64_t max_bytes);

 private:
  struct PlacedChunk {
    Digest chunk;
    ChunkRecord record;
  };

  absl::StatusOr<std::vector<PlacedChunk>> LiveChunks(uint64_t pack) const;
  absl::StatusOr<std::vector<PlacedChunk>> ScanForPack(uint64_t pack) const;
  absl::Status MoveFrames(const std::vector<PlacedChunk>& live, FrameMover& mover,
                          RepackReport& report);
  absl::StatusOr<bool> StillNamed(const std::vector<PlacedChunk>& live) const;

  absl::StatusOr<std::optional<ChunkRecord>> Row(const Digest& chunk) const;
  absl::StatusOr<std::optional<ChunkRecord>> LooseRow(const Digest& chunk) const;
  absl::StatusOr<bool> FoldPays(std::string_view first) const;
  absl::StatusOr<std::string> FoldPack(std::string_view first, FrameMover& mover);

  ChunkStore& store_;
  const RepackOptions options_;
};

}  // namespace dml
