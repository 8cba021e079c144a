// A library as it was: the journal cut to its first entries, and the views of those.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "storage/engine/engine.h"

namespace dml {

/// Drops the entries from number `size` on, the tree's nodes that cover them, and cosigned
/// checkpoints of later sizes, then folds the views anew. Content stays as it is: what was let go
/// after that moment does not come back. For an engine that nobody else uses, and a copy: what is
/// cut off is gone. INVALID_ARGUMENT (JOURNAL_SIZE_INVALID) unless 0 < size <= the journal's.
absl::Status CutJournal(Engine& engine, uint64_t size);

}  // namespace dml
