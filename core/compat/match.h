// Whether what a package offers is what a relation means.
#pragma once

#include "core/package/package_spec.h"

namespace dml {

/// In ascending order of how much they help.
enum class Match { kNo, kNotProven, kYes };

/// `range` null: any version will do; `version` null: offered without one, which meets only a
/// relation that means any version (Debian Policy 7.5). A range of another scheme decides nothing.
Match MatchVersion(const VersionRange* range, const Version* version);
inline Match MatchVersion(const VersionRange& range, const Version* version) {
  return MatchVersion(range.IsAll() ? nullptr : &range, version);
}

/// Whether the two can be on one node: each of os and arch is equal, or empty (any) in one of them.
bool FitsPlatform(const Platform& a, const Platform& b);

}  // namespace dml
