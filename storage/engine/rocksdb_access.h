// The database below an engine, for what only RocksDB itself can do.
#pragma once

#include <rocksdb/db.h>

#include "storage/engine/engine.h"

namespace dml {

/// Null for an engine that is not RocksDB's.
rocksdb::DB* DatabaseOf(Engine& engine);

}  // namespace dml
