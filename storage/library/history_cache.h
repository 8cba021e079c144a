// The history of releases, kept in memory and brought up to the journal when it is asked for.
#pragma once

#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/measures/measures.h"
#include "storage/engine/engine.h"

namespace dml {

/// Measures with the journal that they were computed of.
struct MeasuresAnswer {
  std::vector<MeasuredPeriod> periods;
  uint64_t index = 0;  // Entries; those of the state, or more where another asked later.
  Timestamp time;      // Of the last one.
};

/// The first question after a start reads the whole journal, and others wait for it meanwhile.
/// Memory grows with releases, deployments and published variants. Thread-safe.
class HistoryCache {
 public:
  /// The errors of ComputeMeasures; DATA_LOSS where the journal cannot be read.
  absl::StatusOr<MeasuresAnswer> Compute(const Reader& state, const MeasuresQuestion& question);

 private:
  absl::Status CatchUp(const Reader& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  History history_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
