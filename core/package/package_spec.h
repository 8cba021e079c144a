// The package spec: a manifest's config blob, saying what a package is, provides and requires.
//
// A strict JSON document; an unknown or repeated member is an error with its path:
//   {"schema": "dml.package/v1", "package": "acme/payments-api", "version": "2.4.1",
//    "versionScheme": "semver", "kind": "PACKAGE", "platform": {"os": "linux", "arch": "amd64",
//    "variant": "v8"}, "title", "description", "homepage", "purl": text, "labels": {key: value},
//    "license": {"declared": "MIT OR Apache-2.0", "unmapped": [short name, ...]},
//    "provides": [{"kind", "name", "version", "versionScheme"}, ...],
//    "requires": [{"anyOf": [{"kind", "name", "range"}, ...], "scope", "source"}, ...],
//    "conflicts", "breaks", "replaces": [{"kind", "name", "range", "scope", "source"}, ...],
//    "coexists": [{"service", "unit", "older", "newer", "scope", "source"}, ...],
//    "upgrade": {"from", "noSkip", "after": [{"kind", "name", "range", "source"}, ...],
//                "rollbackTo", "pointOfNoReturn", "source"}}
// Required are schema, package, version, versionScheme, license.declared, and name and anyOf where
// they stand. Defaults: kind PACKAGE (also of the package, which is PACKAGE or REFERENCE), scope
// NODE, no platform: any, no range: every version, the versionScheme of a provision: the spec's
// own; scope ENVIRONMENT for coexists, older and newer 0; "upgrade" from and to every version,
// without an order. Ranges are VERS texts
// ("vers:deb/>=2.36|<3").
//
// The bytes are stored and hashed as they came; this is the value read from them. Relation names of
// kind PACKAGE are "namespace/name"; a bare name in the document means the spec's own namespace and
// is completed when it is read. Names of other kinds are 1 to 256 visible ASCII characters.
#pragma once

#include <compare>
#include <cstdint>
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

/// A part of a semver version, for distances between versions.
enum class VersionUnit { kMajor, kMinor, kPatch };

/// Skew: every peer that provides the service may be at most so many units older or newer than
/// this package, and equal in the parts before the unit.
struct Coexistence {
  std::string service;
  VersionUnit unit = VersionUnit::kMinor;
  uint64_t older = 0;
  uint64_t newer = 0;
  RelationScope scope = RelationScope::kEnvironment;  // Or kNode: peers on the same node.
  std::string source;
};

/// That an upgrade waits until whatever else offers the name is in the range.
struct UpgradeAfter {
  RelationTarget target;
  std::string source;
};

/// How a running package is brought to this version, and back from it.
struct UpgradeRules {
  VersionRange from = VersionRange::All();  // Versions that may be upgraded directly.
  std::optional<VersionUnit> no_skip;       // At most one such unit at a time, within one of the
                                            // next larger unit.
  std::vector<UpgradeAfter> after;
  VersionRange rollback_to = VersionRange::All();  // Versions that it may be taken back to.
  std::string point_of_no_return;  // The schema that it writes in a way that none before can read;
                                   // "" where there is none. There is no way back then.
  std::string source;
};

struct PackageSpec {
  PackageName package;
  Version version;
  Platform platform;          // Default: any.
  bool is_reference = false;  // Kind REFERENCE: relations without files, for planning alone.
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
  std::vector<Coexistence> coexists;
  std::optional<UpgradeRules> upgrade;
};

inline constexpr std::string_view kPackageSpecSchema = "dml.package/v1";
inline constexpr size_t kMaxPackageSpecBytes = 1 << 20;
inline constexpr size_t kMaxSpecRelations = 4096;  // Of all lists together, provisions included.
inline constexpr uint64_t kMaxSkewUnits = 1000;
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
std::string_view VersionUnitName(VersionUnit unit);       // "MAJOR", "MINOR", "PATCH".

}  // namespace dml
