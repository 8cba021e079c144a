// The process's limit on open files.
#pragma once

#include <cstdint>

#include "core/base/status.h"

namespace dml {

/// Raises the soft limit (RLIMIT_NOFILE) to the hard one. FAILED_PRECONDITION
/// (DESCRIPTOR_LIMIT_TOO_LOW) where that is below `needed`: gRPC 1.51 never accepts again after it
/// once ran out of descriptors (CVE-2023-4785).
absl::Status RequireDescriptors(uint64_t needed);

}  // namespace dml
