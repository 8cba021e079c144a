// Opens the library of a data directory, for the daemon and for work on it while none runs.
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/status.h"
#include "server/config/server_config.h"
#include "storage/content/index_rebuild.h"
#include "storage/library/library.h"

namespace dml {

/// Makes what is missing at the first start, the trust root among it. FAILED_PRECONDITION besides
/// the errors of the parts (storage/data_dir.h, storage/engine/rocksdb_engine.h,
/// storage/library/library.h, server/auth/bootstrap.h, server/auth/log_keys.h).
absl::StatusOr<std::unique_ptr<Library>> OpenLibrary(const ServerConfig& config);

struct RootChange {
  uint64_t version = 0;
  bool log_key_changed = false;
};

/// Sets the next trust root while no daemon runs, as SetRoot does; it may name the next key of the
/// journal in the place of the current one, which then signs no more (server/auth/log_keys.h).
/// `root_keys_lost`: takes a root that only its own root role has signed; every client must pin it
/// anew. The entry tells of it for ever. NOT_FOUND (DATA_DIR_MISSING); ROOT_MISSING; the errors of
/// PrepareSetRoot.
absl::StatusOr<RootChange> SetRootOffline(const ServerConfig& config,
                                          const std::filesystem::path& envelope_file,
                                          bool root_keys_lost);

/// Makes the index of stored content anew, while no daemon runs on the data directory; see
/// storage/content/index_rebuild.h. NOT_FOUND (DATA_DIR_MISSING) where there is no library.
absl::StatusOr<IndexRebuildReport> RebuildContentIndex(const ServerConfig& config);

}  // namespace dml
