// The package spec: a manifest's config blob, saying what a package is, provides and requires.
//
// A strict JSON document (docs/formats.md, "Package spec"); an unknown or repeated member is an
// error with its path. The bytes are stored and hashed as they came; this is the value read from
// them. Relation names of kind PACKAGE are "namespace/name"; a bare name in the document means the
// spec's own namespace and is completed when it is read.
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
  std::string purl;                           // package-url, "" where there is none.
  std::string declared_license;               // SPDX expression in canonical text; NOASSERTION.
  std::vector<std::string> unmapped_licenses;  // Short names that no table knows, as found.
  std::map<std::string, std::string> labels;
  std::vector<Provision> provides;
  std::vector<Requirement> requires_all;
  std::vector<Relation> conflicts;
  std::vector<Relation> breaks;
  std::vector<Relation> replaces;
};

inline constexpr size_t kMaxPackageSpecBytes = 1 << 20;

/// INVALID_ARGUMENT (PACKAGE_SPEC_INVALID, or the reason of the inner error) with the member's path.
absl::StatusOr<PackageSpec> ParsePackageSpec(std::string_view json);

/// The document for a spec, pretty-printed with members in a fixed order. For authors: stored bytes
/// are never produced from a value that was read.
std::string FormatPackageSpec(const PackageSpec& spec);

std::string_view RelationKindName(RelationKind kind);      // "PACKAGE", "ABI", ...
std::string_view RelationScopeName(RelationScope scope);  // "NODE", "ENVIRONMENT", "EVERY_PEER".

}  // namespace dml
