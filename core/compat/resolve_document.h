// What is asked of a resolver, as a document that people write.
//
// Strict YAML or JSON; an unknown or repeated member is an error with its line and path:
//   schema: dml.resolve/v1
//   wanted: [{name: acme/app, range: "vers:semver/>=2.0.0"}, {kind: SERVICE, name: payments}]
//   pins: [{package: acme/lib, range: "vers:semver/<3.0.0", source: ticket 42}]
//   inUse: [packages/acme/lib/versions/2.1.0/variants/any]
//   mode: NEWEST
//   platform: linux-amd64
// Required are schema, and name, package and range where they stand. Defaults: kind PACKAGE, every
// version, mode NEWEST, any platform.
#pragma once

#include <string_view>

#include "core/compat/resolver.h"

namespace dml {

inline constexpr std::string_view kResolveSchema = "dml.resolve/v1";
inline constexpr size_t kMaxResolveDocumentBytes = 4 << 20;
inline constexpr size_t kMaxResolveWanted = 1000;
inline constexpr size_t kMaxResolvePins = 20'000;
inline constexpr size_t kMaxResolveInUse = 20'000;
inline constexpr size_t kMaxRelationNameBytes = 512;
inline constexpr size_t kMaxPinSourceBytes = 256;

/// INVALID_ARGUMENT (RESOLVE_REQUEST_INVALID, or the reason of the inner error such as
/// NAME_INVALID or VERSION_RANGE_INVALID), with the line.
absl::StatusOr<ResolveRequest> ParseResolveDocument(std::string_view text);

/// That a name is one of its kind: NAMESPACE/PACKAGE of kind PACKAGE, else 1 to
/// kMaxRelationNameBytes visible ASCII characters. INVALID_ARGUMENT (NAME_INVALID).
absl::Status ValidateRelationName(RelationKind kind, std::string_view name);

}  // namespace dml
