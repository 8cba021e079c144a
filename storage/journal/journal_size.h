// For who cuts a journal.
#pragma once

#include <cstdint>

#include "storage/engine/engine.h"

namespace dml {

/// As if the journal had so many entries; rows beyond are the caller's to drop.
void SetJournalSize(uint64_t size, Batch& batch);

}  // namespace dml
