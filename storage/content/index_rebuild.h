// The chunk index made anew from what it describes: packs, rows of their own, and blobs.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.h"
#include "storage/engine/engine.h"

namespace dml {

struct IndexRebuildReport {
  uint64_t packs = 0;
  uint64_t chunks = 0;   // With a row, damaged ones included.
  uint64_t damaged = 0;  // That count as missing: wrong bytes, no readable base, or not there.
  std::vector<uint64_t> packs_without_footer;  // Only what their frames say themselves is restored.
  uint64_t blobs_without_list = 0;  // Whose list of chunks is not whole: nothing can be seen of it.
};

/// Throws the chunk index away and makes it anew. Nothing else may use the engine meanwhile. Reads
/// and hashes every stored frame; memory stays flat. A crash leaves a mark with which no content
/// store opens (INDEX_REBUILD_UNFINISHED) until a rebuild comes to its end.
///
/// What cannot be known becomes: the times of chunks and packs, `now`; which of several copies of a
/// chunk was the one in use, the newest that is right (a row of its own before all), but no delta
/// where another delta rests on the chunk; frames that decode to other bytes than they should,
/// though they are what was stored, sound until they are read again; chunks that came without the
/// end of a blob, unseen until they are sent again; and collected chunks whose packs are not
/// repacked yet, there again, unseen, for collection to find.
absl::StatusOr<IndexRebuildReport> RebuildIndex(Engine& engine, Timestamp now);

}  // namespace dml
