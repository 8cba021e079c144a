// Which chunks of a package may be stored as deltas upon which: decided from the views.
//
// A variant's files are held against those of the version before it, in the order of the package's
// version scheme and on the same platform: a file against the one of the same path, and files whose
// paths the other version lacks (versions in file names), against each other in order. Stateless;
// any thread.
#pragma once

#include <functional>

#include "storage/content/content_store.h"
#include "storage/content/delta_maker.h"
#include "storage/views/library_view.h"

namespace dml {

/// The plan for one blob against its predecessor; nothing is planned for chunks that both have.
/// NOT_FOUND (BLOB_NOT_FOUND). Memory: about 200 bytes for each chunk of both.
absl::StatusOr<DeltaPlan> PlanBlobDeltas(ContentStore& store, std::string ns,
                                         const Digest& predecessor, const Digest& blob);

/// Calls `visit` with the plan of each file, from the lowest version up, so that what it does to
/// one version is seen in the plan of the next; ends with its first error. Left out are variants
/// whose payload is gone, and pairs whose newer one was published at or before the entry
/// `done_index`, which is how a caller goes on without trying again what did not pay.
absl::Status PlanPackageDeltas(const Reader& views, ContentStore& store, const PackageName& package,
                               uint64_t done_index,
                               const std::function<absl::Status(const DeltaPlan&)>& visit);

}  // namespace dml
