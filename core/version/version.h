// Versions of several schemes, each parsed to a byte string that sorts as the scheme orders.
#pragma once

#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// How a version is written and ordered.
enum class VersionScheme {
  kSemver,   // Semantic Versioning 2.0.0 (semver.org).
  kDeb,      // Debian Policy 5.6.12: [epoch:]upstream[-revision].
  kRpm,      // rpm-version(7): [epoch:]version[-release], with '~' and '^'.
  kPep440,   // Python: PEP 440, with epochs and local versions.
  kMaven,    // Apache Maven's ComparableVersion, as of Maven 3.9.
  kNpm,      // Semantic versions as node-semver reads them: a leading "v" passes.
  kCargo,    // Semantic versions of Rust crates: numbers of 64 bits.
  kCalver,   // Calendar versions; grammar in docs/formats.md.
  kGeneric,  // Anything else; grammar in docs/formats.md.
};

/// All schemes, and their names in the same order.
std::span<const VersionScheme> AllVersionSchemes();
std::span<const std::string_view> VersionSchemeNames();

/// "semver", "deb", ...: the word in package specs, messages and on command lines.
std::string_view VersionSchemeName(VersionScheme scheme);

/// The name with the revision of the rules built in here, such as "semver@2". Verdicts record it,
/// so that a verdict made under other rules can be told apart; keys begin with its number.
std::string_view VersionSchemeRevision(VersionScheme scheme);

/// Reads a scheme's name; INVALID_ARGUMENT (VERSION_SCHEME_UNKNOWN) for any other word.
absl::StatusOr<VersionScheme> ParseVersionScheme(std::string_view name);

/// Longest version text in bytes, for every scheme (the limit of node-semver).
inline constexpr size_t kMaxVersionBytes = 256;

/// One version: its text as written and its place in the order of its scheme. A value type; the
/// default is empty, is no version of any package, and sorts before all semver versions.
///
/// The key is a byte string with memcmp order: key(a) < key(b) exactly when a precedes b, and equal
/// keys mean equal precedence, not equal text ("1.0" and "1.00" of deb; semver's build metadata).
/// No key is a prefix of another one. Keys of different schemes, and of different revisions of a
/// scheme (the first byte), must not be compared. Encodings: docs/formats.md, "Version keys".
class Version {
 public:
  Version() = default;

  /// Reads a version strictly: ASCII, no blanks around it, no leading "v" or "=" but where the
  /// scheme has it, at most kMaxVersionBytes. INVALID_ARGUMENT (VERSION_INVALID) names the position
  /// and what is wrong there.
  ///
  /// semver: major, minor and patch at most 2^53-1 as in node-semver; numeric prerelease
  /// identifiers of any length (time stamps exceed 2^53). deb: the epoch at most 2^31-1 as in dpkg,
  /// the upstream version starts with a digit. Other numbers may have any length.
  static absl::StatusOr<Version> Parse(VersionScheme scheme, std::string_view text);

  /// A bound of a range that stands for all versions that begin alike: "1.2.*" of maven, "1.0-*"
  /// (any release) of rpm, "1.0+*" (with any local part) and "1.0.post*" of pep440. Not a version
  /// of anything: is_pattern() holds, and only VersionRange takes it. VERSION_INVALID where the
  /// scheme knows no such pattern.
  static absl::StatusOr<Version> ParsePattern(VersionScheme scheme, std::string_view text);

  VersionScheme scheme() const { return scheme_; }
  /// As it was parsed, byte for byte.
  const std::string& text() const { return text_; }
  const std::string& key() const { return key_; }
  bool empty() const { return text_.empty(); }
  /// Whether it is before a release: semver's prereleases (npm and cargo as well), and alpha, beta,
  /// candidate and development versions of pep440. False in other schemes, whose tools make no
  /// difference.
  bool is_prerelease() const { return prerelease_; }

  bool is_pattern() const { return !end_.empty(); }
  /// Of a pattern: sorts behind the keys of all its versions, whose least is key().
  const std::string& pattern_end() const { return end_; }

 private:
  Version(VersionScheme scheme, std::string_view text) : scheme_(scheme), text_(text) {}

  VersionScheme scheme_ = VersionScheme::kSemver;
  bool prerelease_ = false;
  std::string text_;
  std::string key_;
  std::string end_;
};

/// The order of precedence. Versions of different schemes are ordered by scheme, which means
/// nothing beyond making this a total order; test scheme() first where it matters.
std::weak_ordering Compare(const Version& a, const Version& b);

}  // namespace dml
