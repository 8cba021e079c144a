// Asks a witness for its cosignature over HTTP (c2sp.org/tlog-witness, add-checkpoint).
#pragma once

#include <functional>
#include <vector>

#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "tools/tlog_http/http_log.h"

namespace dml {

/// Proof that the tree of `second` entries begins with that of `first`.
using ConsistencyOf =
    std::function<absl::StatusOr<std::vector<Digest>>(uint64_t first, uint64_t second)>;

/// The lines of this witness, and of nobody else, over a checkpoint of a log: `note` is what the
/// log signed. `witness_at` answers at its submission prefix; what it says is believed only where
/// its key has signed it. The errors of HttpLog::Post, of `consistency`, and
///   FAILED_PRECONDITION: WITNESS_REFUSED, it does not know the log or its key, or has no use for
///     what was sent; WITNESS_AHEAD, it has cosigned more entries than the checkpoint has;
///   DATA_LOSS (WITNESS_DISAGREES): by what it says, it has seen another history of the log;
///   PERMISSION_DENIED (COSIGNATURE_INVALID, COSIGNATURE_MISSING): its answer is not signed by it.
absl::StatusOr<std::vector<NoteSignature>> AskWitness(HttpLog& witness_at, const Witness& witness,
                                                      const Note& note,
                                                      const Checkpoint& checkpoint,
                                                      const ConsistencyOf& consistency);

}  // namespace dml
