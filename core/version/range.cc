#include "core/version/range.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/version/scheme.h"

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

VersionRange::Cut VersionRange::After(const Version& version) {
  const std::string& end = version.is_pattern() ? version.pattern_end() : version.key();
  return {end, true, version.text(), version.key()};
}

bool VersionRange::MayHold(VersionScheme scheme, const Interval& interval, size_t line) {
  const SchemeRules& rules = RulesOf(scheme);
  if (rules.first_key == nullptr) return true;
  const bool prerelease = line == kPrereleases;
  const auto& [from, to] = interval;
  // The key of 0.0.0-0, the least of all, is first behind nothing that could be written.
  static const std::string kZero("\0\0\0\1\1\0\0", 7);
  const std::string zero = static_cast<char>(rules.revision) + kZero;
  std::string first = from.key.empty() ? rules.first_key(zero, false, prerelease)
                                       : rules.first_key(from.key, from.after, prerelease);
  return !first.empty() && Cut{std::move(first), false, "", ""} < to;
}

VersionRange VersionRange::Make(std::optional<VersionScheme> scheme, std::vector<Line> lines) {
  VersionRange range;
  if (scheme.has_value()) {
    for (size_t i = 0; i < lines.size(); ++i) {
      std::erase_if(lines[i], [&](const Interval& interval) {
        const bool here = MayHold(*scheme, interval, i);
        return !here && (lines.size() == 2 || !MayHold(*scheme, interval, kPrereleases));
      });
    }
  }
  if (lines.size() == 2 && lines[0] == lines[1]) lines.pop_back();
  if (lines.size() == 1 && lines[0].empty()) lines.clear();
  if (!lines.empty()) range.scheme_ = scheme;
  range.lines_ = std::move(lines);
  return range;
}

VersionRange VersionRange::All() { return Make(std::nullopt, {Everything()}); }

VersionRange VersionRange::AllOf(VersionScheme scheme) { return Make(scheme, {Everything()}); }

absl::StatusOr<VersionRange> VersionRange::ParseNative(VersionScheme scheme, std::string_view text,
                                                       PrereleaseRule rule) {
  const SchemeRules& rules = RulesOf(scheme);
  if (text.size() > kMaxRangeBytes) {
    return InvalidArgument(kInvalid, "{} range \"{}\": {} bytes are more than {}", rules.name,
                           Excerpt(text), text.size(), kMaxRangeBytes);
  }
  if (text.starts_with("vers:")) {
    DML_ASSIGN_OR_RETURN(VersionRange range, ParseVers(text));
    if (range.scheme().has_value() && range.scheme() != scheme) {
      return InvalidArgument(kInvalid, "\"{}\" is of scheme {}, not {}", Excerpt(text),
                             VersionSchemeName(*range.scheme()), rules.name);
    }
    return range;
  }
  DML_ASSIGN_OR_RETURN(VersionRange range,
                       rules.read_range(text, rule == PrereleaseRule::kAdmitAll));
  range.native_ = text;
  return range;
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
  Line intervals;
  for (const Version* hole : holes) {
    Cut before = Before(*hole);
    Cut after = After(*hole);
    if (after < from || after == from) continue;
    if (from < before && from < to) intervals.push_back({from, std::min(before, to)});
    from = after;
  }
  if (from < to) intervals.push_back({from, to});
  return Make(scheme, {std::move(intervals)});
}

bool VersionRange::Contains(const Version& version) const {
  if (IsAll()) return true;
  if (version.empty() || version.is_pattern() || scheme_ != version.scheme()) return false;
  const Line& intervals = line(version.is_prerelease() ? kPrereleases : kReleases);
  // The first interval that ends after the version is the only one that can hold it.
  auto it = std::partition_point(intervals.begin(), intervals.end(), [&](const Interval& interval) {
    int order = interval.to.key.compare(version.key());
    return order < 0 || (order == 0 && !interval.to.after);
  });
  if (it == intervals.end()) return false;
  int order = it->from.key.compare(version.key());
  return order < 0 || (order == 0 && !it->from.after);
}

std::optional<VersionRange::Span> VersionRange::span() const {
  if (!scheme_.has_value()) return std::nullopt;
  const Interval* first = nullptr;
  const Interval* last = nullptr;
  size_t count = 0;
  for (const Line& line : lines_) {
    if (line.empty()) continue;
    count += line.size();
    if (first == nullptr || line.front().from < first->from) first = &line.front();
    if (last == nullptr || last->to < line.back().to) last = &line.back();
  }
  if (first == nullptr) return std::nullopt;
  const Cut& to = last->to;
  const bool is_point = count == 1 && !first->from.after && to.after && first->from.key == to.key;
  return Span{first->from.key, to.key == kTop ? "" : to.key, is_point};
}

