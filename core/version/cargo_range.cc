// Requirements as cargo reads them (the semver crate's VersionReq): comparators joined by commas, a
// bare version being "^". A prerelease is held only where a comparator names one of the same three
// numbers.
#include "core/version/partial_version.h"
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr uint64_t kMaxNumber = UINT64_MAX;
constexpr size_t kMaxComparators = 32;  // As in the crate.

bool IsSpace(char c) { return c == ' '; }

class Requirement {
 public:
  Requirement(std::string_view text, bool prereleases) : text_(text), prereleases_(prereleases) {}

  absl::StatusOr<VersionRange> Read() {
    size_t at = FindEnd(text_, 0, IsSpace);
    if (std::string_view rest = text_.substr(at); Trim(rest) == "*" || rest == "x" || rest == "X") {
      VersionRange all = VersionRange::AllOf(VersionScheme::kCargo);
      return prereleases_ ? all : all.OnlyReleases();
    }
    for (size_t count = 0;; ++at) {
      if (++count > kMaxComparators) return Invalid(at, "more than 32 comparators");
      DML_RETURN_IF_ERROR(ReadComparator(at));
      if (at == text_.size()) return Range();
      if (text_[at] != ',') return Invalid(at, "a comma or the end expected");
    }
  }

 private:
  absl::Status Invalid(size_t position, std::string_view what) const {
    return InvalidRange("cargo", text_, position, what);
  }

  absl::Status ReadComparator(size_t& at) {
    at = FindEnd(text_, at, IsSpace);
    std::string_view op;
    for (std::string_view known : {">=", "<=", ">", "<", "=", "~", "^"}) {
      if (op.empty() && text_.substr(at).starts_with(known)) op = known;
    }
    at = FindEnd(text_, at + op.size(), IsSpace);
    const size_t start = at;
    DML_ASSIGN_OR_RETURN(PartialVersion version,
                         ReadPartialVersion("cargo", text_, kMaxNumber, at));
    if (!version.Has(0)) return Invalid(start, "a wildcard must stand alone");
    if (version.NumberAfterWildcard()) {
      return Invalid(start, "a number cannot stand behind a wildcard");
    }
    if (!version.IsFull() && !version.prerelease.empty()) {
      return Invalid(start, "a prerelease needs three numbers");
    }
    at = FindEnd(text_, at, IsSpace);
    const bool wildcard = version.parts[1] == PartialVersion::Part::kWildcard ||
                          version.parts[2] == PartialVersion::Part::kWildcard;
    if (op.empty()) op = wildcard ? "=" : "^";
    return version.IsFull() ? AddFull(op, version) : AddPartial(op, version);
  }

  absl::Status AddFull(std::string_view op, const PartialVersion& version) {
    const VersionTriple& n = version.numbers;
    DML_ASSIGN_OR_RETURN(Version bound,
                         MakeTripleVersion(VersionScheme::kCargo, n, version.prerelease));
    if (!version.prerelease.empty()) named_.push_back(n);
    if (op == "=") return AddToBoth(VersionOp::kEqual, bound);
    if (op == ">") return AddToBoth(VersionOp::kGreater, bound);
    if (op == "<") return AddToBoth(VersionOp::kLess, bound);
    if (op == "<=") return AddToBoth(VersionOp::kLessEqual, bound);
    DML_RETURN_IF_ERROR(AddToBoth(VersionOp::kGreaterEqual, bound));
    if (op == ">=") return absl::OkStatus();
    return AddBelowNext(n, op == "~" ? 2 : n[0] > 0 ? 1 : n[1] > 0 ? 2 : 3, true, true);
  }

