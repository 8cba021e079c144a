// How much of each pack is alive.
#pragma once

#include <vector>

#include "storage/collect/marking.h"

namespace dml {

struct PackUse {
  uint64_t pack = 0;
  uint64_t stored_bytes = 0;  // Of all its frames.
  uint64_t live_bytes = 0;    // Of those that the index names.

  bool dead() const { return live_bytes == 0; }
  /// Less than half is alive: moving that frees more than it costs.
  bool sparse() const { return live_bytes < stored_bytes - live_bytes; }
};

/// All packs that the index knows, ascending. Walks all of the index; 24 bytes a pack.
absl::StatusOr<std::vector<PackUse>> SurveyPacks(const Reader& reader, StepFn step);

}  // namespace dml
