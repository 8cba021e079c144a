// What a version scheme has to say: how its versions become keys, and how its tools write ranges.
// One source file for each (semver.cc, npm_range.cc, ...) and one row in the table of scheme.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/version/range.h"
#include "core/version/version.h"

namespace dml {

/// The place of a version in its scheme.
struct VersionKey {
  std::string bytes;  // After the byte of the revision, which is there already.
  bool prerelease = false;
};

/// All versions that begin alike, as the ranges of some tools need them: "1.2.*".
struct VersionPattern {
  std::string low;   // No version of the pattern has a key below.
  std::string high;  // Nor one above; no version has this key.
};

struct SchemeRules {
  VersionScheme scheme;
  std::string_view name;           // In package specs and on command lines.
  std::string_view vers_type;      // In VERS texts.
  std::string_view revision_name;  // "semver@2".
  uint8_t revision;                // The first byte of every key.
  bool has_prereleases;            // Whether some of its versions are prereleases.

  /// Appends to the key what follows the revision. VERSION_INVALID with the position.
  absl::Status (*read_version)(std::string_view text, VersionKey& key);
  /// The pattern of a text that ends in '*'; null where the scheme knows none. Keys of the result
  /// begin with `revision`. VERSION_INVALID with the position.
  absl::StatusOr<VersionPattern> (*read_pattern)(std::string_view text);
  /// A range in the notation of the scheme's own tools; `prereleases` lifts the rule by which they
  /// leave prereleases out. VERSION_RANGE_INVALID with the position.
  absl::StatusOr<VersionRange> (*read_range)(std::string_view text, bool prereleases);
  /// The least key at or (where `after`) behind a key among releases or among prereleases; "" where
  /// there is none. Null where versions lie so densely that any gap of two keys may hold one.
  std::string (*first_key)(std::string_view key, bool after, bool prerelease);
};

const SchemeRules& RulesOf(VersionScheme scheme);
std::span<const SchemeRules> AllSchemeRules();

// The parts that scheme.cc puts together.
absl::Status ReadSemver(std::string_view text, VersionKey& key);
absl::Status ReadNpm(std::string_view text, VersionKey& key);    // As semver; a leading "v" passes.
absl::Status ReadCargo(std::string_view text, VersionKey& key);  // As semver; numbers of 64 bits.
std::string FirstSemverKey(std::string_view key, bool after, bool prerelease);
std::string FirstCargoKey(std::string_view key, bool after, bool prerelease);
absl::Status ReadDeb(std::string_view text, VersionKey& key);
absl::Status ReadRpm(std::string_view text, VersionKey& key);
absl::StatusOr<VersionPattern> ReadRpmPattern(std::string_view text);
absl::Status ReadPep440(std::string_view text, VersionKey& key);
absl::StatusOr<VersionPattern> ReadPep440Pattern(std::string_view text);
absl::Status ReadMaven(std::string_view text, VersionKey& key);
absl::StatusOr<VersionPattern> ReadMavenPattern(std::string_view text);
absl::Status ReadCalver(std::string_view text, VersionKey& key);
absl::Status ReadGeneric(std::string_view text, VersionKey& key);

absl::StatusOr<VersionRange> ReadSemverRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadNpmRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadCargoRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadPep440Range(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadMavenRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadDebRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadRpmRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadCalverRange(std::string_view text, bool prereleases);
absl::StatusOr<VersionRange> ReadGenericRange(std::string_view text, bool prereleases);

}  // namespace dml
