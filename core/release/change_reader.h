// The member `changes[n]` of a release and of a ticket system's export. Internal to core/release.
#pragma once

#include <vector>

#include "core/base/strict_json.h"
#include "core/release/release.h"

namespace dml {

/// Reads a list that is a set of texts: each of 1 to `max_bytes` without control characters, none
/// twice. In ascending order, or put in order where `sorts`.
std::vector<std::string> ReadTextSet(ObjectReader& in, std::string_view key, size_t max_items,
                                     size_t max_bytes, bool sorts);

/// Reads the members of a change; the caller may read more, and calls Finish().
ReleaseChange ReadChangeMembers(ObjectReader& in, bool sorts);
nlohmann::json ReleaseChangeJson(const ReleaseChange& change);

}  // namespace dml
