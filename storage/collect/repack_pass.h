// A pass that stores better what is stored: rows of their own fold into packs, chunks become deltas
// upon the version before, and packs that are mostly dead give their place back.
//
// Nothing changes for readers, and no entry is made. Any error ends a pass, and the next one finds
// what is left; pairs of versions that were tried are remembered (RepackPass::kDeltasDone in
// kMeta). Used by one thread, beside any traffic; no collection runs at the same time.
#pragma once

#include <functional>

#include "core/content/upkeep.h"
#include "storage/content/repacker.h"
#include "storage/library/library.h"

namespace dml {

class RepackPass {
 public:
  /// Called between small steps with the pass so far and the bytes that the step before read. May
  /// block, to leave the disk to others; an error ends the pass.
  using Progress = std::function<absl::Status(const RepackRecord&, uint64_t bytes)>;

  static constexpr std::string_view kDeltasDone = "repack.deltas_done";

  /// `library` must outlive it.
  RepackPass(Library& library, Progress progress)
      : library_(library), repacker_(library.content().chunks()), progress_(std::move(progress)) {}

  absl::StatusOr<RepackRecord> Run();

 private:
  absl::Status Fold();
  absl::Status MakeDeltas();
  absl::Status MakeDeltasOf(const PackageName& package, uint64_t done_index);
  absl::Status RepackPacks();

  Library& library_;
  Repacker repacker_;
  const Progress progress_;
  RepackRecord record_;
};

}  // namespace dml
