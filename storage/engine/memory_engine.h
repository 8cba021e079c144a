// The storage engine in memory: for tests, and for views built only to be compared.
#pragma once

#include <memory>

#include "storage/engine/engine.h"

namespace dml {

/// An empty engine; see engine.h for the contract. Nothing survives its end and no call fails, so
/// both durabilities are the same. A snapshot costs a copy of the keys of every table that is
/// written while it lives; a cursor costs a copy of the keys of its range.
std::unique_ptr<Engine> NewMemoryEngine();

}  // namespace dml
