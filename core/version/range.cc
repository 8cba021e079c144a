#include "core/version/range.h"

#include <algorithm>

namespace dml {
namespace {

constexpr ErrorReason kInvalid("VERSION_RANGE_INVALID");

std::optional<VersionScheme> CommonScheme(std::optional<VersionScheme> a,
                                          std::optional<VersionScheme> b) {
  return a.has_value() ? a : b;
}

}  // namespace

std::string_view VersionOpText(VersionOp op) {
  switch (op) {
    case VersionOp::kLess:
      return "<";
    case VersionOp::kLessEqual:
      return "<=";
    case VersionOp::kEqual:
      return "=";
    case VersionOp::kNotEqual:
      return "!=";
    case VersionOp::kGreaterEqual:
      return ">=";
    case VersionOp::kGreater:
      return ">";
  }
  return "";
}

bool VersionRange::Cut::operator<(const Cut& other) const {
  int order = key.compare(other.key);
  return order < 0 || (order == 0 && !after && other.after);
}

VersionRange VersionRange::Make(std::optional<VersionScheme> scheme,
                                std::vector<Interval> intervals) {
  VersionRange range;
  if (!intervals.empty()) range.scheme_ = scheme;
  range.intervals_ = std::move(intervals);
  return range;
}

VersionRange VersionRange::All() { return Make(std::nullopt, {{Bottom(), Top()}}); }

VersionRange VersionRange::AllOf(VersionScheme scheme) { return Make(scheme, {{Bottom(), Top()}}); }

bool VersionRange::IsWholeLine() const {
  return intervals_.size() == 1 && intervals_[0].from == Bottom() && intervals_[0].to == Top();
}

absl::StatusOr<VersionRange> VersionRange::FromComparators(
    VersionScheme scheme, std::span<const VersionComparator> comparators) {
  Cut from = Bottom();
  Cut to = Top();
  std::vector<const Version*> holes;
  for (const auto& [op, version] : comparators) {
    if (version.empty() || version.scheme() != scheme) {
      return InvalidArgument(kInvalid, "range of scheme {}: {} \"{}\" is no version of that scheme",
                             VersionSchemeName(scheme), VersionOpText(op), version.text());
    }
    if (op == VersionOp::kNotEqual) holes.push_back(&version);
    if (op == VersionOp::kGreaterEqual || op == VersionOp::kEqual) {
      from = std::max(from, Before(version));
    }
    if (op == VersionOp::kGreater) from = std::max(from, After(version));
    if (op == VersionOp::kLess) to = std::min(to, Before(version));
    if (op == VersionOp::kLessEqual || op == VersionOp::kEqual) to = std::min(to, After(version));
  }
  std::sort(holes.begin(), holes.end(),
            [](const Version* a, const Version* b) { return a->key() < b->key(); });
  std::vector<Interval> intervals;
  for (const Version* hole : holes) {
    Cut before = Before(*hole);
    Cut after = After(*hole);
    if (after < from || after == from) continue;
    if (from < before && from < to) intervals.push_back({from, std::min(before, to)});
    from = after;
  }
  if (from < to) intervals.push_back({from, to});
  return Make(scheme, std::move(intervals));
}

bool VersionRange::Contains(const Version& version) const {
  if (IsAll()) return true;
  if (version.empty() || scheme_ != version.scheme()) return false;
  // The first interval that ends after the version is the only one that can hold it.
  auto it =
      std::partition_point(intervals_.begin(), intervals_.end(), [&](const Interval& interval) {
        int order = interval.to.key.compare(version.key());
        return order < 0 || (order == 0 && !interval.to.after);
      });
  if (it == intervals_.end()) return false;
  int order = it->from.key.compare(version.key());
  return order < 0 || (order == 0 && !it->from.after);
}

VersionRange VersionRange::WithNative(std::string text) const {
  VersionRange copy = *this;
  copy.native_ = std::move(text);
  return copy;
}

VersionRange Intersect(const VersionRange& a, const VersionRange& b) {
  if (a.scheme_.has_value() && b.scheme_.has_value() && a.scheme_ != b.scheme_) return {};
  std::vector<VersionRange::Interval> intervals;
  auto x = a.intervals_.begin();
  auto y = b.intervals_.begin();
  while (x != a.intervals_.end() && y != b.intervals_.end()) {
    const auto& from = std::max(x->from, y->from);
    const auto& to = std::min(x->to, y->to);
    if (from < to) intervals.push_back({from, to});
    if (x->to < y->to) {
      ++x;
    } else {
      ++y;
    }
  }
  return VersionRange::Make(CommonScheme(a.scheme_, b.scheme_), std::move(intervals));
}

absl::StatusOr<VersionRange> Union(const VersionRange& a, const VersionRange& b) {
  if (a.IsAll() || b.IsAll()) return VersionRange::All();
  if (a.scheme_.has_value() && b.scheme_.has_value() && a.scheme_ != b.scheme_) {
    return InvalidArgument(ErrorReason("VERSION_SCHEME_MISMATCH"),
                           "a range holds versions of one scheme: {} and {} cannot be joined",
                           VersionSchemeName(*a.scheme_), VersionSchemeName(*b.scheme_));
  }
  std::vector<VersionRange::Interval> sorted;
  std::merge(a.intervals_.begin(), a.intervals_.end(), b.intervals_.begin(), b.intervals_.end(),
             std::back_inserter(sorted),
             [](const auto& x, const auto& y) { return x.from < y.from; });
  std::vector<VersionRange::Interval> intervals;
  for (auto& interval : sorted) {
    if (intervals.empty() || intervals.back().to < interval.from) {
      intervals.push_back(std::move(interval));
    } else {
      intervals.back().to = std::max(intervals.back().to, interval.to);
    }
  }
  return VersionRange::Make(CommonScheme(a.scheme_, b.scheme_), std::move(intervals));
}

VersionRange VersionRange::Complement() const {
  if (IsEmpty()) return All();
  std::vector<Interval> intervals;
  Cut from = Bottom();
  for (const Interval& interval : intervals_) {
    if (from < interval.from) intervals.push_back({from, interval.from});
    from = interval.to;
  }
  if (from < Top()) intervals.push_back({from, Top()});
  return Make(scheme_, std::move(intervals));
}

bool VersionRange::IsSubsetOf(const VersionRange& other) const {
  return Intersect(*this, other) == *this;
}

bool VersionRange::operator==(const VersionRange& other) const {
  return scheme_ == other.scheme_ &&
         std::equal(
             intervals_.begin(), intervals_.end(), other.intervals_.begin(), other.intervals_.end(),
             [](const Interval& a, const Interval& b) { return a.from == b.from && a.to == b.to; });
}

}  // namespace dml
