// Version specifiers of Python: PEP 440, "Version specifiers", as pypa/packaging decides them.
#include "core/version/pep440.h"
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr VersionScheme kScheme = VersionScheme::kPep440;

absl::StatusOr<VersionRange> Compare(VersionOp op, const std::string& text) {
  auto version =
      text.ends_with('*') ? Version::ParsePattern(kScheme, text) : Version::Parse(kScheme, text);
  if (!version.ok()) {
    return InvalidArgument(ErrorReason("VERSION_RANGE_INVALID"), "{}", Message(version.status()));
  }
  VersionComparator comparator{op, *std::move(version)};
  return VersionRange::FromComparators(kScheme, {&comparator, 1});
}

/// Versions whose release begins with the first `count` numbers: from the first development version
/// of that to that of the next.
absl::StatusOr<VersionRange> Prefix(const Pep440Parts& parts, size_t count) {
  std::string low = fmt::format("{}!", parts.epoch);
  std::string high = low;
  for (size_t i = 0; i < count; ++i) {
    const std::string number(parts.release[i]);
    low += number + ".";
    high += (i + 1 < count ? number : Increment(number)) + ".";
  }
  DML_ASSIGN_OR_RETURN(VersionRange from, Compare(VersionOp::kGreaterEqual, low + "dev0"));
  DML_ASSIGN_OR_RETURN(VersionRange to, Compare(VersionOp::kLess, high + "dev0"));
  return Intersect(from, to);
}

class Specifiers {
 public:
  explicit Specifiers(std::string_view text) : text_(text) {}

  absl::StatusOr<VersionRange> Read(bool prereleases) {
    VersionRange out = VersionRange::AllOf(kScheme);
    size_t count = 0;
    for (size_t at = 0; at <= text_.size();) {
      const size_t end = std::min(text_.find(',', at), text_.size());
      at_ = at;
      const std::string_view clause = Trim(text_.substr(at, end - at));
      at = end + 1;
      if (clause.empty()) continue;
      if (++count > kMaxRangeComparators) return Invalid("too many specifiers");
      DML_ASSIGN_OR_RETURN(VersionRange range, ReadClause(clause));
      out = Intersect(out, range);
    }
    return prereleases || admits_ ? out : out.OnlyReleases();
  }

 private:
  absl::Status Invalid(std::string_view what) const {
    return InvalidRange("pep440", text_, at_, what);
  }

  absl::StatusOr<VersionRange> ReadClause(std::string_view clause) {
    for (std::string_view op : {"===", "~=", "==", "!=", "<=", ">=", "<", ">"}) {
      if (!clause.starts_with(op)) continue;
      const std::string_view version = Trim(clause.substr(op.size()));
      if (version.empty()) return Invalid("a version expected");
      if (op == "===") return ReadArbitrary(version);
      if ((op == "==" || op == "!=") && version.ends_with(".*")) {
        return ReadPrefix(version.substr(0, version.size() - 2), op == "!=");
      }
      absl::StatusOr<Pep440Parts> parts = Pep440Parts::Read(version);
      if (version.size() > kMaxVersionBytes) return Invalid("the version is too long");
      if (!parts.ok()) return Invalid(Message(parts.status()));
      if (op != "!=") admits_ = admits_ || parts->is_prerelease();
      if (op == "==" || op == "!=") return ReadEqual(op, version, *parts);
      if (!parts->local.empty()) return Invalid("a local version stands only behind == and !=");
      return ReadOrdered(op, std::string(version), *parts);
    }
    return Invalid("an operator expected, as in >=1.2");
  }

  // A text that is no version is equal to none.
  absl::StatusOr<VersionRange> ReadArbitrary(std::string_view text) {
    absl::StatusOr<Version> version = Version::Parse(kScheme, text);
    if (!version.ok()) return VersionRange();
    admits_ = admits_ || version->is_prerelease();
    return Compare(VersionOp::kEqual, std::string(text));
  }

  absl::StatusOr<VersionRange> ReadPrefix(std::string_view release, bool excluded) const {
    absl::StatusOr<Pep440Parts> parts = Pep440Parts::Read(release);
    if (release.size() > kMaxVersionBytes) return Invalid("the version is too long");
    if (!parts.ok()) return Invalid(Message(parts.status()));
    if (parts->release_end != release.size()) return Invalid("only a release stands before .*");
    DML_ASSIGN_OR_RETURN(VersionRange range, Prefix(*parts, parts->release.size()));
    return excluded ? range.Complement() : range;
  }

  // Without a local part, versions with any are equal.
  static absl::StatusOr<VersionRange> ReadEqual(std::string_view op, std::string_view version,
                                                const Pep440Parts& parts) {
    std::string text(version);
    if (parts.local.empty()) text += "+*";
    return Compare(op == "==" ? VersionOp::kEqual : VersionOp::kNotEqual, text);
  }

  absl::StatusOr<VersionRange> ReadOrdered(std::string_view op, const std::string& version,
                                           const Pep440Parts& parts) const {
    if (op == ">=") return Compare(VersionOp::kGreaterEqual, version);
    if (op == "<=") return Compare(VersionOp::kLessEqual, version + "+*");
    if (op == "<") {
      // Nor prereleases of the version, unless it is one.
      return Compare(VersionOp::kLess, parts.is_prerelease() ? version : version + ".dev0");
    }
    if (op == ">") {
      // Nor its post-releases, unless it is one; a development version has none.
      const bool has_posts = !parts.post && !parts.dev;
      return Compare(VersionOp::kGreater, version + (has_posts ? ".post*" : "+*"));
    }
    if (parts.release.size() < 2) return Invalid("~= needs two numbers, as in ~=1.2");
    DML_ASSIGN_OR_RETURN(VersionRange from, Compare(VersionOp::kGreaterEqual, version));
    DML_ASSIGN_OR_RETURN(VersionRange prefix, Prefix(parts, parts.release.size() - 1));
    return Intersect(from, prefix);
  }

  const std::string_view text_;
  size_t at_ = 0;        // Where the clause begins.
  bool admits_ = false;  // A specifier names a prerelease.
};

}  // namespace

absl::StatusOr<VersionRange> ReadPep440Range(std::string_view text, bool prereleases) {
  return Specifiers(text).Read(prereleases);
}

}  // namespace dml