  // What is left out stands for any number; of prereleases, a comparison that would have to look at
  // such a number holds none.
  absl::Status AddPartial(std::string_view op, const PartialVersion& version) {
    const VersionTriple& n = version.numbers;
    const size_t count = version.count();
    DML_ASSIGN_OR_RETURN(Version low, MakeTripleVersion(VersionScheme::kCargo, n, "0"));
    const auto next = NextTriple(n, count, kMaxNumber);
    if (op == "<") return AddToBoth(VersionOp::kLess, low);
    if (op == "<=") {
      if (!prereleases_) of_prereleases_.push_back({VersionOp::kLess, low});
      return AddBelowNext(n, count, true, prereleases_);
    }
    if (op == ">" || (op == ">=" && !prereleases_)) {
      Version behind;
      if (next.has_value()) {
        DML_ASSIGN_OR_RETURN(behind, MakeTripleVersion(VersionScheme::kCargo, *next, "0"));
      }
      // Where no number is greater, nothing is.
      const VersionOp none = VersionOp::kLess;
      const Version& bound = behind.empty() ? low : behind;
      const VersionOp from = behind.empty() ? none : VersionOp::kGreaterEqual;
      of_prereleases_.push_back({from, bound});
      if (behind.empty()) of_prereleases_.push_back({VersionOp::kGreater, low});
      if (op == ">=") {
        of_releases_.push_back({VersionOp::kGreaterEqual, low});
        return absl::OkStatus();
      }
      of_releases_.push_back({from, bound});
      if (behind.empty()) of_releases_.push_back({VersionOp::kGreater, low});
      return absl::OkStatus();
    }
    DML_RETURN_IF_ERROR(AddToBoth(VersionOp::kGreaterEqual, low));
    if (op == ">=") return absl::OkStatus();
    no_prereleases_ = no_prereleases_ || (op != "^" && !prereleases_);
    return AddBelowNext(n, op == "^" && n[0] > 0 ? 1 : count, true, true);
  }

  absl::Status AddToBoth(VersionOp op, const Version& version) {
    of_releases_.push_back({op, version});
    of_prereleases_.push_back({op, version});
    return absl::OkStatus();
  }

  absl::Status AddBelowNext(const VersionTriple& numbers, size_t count, bool releases,
                            bool prereleases) {
    const auto next = NextTriple(numbers, count, kMaxNumber);
    if (!next.has_value()) return absl::OkStatus();  // Nothing lies above.
    DML_ASSIGN_OR_RETURN(Version bound, MakeTripleVersion(VersionScheme::kCargo, *next, "0"));
    if (releases) of_releases_.push_back({VersionOp::kLess, bound});
    if (prereleases) of_prereleases_.push_back({VersionOp::kLess, bound});
    return absl::OkStatus();
  }

  absl::StatusOr<VersionRange> Range() const {
    constexpr VersionScheme kCargo = VersionScheme::kCargo;
    DML_ASSIGN_OR_RETURN(VersionRange releases,
                         VersionRange::FromComparators(kCargo, of_releases_));
    releases = releases.OnlyReleases();
    if (no_prereleases_) return releases;
    DML_ASSIGN_OR_RETURN(VersionRange rest, VersionRange::FromComparators(kCargo, of_prereleases_));
    rest = rest.OnlyPrereleases();
    if (prereleases_) return Union(releases, rest);
    VersionRange named;
    for (const VersionTriple& triple : named_) {
      std::vector<VersionComparator> block(2);
      DML_ASSIGN_OR_RETURN(block[0].version, MakeTripleVersion(kCargo, triple, "0"));
      DML_ASSIGN_OR_RETURN(block[1].version, MakeTripleVersion(kCargo, triple));
      block[0].op = VersionOp::kGreaterEqual;
      block[1].op = VersionOp::kLess;
      DML_ASSIGN_OR_RETURN(VersionRange of_triple, VersionRange::FromComparators(kCargo, block));
      DML_ASSIGN_OR_RETURN(named, Union(named, of_triple));
    }
    return Union(releases, Intersect(rest, named));
  }

  const std::string_view text_;
  const bool prereleases_;
  bool no_prereleases_ = false;
  std::vector<VersionComparator> of_releases_;
  std::vector<VersionComparator> of_prereleases_;
  std::vector<VersionTriple> named_;  // Of which prereleases are named.
};

}  // namespace

absl::StatusOr<VersionRange> ReadCargoRange(std::string_view text, bool prereleases) {
  return Requirement(text, prereleases).Read();
}

}  // namespace dml
