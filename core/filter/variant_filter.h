// The fields by which variants and packages are listed and searched (docs/filter.md).
#pragma once

#include "core/filter/filter.h"
#include "core/journal/records.h"

namespace dml {

/// namespace, name (the package part), package ("ns/name"), version, platform ("linux-amd64",
/// "any"), state (PUBLISHED, WITHDRAWN), license (declared), title, purl, publisher, labels.KEY,
/// published (time), files and size (of the payload, in bytes).
const FilterSchema& VariantFilterSchema();

/// For a filter parsed with VariantFilterSchema(). Versions are ordered by the record's scheme; a
/// version in the filter that this scheme cannot read is met by no version.
bool Matches(const Filter& filter, const VariantRecord& record);

/// namespace, name, package, title, latest (version; none where all are withdrawn), versions (their
/// number).
const FilterSchema& PackageFilterSchema();

/// For a filter parsed with PackageFilterSchema().
bool Matches(const Filter& filter, const PackageRecord& record);

}  // namespace dml
