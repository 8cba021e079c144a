// The fields by which releases are listed (docs/filter.md).
#pragma once

#include "core/filter/filter.h"
#include "core/journal/release_records.h"

namespace dml {

/// name, version (a text), release ("name@version"), type (MAJOR, ...), state (SEALED, ...),
/// environments and evidence (each in one text, a blank between two), author, sealed
/// (time), digest.
const FilterSchema& ReleaseFilterSchema();

/// For a filter parsed with ReleaseFilterSchema().
bool Matches(const Filter& filter, const ReleaseRecord& record);

}  // namespace dml
