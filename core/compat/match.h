// Whether what a package offers is what a relation means.
#pragma once

#include <vector>

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

/// The versions with which a package offers the target's kind and name, whatever its range: its own
/// where it is that package, and those that it provides; null for one without a version.
std::vector<const Version*> OfferedVersions(const PackageSpec& spec, const RelationTarget& target);

/// Whether the two can be on one node: each of os and arch is equal, or empty (any) in one of them.
bool FitsPlatform(const Platform& a, const Platform& b);

}  // namespace dml
