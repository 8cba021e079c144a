// Ranges as node-semver reads them, https://github.com/npm/node-semver "Ranges": sets of
// comparators joined by blanks, alternatives by "||", with ^ ~ x-ranges and hyphen ranges. Used for
// semver, too, which has no notation of its own.
#include <algorithm>

#include "core/version/partial_version.h"
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr uint64_t kMaxNumber = 9007199254740991;  // 2^53-1

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

/// One set: versions that meet all of its comparators.
class ComparatorSet {
 public:
  ComparatorSet(VersionScheme scheme, std::string_view text, bool prereleases)
      : scheme_(scheme), text_(text), prereleases_(prereleases) {}

  /// Reads text[at, end).
  absl::Status Read(size_t at, size_t end) {
    std::string_view text = text_.substr(0, end);
    at = FindEnd(text, at, IsBlank);
    while (at < end) {
      const size_t start = at;
      const std::string_view op = TakeOp(text, at);
      DML_ASSIGN_OR_RETURN(PartialVersion version, ReadOperand(text, op, at));
      const size_t next = FindEnd(text, at, IsBlank);
      if (next == at && at < end) return Invalid(at, "unexpected character");
      if (op.empty() && next > at && next + 1 < end && text[next] == '-' &&
          IsBlank(text[next + 1])) {
        if (read_ > 0) return Invalid(next, "a hyphen range stands alone");
        return ReadHyphen(text, version, next + 1);
      }
      if (++read_ > kMaxRangeComparators) return Invalid(start, "too many comparators");
      DML_RETURN_IF_ERROR(Add(op, version, start));
      at = next;
    }
    return absl::OkStatus();
  }

  /// Whether any release will do.
  bool IsAny() const { return !nothing_ && comparators_.empty(); }

  absl::StatusOr<VersionRange> Range() const {
    if (nothing_) return VersionRange();
    DML_ASSIGN_OR_RETURN(VersionRange plain, VersionRange::FromComparators(scheme_, comparators_));
    if (prereleases_) return plain;
    VersionRange out = plain.OnlyReleases();
    for (const VersionTriple& triple : admitted_) {
      std::vector<VersionComparator> block(2);
      DML_ASSIGN_OR_RETURN(block[0].version, MakeTripleVersion(scheme_, triple, "0"));
      DML_ASSIGN_OR_RETURN(block[1].version, MakeTripleVersion(scheme_, triple));
      block[0].op = VersionOp::kGreaterEqual;
      block[1].op = VersionOp::kLess;
      DML_ASSIGN_OR_RETURN(VersionRange of_triple, VersionRange::FromComparators(scheme_, block));
      DML_ASSIGN_OR_RETURN(out, Union(out, Intersect(plain, of_triple).OnlyPrereleases()));
    }
    return out;
  }

 private:
  absl::Status Invalid(size_t position, std::string_view what) const {
    return InvalidRange(VersionSchemeName(scheme_), text_, position, what);
  }

  static std::string_view TakeOp(std::string_view text, size_t& at) {
    for (std::string_view op : {"<=", ">=", "<", ">", "=", "~>", "~", "^"}) {
      if (!text.substr(at).starts_with(op)) continue;
      at = FindEnd(text, at + op.size(), IsBlank);
      return op;
    }
    return "";
  }

  // Before a version without wildcards one "v" may stand; tildes, carets and wildcards forgive
  // more.
  absl::StatusOr<PartialVersion> ReadOperand(std::string_view text, std::string_view op,
                                             size_t& at) {
    const size_t start = at;
    at = FindEnd(text, at, [](char c) { return c == 'v' || c == '=' || IsBlank(c); });
    const std::string_view prefix = text.substr(start, at - start);
    DML_ASSIGN_OR_RETURN(PartialVersion version,
                         ReadPartialVersion(VersionSchemeName(scheme_), text, kMaxNumber, at));
    if (version.NumberAfterWildcard()) {
      return Invalid(start, "a number cannot stand behind a wildcard");
    }
    const bool forgiving = !version.IsFull() || op.starts_with('~') || op == "^";
    if (!forgiving && !prefix.empty() && prefix != "v") {
      return Invalid(start, "a version expected, as in 1.2.3");
    }
    return version;
  }

  absl::Status ReadHyphen(std::string_view text, const PartialVersion& from, size_t at) {
    DML_ASSIGN_OR_RETURN(PartialVersion to, ReadOperand(text, "^", at));
    const size_t rest = FindEnd(text, at, IsBlank);
    if (rest < text.size()) return Invalid(rest, "a hyphen range stands alone");
    if (from.count() > 0) {
      const bool lowest = from.prerelease.empty() && prereleases_;
      DML_RETURN_IF_ERROR(
          Push(VersionOp::kGreaterEqual, from.numbers, lowest ? "0" : from.prerelease));
    }
    if (to.IsFull() && !(to.prerelease.empty() && prereleases_)) {
      return Push(VersionOp::kLessEqual, to.numbers, to.prerelease);
    }
    return to.count() == 0 ? absl::OkStatus() : PushBelowNext(to.numbers, to.count(), at);
  }

