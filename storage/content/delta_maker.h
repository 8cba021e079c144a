// Turns stored chunks into deltas upon chunks of the version before.
//
// Which chunk may resemble which is the plan's business (storage/library/delta_plan.h makes one
// from the views); whether a delta pays, EncodeBestDelta's. A chunk becomes a delta only upon one
// that its namespace sees and that is no delta, and never while it is a base itself; the base is
// marked (IndexRow::kDependent) in the batch that turns the row. Every delta is decoded once before
// it replaces anything. The frames that it replaces are dead weight of their packs from then on.
// Crashes, threads and traffic: as for FrameMover, which moves the frames.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/content/frame_mover.h"

namespace dml {

/// A chunk, and chunks to try as its base, the likeliest first (ChooseBases).
struct DeltaTarget {
  Digest chunk;
  std::vector<Digest> bases;
  bool operator==(const DeltaTarget&) const = default;
};

struct DeltaPlan {
  std::string ns;
  std::vector<DeltaTarget> targets;
  bool operator==(const DeltaPlan&) const = default;
};

struct DeltaReport {
  MoveTotals moved;          // The deltas that were made.
  uint64_t bytes_saved = 0;  // Of frames, once their old places are repacked.
  size_t next = 0;           // The target to go on with; that of no target: all are done.
};

class DeltaMaker {
 public:
  /// `store` must outlive it. `level` is zstd's.
  explicit DeltaMaker(ChunkStore& store, int level = 3) : store_(store), level_(level) {}

  /// Goes through the targets from `first` on, until chunks of `max_bytes` (raw) were read. What
  /// cannot become a delta, is missing, damaged or a delta already, is passed over. Durable on
  /// return.
  absl::StatusOr<DeltaReport> Make(const DeltaPlan& plan, size_t first, uint64_t max_bytes);

 private:
  absl::StatusOr<std::optional<ChunkRecord>> Eligible(const std::string& ns,
                                                      const Digest& chunk) const;
  absl::StatusOr<std::vector<Digest>> EligibleBases(const std::string& ns,
                                                    const DeltaTarget& target) const;
  absl::StatusOr<std::string> Load(const Digest& chunk, uint64_t& bytes) const;
  absl::Status MakeOne(const std::string& ns, const DeltaTarget& target, FrameMover& mover,
                       uint64_t& bytes, DeltaReport& report) const;

  ChunkStore& store_;
  const int level_;
};

}  // namespace dml
