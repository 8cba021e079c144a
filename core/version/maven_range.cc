// Maven's interval notation (POM reference, "Dependency Version Requirement Specification"), with
// the patterns of Maven 4: "[1,2)", "(,1.0],[1.2,)", "[1.0]", "[1.2.*]". A bare version is a
// recommendation and no range.
#include <optional>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr VersionScheme kScheme = VersionScheme::kMaven;

class Intervals {
 public:
  explicit Intervals(std::string_view text) : text_(text) {}

  absl::StatusOr<VersionRange> Read() {
    VersionRange out;
    for (size_t count = 0;; ++at_) {
      SkipBlanks();
      if (++count > kMaxRangeComparators) return Invalid("too many intervals");
      DML_ASSIGN_OR_RETURN(VersionRange interval, ReadInterval());
      DML_ASSIGN_OR_RETURN(out, Union(out, interval));
      SkipBlanks();
      if (at_ == text_.size()) return out;
      if (text_[at_] != ',') return Invalid("a comma or the end expected");
    }
  }

 private:
  absl::Status Invalid(std::string_view what) const {
    return InvalidRange("maven", text_, at_, what);
  }
  void SkipBlanks() {
    at_ = FindEnd(text_, at_, [](char c) { return c == ' ' || c == '\t'; });
  }

  absl::StatusOr<VersionRange> ReadInterval() {
    if (at_ == text_.size() || (text_[at_] != '[' && text_[at_] != '(')) {
      return Invalid("'[' or '(' expected, as in [1.0,2.0)");
    }
    const bool from_itself = text_[at_] == '[';
    const size_t close = text_.find_first_of("])", ++at_);
    if (close == std::string_view::npos) return Invalid("']' or ')' is missing");
    const bool to_itself = text_[close] == ']';
    const std::string_view inside = text_.substr(at_, close - at_);
    const size_t comma = inside.find(',');
    DML_ASSIGN_OR_RETURN(std::optional<Version> from, ReadBound(inside.substr(0, comma)));
    if (comma == std::string_view::npos) {
      if (!from_itself || !to_itself || !from) return Invalid("one version stands in [ and ]");
      at_ = close + 1;
      return Make({{VersionOp::kEqual, *from}});
    }
    DML_ASSIGN_OR_RETURN(std::optional<Version> to, ReadBound(inside.substr(comma + 1)));
    if (from && to && to->key() < from->key()) return Invalid("the second version comes first");
    std::vector<VersionComparator> comparators;
    if (from) {
      comparators.push_back({from_itself ? VersionOp::kGreaterEqual : VersionOp::kGreater, *from});
    }
    if (to) comparators.push_back({to_itself ? VersionOp::kLessEqual : VersionOp::kLess, *to});
    at_ = close + 1;
    return Make(comparators);
  }

  absl::StatusOr<std::optional<Version>> ReadBound(std::string_view text) const {
    text = Trim(text);
    if (text.empty()) return std::optional<Version>();
    auto version =
        text.ends_with('*') ? Version::ParsePattern(kScheme, text) : Version::Parse(kScheme, text);
    if (!version.ok()) return Invalid(Message(version.status()));
    return std::optional<Version>(*std::move(version));
  }

  static absl::StatusOr<VersionRange> Make(const std::vector<VersionComparator>& comparators) {
    return VersionRange::FromComparators(kScheme, comparators);
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<VersionRange> ReadMavenRange(std::string_view text, bool) {
  return Intervals(text).Read();
}

}  // namespace dml
