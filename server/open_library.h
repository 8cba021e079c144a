// Opens the library of a data directory, for the daemon and for work on it while none runs.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/trust/checkpoint.h"
#include "server/config/server_config.h"
#include "storage/content/index_rebuild.h"
#include "storage/library/library.h"

namespace dml {

/// Makes what is missing at the first start, the trust root among it. FAILED_PRECONDITION besides
/// the errors of the parts (storage/data_dir.h, storage/engine/rocksdb_engine.h,
/// storage/library/library.h, server/auth/bootstrap.h, server/auth/log_keys.h).
/// `commits`, where it is not null, is told of commits and must outlive the library.
absl::StatusOr<std::unique_ptr<Library>> OpenLibrary(const ServerConfig& config,
                                                     CommitObserver* commits = nullptr);

struct RootChange {
  uint64_t version = 0;
  bool log_key_changed = false;
  std::string moved_to;  // The new origin; "": the journal's name stays.
};

/// Sets the next trust root while no daemon runs, as SetRoot does; several where the journal lacks
/// some of before the last. The last one may name
///   the next key of the journal in the place of the current one, which then signs no more
///     (server/auth/log_keys.h);
///   a new origin for a journal that is behind what was signed (see PlanNewOrigin), with the
///     current one as previousOrigin. The entry names the last checkpoint that was signed, which
///     is kept as DataDir::previous_checkpoint.
/// `root_keys_lost`: takes a root that only its own root role has signed; every client must pin it
/// anew. The entry tells of it for ever. Of a root of another origin: ROOT_ORIGIN_UNEXPECTED.
/// NOT_FOUND (DATA_DIR_MISSING); ROOT_MISSING; the errors of WalkRoots and PrepareSetRoot.
absl::StatusOr<RootChange> SetRootsOffline(const ServerConfig& config,
                                           const std::vector<std::filesystem::path>& envelope_files,
                                           bool root_keys_lost);

/// What a root must say so that a journal which lost signed entries goes on.
struct NewOrigin {
  std::string origin;                     // A name for it, made by chance under the same host.
  std::string previous;                   // Its name now.
  uint64_t size = 0;                      // Entries that it has.
  uint64_t root_version = 0;              // In force.
  std::optional<Checkpoint> last_signed;  // Nullopt where that is lost.
};

/// Reads only. NOT_FOUND (DATA_DIR_MISSING); ROOT_MISSING; FAILED_PRECONDITION (JOURNAL_WHOLE)
/// where the journal has all that was signed: nothing is to be done then.
absl::StatusOr<NewOrigin> PlanNewOrigin(const ServerConfig& config);

/// Throws the views away and folds the journal anew, while no daemon runs on the data directory;
/// how many entries that were. NOT_FOUND (DATA_DIR_MISSING) where there is no library.
absl::StatusOr<uint64_t> RebuildLibraryViews(const ServerConfig& config);

/// Makes the index of stored content anew, while no daemon runs on the data directory; see
/// storage/content/index_rebuild.h. NOT_FOUND (DATA_DIR_MISSING) where there is no library.
absl::StatusOr<IndexRebuildReport> RebuildContentIndex(const ServerConfig& config);

}  // namespace dml
