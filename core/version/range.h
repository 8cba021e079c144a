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

/// Longest text of a range in bytes, in any notation, and most comparators in one.
inline constexpr size_t kMaxRangeBytes = 16 * 1024;
inline constexpr size_t kMaxRangeComparators = 256;

/// Whether a native notation's own rule about prereleases is followed (npm and cargo hold them only
/// where a comparator names one of the same three numbers; pep440 only where a specifier names
/// any), or they are points of the line like releases.
enum class PrereleaseRule { kOfTool, kAdmitAll };

/// A set of versions: all versions of all schemes, or sorted disjoint intervals of one scheme.
/// A value type; the default holds no version.
///
/// Releases and prereleases (Version::is_prerelease) may have different intervals, since rules of
/// tools about prereleases are not intervals of the whole line; so unions, complements and subsets
/// of such ranges are exact, too. In a plain range, such as every one read from a VERS text without
/// ";pre=", both have the same: ">=1.0.0" of semver holds 1.1.0-rc.1.
///
/// Set relations work on the intervals of keys. They are exact for semver, npm and cargo, where an
/// interval without a version counts as empty; in other schemes versions lie so densely that a gap
/// between two keys may hold one, and counts as not empty.
class VersionRange {
 public:
  /// No version at all.
  VersionRange() = default;
  /// Every version of every scheme; also what a missing range in a document means.
  static VersionRange All();
  /// Every version of one scheme: "vers:deb/*".
  static VersionRange AllOf(VersionScheme scheme);

  /// Reads a VERS text (package-url vers-spec, clause 5) of any scheme, strictly: no blanks,
  /// constraints sorted by version, each version once, comparators alternating, "=" implied and
  /// never written. "vers:all/*" is All() and "vers:none/*" the empty range. A text of "!=" alone
  /// holds every other version of the scheme. Percent-encoding is decoded once. At most
  /// kMaxVersConstraints. Beyond VERS: patterns (Version::ParsePattern) stand for versions, and
  /// ";pre=" and constraints, "*" or nothing may follow: then these are the prereleases, and what
  /// stands before them are the releases. INVALID_ARGUMENT (VERSION_RANGE_INVALID) says which
  /// constraint is wrong; a scheme that is not built in is refused with the same reason.
  static absl::StatusOr<VersionRange> ParseVers(std::string_view text);

  /// Reads a range as the scheme's tools write it ("^1.2 || 2.x", "~=1.4.2", "[1,2)", ">= 2.36");
  /// the grammars are in docs/cli.md. Its text becomes native(). A VERS text of the scheme passes,
  /// too. INVALID_ARGUMENT (VERSION_RANGE_INVALID) with the position.
  static absl::StatusOr<VersionRange> ParseNative(VersionScheme scheme, std::string_view text,
                                                  PrereleaseRule rule = PrereleaseRule::kOfTool);

  /// The versions of `scheme` that meet all comparators; all of the scheme where there are none.
  /// INVALID_ARGUMENT (VERSION_RANGE_INVALID) for a version of another scheme or an empty one.
  static absl::StatusOr<VersionRange> FromComparators(
      VersionScheme scheme, std::span<const VersionComparator> comparators);

  /// Whether the version is in the set. Never for a version of another scheme, a pattern or an
  /// empty one, except by All(), which holds everything. Logarithmic in the number of intervals.
  bool Contains(const Version& version) const;

  bool IsAll() const { return !scheme_.has_value() && !lines_.empty(); }
  bool IsEmpty() const { return lines_.empty(); }
  /// The scheme of the versions in it; none for All() and for the empty range.
  std::optional<VersionScheme> scheme() const { return scheme_; }

  /// The releases, or the prereleases, in it. In a scheme that makes no difference all are
  /// releases. Not of All(), which stays what it is.
  VersionRange OnlyReleases() const;
  VersionRange OnlyPrereleases() const;

  /// Where its versions lie on the line of keys: from `low` to `high`, both included, and nothing
  /// but the one version with that key where `is_point`.
  struct Span {
    std::string low;   // "": no bound.
    std::string high;  // "": no bound.
    bool is_point = false;
  };
  /// None of All() and of the empty range.
  std::optional<Span> span() const;

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
    std::string text;  // Of the version (or pattern) that it came from, for printing.
    std::string low;   // Where after: the key of the cut before the same version or pattern.

    bool operator<(const Cut& other) const;
    bool operator==(const Cut& other) const { return key == other.key && after == other.after; }
  };
  struct Interval {
    Cut from;
    Cut to;  // from < to.
    bool operator==(const Interval&) const = default;
  };
  using Line = std::vector<Interval>;  // Ascending, with gaps between them.
  static constexpr std::string_view kTop = "\xff";
  static constexpr size_t kReleases = 0, kPrereleases = 1;
  // The comparisons that describe the range, in the order and form of VERS.
  struct Constraint {
    VersionOp op;
    const std::string* text;
  };

  static Cut Bottom() { return {}; }
  static Cut Top() { return {std::string(kTop), false, "", ""}; }
  static Cut Before(const Version& version) { return {version.key(), false, version.text(), ""}; }
  static Cut After(const Version& version);
  static Line Everything() { return {{Bottom(), Top()}}; }
  static bool IsEverything(const Line& line) { return line == Everything(); }
  // Leaves out intervals that cannot hold a version, and keeps one line where both are the same.
  static VersionRange Make(std::optional<VersionScheme> scheme, std::vector<Line> lines);
  static bool MayHold(VersionScheme scheme, const Interval& interval, size_t line);
  static absl::StatusOr<Line> ReadConstraints(VersionScheme scheme, std::string_view text);
  static absl::StatusOr<Line> FromVersConstraints(VersionScheme scheme,
                                                  std::span<const VersionComparator> constraints);
  static std::vector<Constraint> Constraints(const Line& line);
  static std::string LineText(const Line& line);
  static std::string LineWords(const Line& line);
  const Line& line(size_t i) const { return lines_.size() == 1 ? lines_[0] : lines_[i]; }
  VersionRange OnlyLine(size_t kept) const;
  // The same operation on both lines, or on the one that stands for both.
  template <typename Operation>
  static std::vector<Line> EachLine(const VersionRange& a, const VersionRange& b, Operation op);

  std::optional<VersionScheme> scheme_;  // Absent for All() and for the empty range.
  std::vector<Line> lines_;  // None: the empty range. One: of both. Two: releases, prereleases.
  std::string native_;
};

/// The versions in both.
VersionRange Intersect(const VersionRange& a, const VersionRange& b);
/// The versions in either. INVALID_ARGUMENT (VERSION_SCHEME_MISMATCH) for two schemes, since a
/// range holds one.
absl::StatusOr<VersionRange> Union(const VersionRange& a, const VersionRange& b);

}  // namespace dml
