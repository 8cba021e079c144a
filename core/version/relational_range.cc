// Ranges of comparisons joined by commas, alternatives by '|' or "||": deb (Policy 7.1), rpm
// (dependencies of a spec), calver and generic. "*" is any version.
#include <optional>
#include <span>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

struct Operator {
  std::string_view text;
  VersionOp op;
};
// Longer ones first. Debian's "<" and ">" of old, which mean "<=" and ">=", are refused.
constexpr Operator kDebOperators[] = {{"<<", VersionOp::kLess},
                                      {"<=", VersionOp::kLessEqual},
                                      {">=", VersionOp::kGreaterEqual},
                                      {">>", VersionOp::kGreater},
                                      {"=", VersionOp::kEqual}};
constexpr Operator kOperators[] = {{"<=", VersionOp::kLessEqual}, {">=", VersionOp::kGreaterEqual},
                                   {"!=", VersionOp::kNotEqual},  {"==", VersionOp::kEqual},
                                   {"<", VersionOp::kLess},       {">", VersionOp::kGreater},
                                   {"=", VersionOp::kEqual}};

class Relations {
 public:
  Relations(VersionScheme scheme, std::string_view text) : scheme_(scheme), text_(text) {}

  absl::StatusOr<VersionRange> Read() {
    VersionRange out;
    size_t alternatives = 0;
    for (size_t at = 0; at <= text_.size();) {
      const size_t end = std::min(text_.find('|', at), text_.size());
      if (++alternatives > kMaxRangeComparators) return Invalid(at, "too many alternatives");
      DML_ASSIGN_OR_RETURN(VersionRange range, ReadAll(at, end));
      DML_ASSIGN_OR_RETURN(out, Union(out, range));
      at = end + (text_.substr(end).starts_with("||") ? 2 : 1);
    }
    return out;
  }

 private:
  absl::Status Invalid(size_t position, std::string_view what) const {
    return InvalidRange(VersionSchemeName(scheme_), text_, position, what);
  }

  absl::StatusOr<VersionRange> ReadAll(size_t at, size_t end) const {
    if (Trim(text_.substr(at, end - at)) == "*") return VersionRange::AllOf(scheme_);
    std::vector<VersionComparator> comparators;
    while (at <= end) {
      const size_t comma = std::min(text_.find(',', at), end);
      if (comparators.size() == kMaxRangeComparators) return Invalid(at, "too many comparisons");
      DML_ASSIGN_OR_RETURN(VersionComparator comparator, ReadOne(at, comma));
      comparators.push_back(std::move(comparator));
      at = comma + 1;
    }
    return VersionRange::FromComparators(scheme_, comparators);
  }

  absl::StatusOr<VersionComparator> ReadOne(size_t at, size_t end) const {
    std::string_view part = Trim(text_.substr(at, end - at));
    if (part.starts_with('(') && part.ends_with(')')) part = Trim(part.substr(1, part.size() - 2));
    const std::span<const Operator> operators =
        scheme_ == VersionScheme::kDeb ? std::span<const Operator>(kDebOperators) : kOperators;
    std::optional<VersionOp> op;
    for (const Operator& known : operators) {
      if (!part.starts_with(known.text)) continue;
      part = Trim(part.substr(known.text.size()));
      op = known.op;
      break;
    }
    if (!op.has_value() && scheme_ == VersionScheme::kDeb) {
      return Invalid(at, "one of << <= = >= >> expected");
    }
    if (!op.has_value() && scheme_ == VersionScheme::kRpm) {
      return Invalid(at, "one of < <= = >= > expected");
    }
    absl::StatusOr<Version> version = ReadVersion(op.value_or(VersionOp::kEqual), part);
    if (!version.ok()) return Invalid(at, Message(version.status()));
    return VersionComparator{op.value_or(VersionOp::kEqual), *std::move(version)};
  }

  // To rpm a version without a release is equal to that with any release.
  absl::StatusOr<Version> ReadVersion(VersionOp op, std::string_view text) const {
    const bool cuts_behind = op != VersionOp::kLess && op != VersionOp::kGreaterEqual;
    if (scheme_ == VersionScheme::kRpm && cuts_behind && !text.empty() &&
        text.find('-') == std::string_view::npos) {
      return Version::ParsePattern(scheme_, std::string(text) + "-*");
    }
    return Version::Parse(scheme_, text);
  }

  const VersionScheme scheme_;
  const std::string_view text_;
};

}  // namespace

absl::StatusOr<VersionRange> ReadDebRange(std::string_view text, bool) {
  return Relations(VersionScheme::kDeb, text).Read();
}
absl::StatusOr<VersionRange> ReadRpmRange(std::string_view text, bool) {
  return Relations(VersionScheme::kRpm, text).Read();
}
absl::StatusOr<VersionRange> ReadCalverRange(std::string_view text, bool) {
  return Relations(VersionScheme::kCalver, text).Read();
}
absl::StatusOr<VersionRange> ReadGenericRange(std::string_view text, bool) {
  return Relations(VersionScheme::kGeneric, text).Read();
}

}  // namespace dml
