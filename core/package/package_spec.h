// The package spec: a manifest's config blob, saying what a package is, provides and requires.
//
// A strict JSON document; an unknown or repeated member is an error with its path:
//   {"schema": "dml.package/v1", "package": "acme/payments-api", "version": "2.4.1",
//    "versionScheme": "semver", "platform": {"os": "linux", "arch": "amd64", "variant": "v8"},
//    "title", "description", "homepage", "purl": text, "labels": {key: value},
//    "license": {"declared": "MIT OR Apache-2.0", "unmapped": [short name, ...]},
//    "provides": [{"kind", "name", "version", "versionScheme"}, ...],
//    "requires": [{"anyOf": [{"kind", "name", "range"}, ...], "scope", "source"}, ...],
//    "conflicts", "breaks", "replaces": [{"kind", "name", "range", "scope", "source"}, ...]}
// Required are schema, package, version, versionScheme, license.declared, and name and anyOf where
// they stand. Defaults: kind PACKAGE, scope NODE, no platform: any, no range: every version, the
// versionScheme of a provision: the spec's own. Ranges are VERS texts ("vers:deb/>=2.36|<3").
//
// The bytes are stored and hashed as they came; this is the value read from them. Relation names of
// kind PACKAGE are "namespace/name"; a bare name in the document means the spec's own namespace and
// is completed when it is read. Names of other kinds are 1 to 256 visible ASCII characters.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/package/names.h"
#include "core/version/range.h"
#include "core/version/version.h"

namespace dml {

enum class RelationKind { kPackage, kAbi, kService, kSchema, kCapability };
/// Where a relation must hold: on the same node, somewhere in the environment, for every peer.
enum class RelationScope { kNode, kEnvironment, kEveryPeer };

/// What a package offers. No version: it satisfies only requirements without a range.
struct Provision {
  RelationKind kind = RelationKind::kPackage;
  std::string name;
  std::optional<Version> version;
};

/// A name with the versions of it that are meant.
struct RelationTarget {
  RelationKind kind = RelationKind::kPackage;
  std::string name;
  VersionRange range;  // VersionRange::All() where the document gives none.
};

/// Satisfied when any one of its targets is.
struct Requirement {
  std::vector<RelationTarget> any_of;
  RelationScope scope = RelationScope::kNode;
  std::string source;  // Where it comes from, verbatim: "Depends: libc6 (>= 2.36) | musl".
};

/// A target that must not be there (conflicts, breaks), or is superseded (replaces).
struct Relation {
  RelationTarget target;
  RelationScope scope = RelationScope::kNode;
  std::string source;
};

struct PackageSpec {
  PackageName package;
  Version version;
  Platform platform;  // Default: any.
  std::string title;
  std::string description;
  std::string homepage;
  std::string purl;                            // package-url, "" where there is none.
  std::string declared_license;                // SPDX expression in canonical text; NOASSERTION.
  std::vector<std::string> unmapped_licenses;  // Short names that no table knows, as found.
  std::map<std::string, std::string> labels;
  std::vector<Provision> provides;
  std::vector<Requirement> requires_all;
  std::vector<Relation> conflicts;
  std::vector<Relation> breaks;
  std::vector<Relation> replaces;
};

inline constexpr std::string_view kPackageSpecSchema = "dml.package/v1";
inline constexpr size_t kMaxPackageSpecBytes = 1 << 20;
inline constexpr size_t kMaxSpecRelations = 4096;  // Of all lists together, provisions included.
inline constexpr size_t kMaxSpecAlternatives = 64;
inline constexpr size_t kMaxSpecLabels = 64;
inline constexpr size_t kMaxUnmappedLicenses = 1024;
inline constexpr size_t kMaxSpecTitleBytes = 256;      // Also of an unmapped license name.
inline constexpr size_t kMaxSpecTextBytes = 16 << 10;  // Description, license, range.
inline constexpr size_t kMaxSpecUrlBytes = 2048;
inline constexpr size_t kMaxSpecSourceBytes = 4096;

/// INVALID_ARGUMENT (PACKAGE_SPEC_INVALID, or the reason of the inner error such as NAME_INVALID,
/// VERSION_INVALID, VERSION_RANGE_INVALID, LICENSE_EXPRESSION_INVALID) with the member's path.
/// Texts are one line without control characters, but for the description.
absl::StatusOr<PackageSpec> ParsePackageSpec(std::string_view json);

/// The document for a spec, pretty-printed with members in a fixed order and defaults left out. For
/// authors: stored bytes are never produced from a value that was read.
std::string FormatPackageSpec(const PackageSpec& spec);

std::string_view RelationKindName(RelationKind kind);     // "PACKAGE", "ABI", ...
std::string_view RelationScopeName(RelationScope scope);  // "NODE", "ENVIRONMENT", "EVERY_PEER".

}  // namespace dml
