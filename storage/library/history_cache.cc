#include "storage/library/history_cache.h"

#include "storage/journal/journal.h"
#include "storage/views/projector.h"

namespace dml {

absl::Status HistoryCache::CatchUp(const Reader& state) {
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(const uint64_t size, journal.Size());
  const auto read = [&](const BlobRef& blob) { return ReadMetadata(state, blob); };
  while (history_.size() < size) {
    DML_ASSIGN_OR_RETURN(const StoredEntry stored, journal.At(history_.size()));
    if (absl::Status status = history_.Add(stored.entry, read); !status.ok()) {
      history_ = History();  // It may have taken half of the entry.
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<MeasuresAnswer> HistoryCache::Compute(const Reader& state,
                                                     const MeasuresQuestion& question) {
  absl::MutexLock lock(&mutex_);
  DML_RETURN_IF_ERROR(CatchUp(state));
  MeasuresAnswer out;
  DML_ASSIGN_OR_RETURN(out.periods, ComputeMeasures(history_, question));
  out.index = history_.size();
  out.time = history_.end();
  return out;
}

}  // namespace dml