  absl::Status Add(std::string_view op, const PartialVersion& version, size_t at) {
    const size_t count = version.count();
    if (op == "^" && version.IsFull()) {
      const VersionTriple& n = version.numbers;
      DML_RETURN_IF_ERROR(Push(VersionOp::kGreaterEqual, n, version.prerelease));
      return PushBelowNext(n, n[0] > 0 ? 1 : n[1] > 0 ? 2 : 3, at);
    }
    if (op.starts_with('~') && version.IsFull()) {
      DML_RETURN_IF_ERROR(Push(VersionOp::kGreaterEqual, version.numbers, version.prerelease));
      return PushBelowNext(version.numbers, 2, at);
    }
    if (version.IsFull()) return Push(ComparisonOf(op), version.numbers, version.prerelease);
    if (count == 0) {
      // Nothing is greater, or less, than any version.
      nothing_ = nothing_ || op == "<" || op == ">";
      return absl::OkStatus();
    }
    if (op == "<") return Push(VersionOp::kLess, version.numbers, "0");
    if (op == "<=") return PushBelowNext(version.numbers, count, at);
    if (op == ">") {
      const auto next = NextTriple(version.numbers, count, kMaxNumber);
      if (!next.has_value() || CarriesOver(version.numbers, count)) return TooGreat(at);
      return Push(VersionOp::kGreaterEqual, *next, lowest());
    }
    DML_RETURN_IF_ERROR(Push(VersionOp::kGreaterEqual, version.numbers, lowest()));
    if (op == ">=") return absl::OkStatus();
    const bool below_minor = op == "^" && version.numbers[0] == 0;
    return PushBelowNext(version.numbers, op == "^" && !below_minor ? 1 : count, at);
  }

  static VersionOp ComparisonOf(std::string_view op) {
    if (op == "<") return VersionOp::kLess;
    if (op == "<=") return VersionOp::kLessEqual;
    if (op == ">") return VersionOp::kGreater;
    if (op == ">=") return VersionOp::kGreaterEqual;
    return VersionOp::kEqual;
  }

  std::string_view lowest() const { return prereleases_ ? "0" : ""; }
  static bool CarriesOver(const VersionTriple& n, size_t count) {
    return n[count - 1] == kMaxNumber;
  }
  absl::Status TooGreat(size_t at) const {
    return Invalid(at, fmt::format("no number is greater than {}", kMaxNumber));
  }

  // Less than all versions behind those that share the first `count` numbers, their prereleases
  // included.
  absl::Status PushBelowNext(const VersionTriple& numbers, size_t count, size_t at) {
    const auto next = NextTriple(numbers, count, kMaxNumber);
    if (!next.has_value() || CarriesOver(numbers, count)) return TooGreat(at);
    return Push(VersionOp::kLess, *next, "0");
  }

  absl::Status Push(VersionOp op, const VersionTriple& triple, std::string_view prerelease) {
    DML_ASSIGN_OR_RETURN(Version version, MakeTripleVersion(scheme_, triple, prerelease));
    comparators_.push_back({op, std::move(version)});
    const bool known = std::ranges::find(admitted_, triple) != admitted_.end();
    if (!prerelease.empty() && !known) admitted_.push_back(triple);
    return absl::OkStatus();
  }

  const VersionScheme scheme_;
  const std::string_view text_;
  const bool prereleases_;
  size_t read_ = 0;
  bool nothing_ = false;
  std::vector<VersionComparator> comparators_;
  std::vector<VersionTriple> admitted_;  // Of which prereleases are named.
};

absl::StatusOr<VersionRange> ReadRange(VersionScheme scheme, std::string_view text,
                                       bool prereleases) {
  VersionRange out;
  bool any = false;
  size_t sets = 0;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find("||", at), text.size());
    if (++sets > kMaxRangeComparators) {
      return InvalidRange(VersionSchemeName(scheme), text, at, "too many alternatives");
    }
    ComparatorSet set(scheme, text, prereleases);
    DML_RETURN_IF_ERROR(set.Read(at, end));
    any = any || set.IsAny();
    DML_ASSIGN_OR_RETURN(VersionRange range, set.Range());
    DML_ASSIGN_OR_RETURN(out, Union(out, range));
    at = end + 2;
  }
  // As in node-semver, an alternative that takes any release makes the others mean nothing, and
  // with them the prereleases that they name.
  if (!any) return out;
  VersionRange all = VersionRange::AllOf(scheme);
  return prereleases ? all : all.OnlyReleases();
}

}  // namespace

absl::StatusOr<VersionRange> ReadNpmRange(std::string_view text, bool prereleases) {
  return ReadRange(VersionScheme::kNpm, text, prereleases);
}

absl::StatusOr<VersionRange> ReadSemverRange(std::string_view text, bool prereleases) {
  return ReadRange(VersionScheme::kSemver, text, prereleases);
}

}  // namespace dml
