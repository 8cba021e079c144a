// What commands on compatibility take: a name with the versions of it that are meant.
#pragma once

#include <string_view>

#include "core/package/package_spec.h"

namespace dml {

/// "[KIND:]NAME[ RANGE]", KIND being package (where it is not told), abi, service, schema or
/// capability, and RANGE a VERS text or SCHEME:RANGE in the notation of the scheme's tools:
///   acme/api            "acme/api vers:semver/>=2.0.0|<3.0.0" "debian/libc6 deb:>= 2.36"
///   service:payments    "service:payments semver:^2"
/// INVALID_ARGUMENT (ARGUMENT_INVALID, NAME_INVALID, VERSION_SCHEME_UNKNOWN,
/// VERSION_RANGE_INVALID).
absl::StatusOr<RelationTarget> ParseRelationArgument(std::string_view text);

}  // namespace dml
