// RocksDB's errors as absl::Status.
#pragma once

#include <string_view>

#include <rocksdb/status.h>

#include "core/base/status.h"

namespace dml {

/// OK, or one of the errors of engine.h and rocksdb_engine.h. `doing` and `path` say in the message
/// what was tried and on which database. NotFound is no error of the storage and becomes
/// INTERNAL: callers handle it before.
absl::Status FromRocksStatus(const rocksdb::Status& status, std::string_view doing,
                             std::string_view path);

}  // namespace dml
