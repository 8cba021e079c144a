// How much the library stores, for whom, and what a collection would free.
//
// The one source of these figures: the command line, the services and metrics tell what this
// measured. Functions without state; any thread.
#pragma once

#include "core/content/upkeep.h"
#include "storage/collect/marking.h"
#include "storage/collect/roots.h"

namespace dml {

/// Walks all of the index, and all lists of chunks once for each `mark_bytes` of marks. `sources`:
/// measures as if what they do not name had been let go; empty: as things are. Errors as marking.h.
absl::StatusOr<StorageFigures> MeasureStorage(const Reader& reader, RootSources sources,
                                              Timestamp now, size_t mark_bytes, StepFn step);

}  // namespace dml
