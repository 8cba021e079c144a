// For who cuts a journal: what witnesses said of what is cut off.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "storage/engine/engine.h"

namespace dml {

/// Drops the cosigned checkpoints (cosigned_checkpoints.h) of more than `size` entries.
absl::Status DropCosignedAbove(const Reader& reader, uint64_t size, Batch& batch);

}  // namespace dml
