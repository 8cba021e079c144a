// Sets of versions, as intervals on the line of version keys.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/version/version.h"

namespace dml {

/// An operator of a comparison against one version.
enum class VersionOp { kLess, kLessEqual, kEqual, kNotEqual, kGreaterEqual, kGreater };

/// "<", "<=", "=", "!=", ">=" or ">".
std::string_view VersionOpText(VersionOp op);

/// One comparison, such as ">= 2.36".
struct VersionComparator {
  VersionOp op = VersionOp::kEqual;
  Version version;
};

/// Most constraints in one VERS text.
inline constexpr size_t kMaxVersConstraints = 256;

/// A set of versions: all versions of all schemes, or sorted disjoint intervals of one scheme.
/// A value type; the default holds no version.
///
/// Set relations work on the intervals of keys, so they are exact for every key that could exist.
/// Where no version fits between two keys (semver: below 0.0.0-0), an interval may hold none and
/// still count as not empty. Prereleases are ordinary points of the line: ">=1.0.0" of semver holds
/// 1.1.0-rc.1, as VERS has it.
class VersionRange {
 public:
  /// No version at all.
  VersionRange() = default;
  /// Every version of every scheme; also what a missing range in a document means.
  static VersionRange All();
  /// Every version of one scheme: "vers:deb/*".
  static VersionRange AllOf(VersionScheme scheme);

  /// Reads a VERS text (package-url vers-spec, clause 5) of scheme semver or deb, strictly: no
  /// blanks, constraints sorted by version, each version once, comparators alternating, "=" implied
  /// and never written. "vers:all/*" is All() and "vers:none/*" the empty range. A text of "!="
  /// alone holds every other version of the scheme. Percent-encoding is decoded once. At most
  /// kMaxVersConstraints. INVALID_ARGUMENT (VERSION_RANGE_INVALID) says which constraint is wrong;
  /// a scheme that is not built in is refused with the same reason.
  static absl::StatusOr<VersionRange> ParseVers(std::string_view text);

  /// The versions of `scheme` that meet all comparators; all of the scheme where there are none.
  /// INVALID_ARGUMENT (VERSION_RANGE_INVALID) for a version of another scheme or an empty one.
  static absl::StatusOr<VersionRange> FromComparators(
      VersionScheme scheme, std::span<const VersionComparator> comparators);

  /// Whether the version is in the set. Never for a version of another scheme or an empty one,
  /// except by All(), which holds everything. Logarithmic in the number of intervals.
  bool Contains(const Version& version) const;

  bool IsAll() const { return !scheme_.has_value() && !intervals_.empty(); }
  bool IsEmpty() const { return intervals_.empty(); }
  /// The scheme of the versions in it; none for All() and for the empty range.
  std::optional<VersionScheme> scheme() const { return scheme_; }

  /// The canonical VERS text, which ParseVers reads back to an equal range (up to
  /// kMaxVersConstraints). A bound is written as the text of the version it came from.
  std::string ToVers() const;
  /// For people: "any version", ">= 2.36, < 3", "< 1 or >= 2, != 2.5".
  std::string ToWords() const;

  /// What the author wrote, verbatim, in the notation of the native tool ("^1.2", "(>= 2.36)");
  /// empty where there is none. It takes no part in equality and is lost in set operations.
  const std::string& native() const { return native_; }
  VersionRange WithNative(std::string text) const;

  friend VersionRange Intersect(const VersionRange& a, const VersionRange& b);
  friend absl::StatusOr<VersionRange> Union(const VersionRange& a, const VersionRange& b);

  /// The versions of the same scheme that are not in it; All() and the empty range are each other's
  /// complement, so AllOf(scheme) comes back as All() when complemented twice.
  VersionRange Complement() const;
  bool IsSubsetOf(const VersionRange& other) const;

  /// The same versions, whatever the texts.
  bool operator==(const VersionRange& other) const;

 private:
  // A cut of the key line just before or just after a key. The line's ends are the cut before the
  // empty key, and the cut before kTop, which is greater than the first byte of every key.
  struct Cut {
    std::string key;
    bool after = false;
    std::string text;  // Of the version with this key, for printing.

    bool operator<(const Cut& other) const;
    bool operator==(const Cut& other) const { return key == other.key && after == other.after; }
  };
  struct Interval {
    Cut from;
    Cut to;  // from < to.
  };
  static constexpr std::string_view kTop = "\xff";
  // The comparisons that describe the range, in the order and form of VERS.
  struct Constraint {
    VersionOp op;
    const std::string* text;
  };

  static Cut Bottom() { return {}; }
  static Cut Top() { return {std::string(kTop), false, ""}; }
  static Cut Before(const Version& version) { return {version.key(), false, version.text()}; }
  static Cut After(const Version& version) { return {version.key(), true, version.text()}; }
  static VersionRange Make(std::optional<VersionScheme> scheme, std::vector<Interval> intervals);
  static absl::StatusOr<VersionRange> FromVersConstraints(
      VersionScheme scheme, std::span<const VersionComparator> constraints);
  bool IsWholeLine() const;
  std::vector<Constraint> Constraints() const;

  std::optional<VersionScheme> scheme_;  // Absent for All() and for the empty range.
  std::vector<Interval> intervals_;      // Ascending, with gaps between them.
  std::string native_;
};

/// The versions in both.
VersionRange Intersect(const VersionRange& a, const VersionRange& b);
/// The versions in either. INVALID_ARGUMENT (VERSION_SCHEME_MISMATCH) for two schemes, since a
/// range holds one.
absl::StatusOr<VersionRange> Union(const VersionRange& a, const VersionRange& b);

}  // namespace dml
