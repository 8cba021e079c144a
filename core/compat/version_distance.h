// How far two semver versions are apart.
#pragma once

#include <cstdint>
#include <optional>

#include "core/package/package_spec.h"

namespace dml {

/// Units from `a` up to `b` (negative: b is older), where the parts before the unit are equal:
/// 1.30.2 to 1.32.0 are 2 minor versions. nullopt where they are not, or one is not of scheme
/// semver. A prerelease counts as the version that it leads to.
std::optional<int64_t> VersionDistance(const Version& a, const Version& b, VersionUnit unit);

/// Whether both versions have the parts that VersionDistance() counts.
bool HasVersionUnits(const Version& version);

/// Whether a step from `a` to a later `b` skips none: at most one unit within an equal larger part,
/// or to the first of the next larger one (for MINOR: 1.30 to 1.31, and 1.x to 2.0).
bool SkipsNoUnit(const Version& a, const Version& b, VersionUnit unit);

}  // namespace dml
