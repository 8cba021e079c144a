// Sweeps: delete the rows of the content plane that no mark names, a few at a time.
//
// Each row is deleted under ChunkStore::index_mutex, within a removal of what an upload would lease
// to rely on it (LeaseTable), and only where it is not young: stored longer ago than a lease lasts.
// Uploads go on between the batches.
//
// Marks are of some moment. What came to be referred to after it was leased before that, by whoever
// did; so marks are good for half a lease, which leaves the other half to the longest pause between
// a lease and the reference that it was taken for. A sweep answers false where they are older: mark
// anew and go on. Whatever was deleted until then stays deleted; deletions are in order, but not
// yet durable.
#pragma once

#include <functional>

#include "core/content/upkeep.h"
#include "storage/collect/marking.h"
#include "storage/content/chunk_store.h"

namespace dml {

struct Sweep {
  ChunkStore& store;
  StepFn step;               // Called before each batch; see marking.h.
  CollectionRecord& record;  // Where it is counted.
  size_t batch_rows = 128;
  Timestamp marks_good_until{};
};

/// Plain uploads whose last chunk is not leased any more.
absl::StatusOr<bool> SweepPartials(Sweep& sweep);

// The following look at digests in the range of `marks` only.

/// Marks: MarkPayload.
absl::StatusOr<bool> SweepVisibleBlobs(Sweep& sweep, const MarkSet& marks,
                                       NamespaceNumbers& numbers);
/// Marks: MarkVisibleBlobs.
absl::StatusOr<bool> SweepBlobs(Sweep& sweep, const MarkSet& marks);
/// Marks: MarkChunksOfNamespaces.
absl::StatusOr<bool> SweepVisibleChunks(Sweep& sweep, const MarkSet& marks,
                                        NamespaceNumbers& numbers);
/// Delta frames alone. Marks: MarkChunks.
absl::StatusOr<bool> SweepDeltas(Sweep& sweep, const MarkSet& marks);
/// All frames, and the damage noted of chunks that are not there. Marks: MarkChunks and MarkBases.
/// Whoever makes a delta leases its base before looking whether it is there.
absl::StatusOr<bool> SweepChunks(Sweep& sweep, const MarkSet& marks);

}  // namespace dml
