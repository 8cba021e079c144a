// zstd contexts, one of each kind a thread: making one costs more than a small chunk does.
#pragma once

#include <zstd.h>

namespace dml {

/// This thread's own; never null (the process ends where memory does). Whoever sets parameters,
/// prefixes or dictionaries resets the context (ZSTD_reset_session_and_parameters) before the next
/// user gets it.
ZSTD_CCtx* ThreadCompressor();
ZSTD_DCtx* ThreadDecompressor();

}  // namespace dml
