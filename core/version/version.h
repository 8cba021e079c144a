// Versions of several schemes, each parsed to a byte string that sorts as the scheme orders.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// How a version is written and ordered.
enum class VersionScheme {
  kSemver,  // Semantic Versioning 2.0.0 (semver.org).
  kDeb,     // Debian Policy 5.6.12: [epoch:]upstream[-revision].
};

/// "semver" or "deb": the word in package specs and VERS texts.
std::string_view VersionSchemeName(VersionScheme scheme);

/// The name with the revision of the rules built in here, such as "semver@2". Verdicts record it,
/// so that a verdict made under other rules can be told apart.
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
/// Keys of different schemes must not be compared. Encoding, with number(n) being the count of
/// decimal digits without leading zeros (one byte, or 255 and the count less 255), then the digits:
///   semver  number(major) number(minor) number(patch) then 2 for a release, or 1, then for each
///           prerelease identifier 1 number(n) or 2 text 0, then 0
///   deb     number(epoch) part(upstream) part(revision); a part alternates non-digits and number,
///           starting with non-digits and ending in 2; non-digits are '~' as 1, letters as
///           themselves, others with the top bit set, then 2
class Version {
 public:
  Version() = default;

  /// Reads a version strictly: no blanks around it, no leading "v" or "=". INVALID_ARGUMENT
  /// (VERSION_INVALID) names the position and what is wrong there.
  ///
  /// semver: major, minor and patch at most 2^53-1 as in node-semver; numeric prerelease
  /// identifiers of any length (time stamps exceed 2^53). deb: the epoch at most 2^31-1 as in dpkg,
  /// the upstream version starts with a digit.
  static absl::StatusOr<Version> Parse(VersionScheme scheme, std::string_view text);

  VersionScheme scheme() const { return scheme_; }
  /// As it was parsed, byte for byte.
  const std::string& text() const { return text_; }
  const std::string& key() const { return key_; }
  bool empty() const { return text_.empty(); }

 private:
  Version(VersionScheme scheme, std::string_view text, std::string key)
      : scheme_(scheme), text_(text), key_(std::move(key)) {}

  VersionScheme scheme_ = VersionScheme::kSemver;
  std::string text_;
  std::string key_;
};

/// The order of precedence. Versions of different schemes are ordered by scheme, which means
/// nothing beyond making this a total order; test scheme() first where it matters.
std::weak_ordering Compare(const Version& a, const Version& b);

}  // namespace dml