VersionRange VersionRange::WithNative(std::string text) const {
  VersionRange copy = *this;
  copy.native_ = std::move(text);
  return copy;
}

VersionRange VersionRange::OnlyLine(size_t kept) const {
  if (IsAll() || IsEmpty()) return *this;
  std::vector<Line> lines(2);
  lines[kept] = line(kept);
  return Make(scheme_, std::move(lines));
}

VersionRange VersionRange::OnlyReleases() const { return OnlyLine(kReleases); }
VersionRange VersionRange::OnlyPrereleases() const { return OnlyLine(kPrereleases); }

template <typename Operation>
std::vector<VersionRange::Line> VersionRange::EachLine(const VersionRange& a, const VersionRange& b,
                                                       Operation op) {
  static const Line kNone;
  auto line = [](const VersionRange& range, size_t i) -> const Line& {
    return range.IsEmpty() ? kNone : range.line(i);
  };
  std::vector<Line> out;
  const size_t count = a.lines_.size() == 2 || b.lines_.size() == 2 ? 2 : 1;
  for (size_t i = 0; i < count; ++i) out.push_back(op(line(a, i), line(b, i)));
  return out;
}

VersionRange Intersect(const VersionRange& a, const VersionRange& b) {
  using Line = VersionRange::Line;
  if (a.scheme_.has_value() && b.scheme_.has_value() && a.scheme_ != b.scheme_) return {};
  auto intersect = [](const Line& left, const Line& right) {
    Line out;
    auto x = left.begin();
    auto y = right.begin();
    while (x != left.end() && y != right.end()) {
      const auto& from = std::max(x->from, y->from);
      const auto& to = std::min(x->to, y->to);
      if (from < to) out.push_back({from, to});
      if (x->to < y->to) {
        ++x;
      } else {
        ++y;
      }
    }
    return out;
  };
  return VersionRange::Make(CommonScheme(a.scheme_, b.scheme_),
                            VersionRange::EachLine(a, b, intersect));
}

absl::StatusOr<VersionRange> Union(const VersionRange& a, const VersionRange& b) {
  using Line = VersionRange::Line;
  if (a.IsAll() || b.IsAll()) return VersionRange::All();
  if (a.scheme_.has_value() && b.scheme_.has_value() && a.scheme_ != b.scheme_) {
    return InvalidArgument(ErrorReason("VERSION_SCHEME_MISMATCH"),
                           "a range holds versions of one scheme: {} and {} cannot be joined",
                           VersionSchemeName(*a.scheme_), VersionSchemeName(*b.scheme_));
  }
  auto unite = [](const Line& left, const Line& right) {
    Line sorted;
    std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(sorted),
               [](const auto& x, const auto& y) { return x.from < y.from; });
    Line out;
    for (auto& interval : sorted) {
      if (out.empty() || out.back().to < interval.from) {
        out.push_back(std::move(interval));
      } else {
        out.back().to = std::max(out.back().to, interval.to);
      }
    }
    return out;
  };
  return VersionRange::Make(CommonScheme(a.scheme_, b.scheme_),
                            VersionRange::EachLine(a, b, unite));
}

VersionRange VersionRange::Complement() const {
  if (IsEmpty()) return All();
  std::vector<Line> lines;
  for (const Line& line : lines_) {
    Line out;
    Cut from = Bottom();
    for (const Interval& interval : line) {
      if (from < interval.from) out.push_back({from, interval.from});
      from = interval.to;
    }
    if (from < Top()) out.push_back({from, Top()});
    lines.push_back(std::move(out));
  }
  return Make(scheme_, std::move(lines));
}

bool VersionRange::IsSubsetOf(const VersionRange& other) const {
  if (IsEmpty() || other.IsAll()) return true;
  if (other.IsEmpty() || scheme_ != other.scheme_) return false;
  return Intersect(*this, other.Complement()).IsEmpty();
}

bool VersionRange::operator==(const VersionRange& other) const {
  if (scheme_ != other.scheme_) return false;
  return lines_ == other.lines_ || (IsSubsetOf(other) && other.IsSubsetOf(*this));
}

}  // namespace dml
