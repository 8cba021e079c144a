// The texts of VersionRange: VERS (package-url vers-spec, clause 5) and words for people.
#include <algorithm>

#include "core/base/text.h"
#include "core/version/range.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("VERSION_RANGE_INVALID");

std::optional<int> HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// Decodes %XX once; nullopt where a '%' starts no triplet.
std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    auto high = HexValue(text[i + 1]);
    auto low = HexValue(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

/// Takes the comparator off the front; "=" may not be written and is none of them.
VersionOp TakeOp(std::string_view& constraint) {
  for (VersionOp op : {VersionOp::kGreaterEqual, VersionOp::kLessEqual, VersionOp::kNotEqual,
                       VersionOp::kGreater, VersionOp::kLess}) {
    if (constraint.starts_with(VersionOpText(op))) {
      constraint.remove_prefix(VersionOpText(op).size());
      return op;
    }
  }
  return VersionOp::kEqual;
}

absl::StatusOr<VersionComparator> ParseConstraint(VersionScheme scheme,
                                                  std::string_view constraint) {
  std::string shown = Excerpt(constraint);
  if (constraint.empty())
    return InvalidArgument(kInvalid, "it is empty: a version must follow '/' and every '|'");
  if (constraint == "*") return InvalidArgument(kInvalid, "'*' must stand alone");
  if (constraint[0] == '=') {
    return InvalidArgument(kInvalid, "\"{}\": equality is written without '='", shown);
  }
  VersionOp op = TakeOp(constraint);
  if (constraint.find_first_of("<>=!*") != std::string_view::npos) {
    return InvalidArgument(kInvalid,
                           "\"{}\": '<', '>', '=', '!' and '*' in a version are written "
                           "percent-encoded",
                           shown);
  }
  if (constraint.size() > 3 * kMaxVersionBytes) {
    return InvalidArgument(kInvalid, "\"{}\": the version is too long", shown);
  }
  std::optional<std::string> text = PercentDecode(constraint);
  if (!text)
    return InvalidArgument(kInvalid, "\"{}\": '%' is not followed by two hex digits", shown);
  auto version = Version::Parse(scheme, *text);
  if (!version.ok()) return InvalidArgument(kInvalid, "{}", Message(version.status()));
  return VersionComparator{op, *std::move(version)};
}

absl::StatusOr<std::vector<VersionComparator>> ParseConstraints(VersionScheme scheme,
                                                                std::string_view text) {
  size_t count = 1 + std::count(text.begin(), text.end(), '|');
  if (count > kMaxVersConstraints) {
    return InvalidArgument(kInvalid, "{} constraints are more than {}", count, kMaxVersConstraints);
  }
  std::vector<VersionComparator> out;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find('|', at), text.size());
    auto constraint = ParseConstraint(scheme, text.substr(at, end - at));
    if (!constraint.ok()) {
      return Annotate(constraint.status(), fmt::format("constraint {}", out.size() + 1));
    }
    if (!out.empty() && out.back().version.key() >= constraint->version.key()) {
      return InvalidArgument(kInvalid,
                             "constraint {}: {} does not come after {}: sort the "
                             "constraints by version, and name each version once",
                             out.size() + 1, constraint->version.text(), out.back().version.text());
    }
    out.push_back(*std::move(constraint));
    at = end + 1;
  }
  return out;
}

}  // namespace

absl::StatusOr<VersionRange> VersionRange::FromVersConstraints(
    VersionScheme scheme, std::span<const VersionComparator> constraints) {
  auto first = std::find_if(constraints.begin(), constraints.end(),
                            [](const auto& c) { return c.op != VersionOp::kNotEqual; });
  // Where the current interval began; none between intervals.
  std::optional<Cut> open;
  if (first == constraints.end() || first->op == VersionOp::kLess ||
      first->op == VersionOp::kLessEqual) {
    open = Bottom();
  }
  std::vector<Interval> intervals;
  auto close = [&](Cut to) {
    intervals.push_back({*std::move(open), std::move(to)});
    open.reset();
  };
  for (const auto& [op, version] : constraints) {
    bool ends = op == VersionOp::kLess || op == VersionOp::kLessEqual;
    if (op != VersionOp::kNotEqual && ends != open.has_value()) {
      return InvalidArgument(kInvalid,
                             "\"{}{}\" is redundant or contradicts the constraint before "
                             "it: comparators must alternate",
                             op == VersionOp::kEqual ? "" : VersionOpText(op), version.text());
    }
    if (op == VersionOp::kLess) close(Before(version));
    if (op == VersionOp::kLessEqual) close(After(version));
    if (op == VersionOp::kGreater) open = After(version);
    if (op == VersionOp::kGreaterEqual) open = Before(version);
    if (op == VersionOp::kEqual) intervals.push_back({Before(version), After(version)});
    if (op == VersionOp::kNotEqual && open.has_value()) {
      close(Before(version));
      open = After(version);
    }
  }
  if (open.has_value()) close(Top());
  return Make(scheme, std::move(intervals));
}

absl::StatusOr<VersionRange> VersionRange::ParseVers(std::string_view text) {
  constexpr std::string_view kPrefix = "vers:";
  std::string shown = Excerpt(text);
  if (text == "vers:all/*") return All();
  if (text == "vers:none/*") return VersionRange();
  for (char c : text) {
    if (c <= ' ' || c > '~') {
      return InvalidArgument(kInvalid,
                             "\"{}\": blanks and characters beyond ASCII are not allowed in "
                             "a VERS text",
                             shown);
    }
  }
  size_t slash = text.find('/');
  if (!text.starts_with(kPrefix) || slash == std::string_view::npos) {
    return InvalidArgument(kInvalid, "\"{}\" is not a VERS text such as vers:deb/>=2.36|<3", shown);
  }
  auto scheme = ParseVersionScheme(text.substr(kPrefix.size(), slash - kPrefix.size()));
  if (!scheme.ok()) return InvalidArgument(kInvalid, "\"{}\": {}", shown, Message(scheme.status()));
  std::string_view constraints = text.substr(slash + 1);
  if (constraints == "*") return AllOf(*scheme);

  auto parsed = ParseConstraints(*scheme, constraints);
  if (!parsed.ok()) return Annotate(parsed.status(), fmt::format("\"{}\"", shown));
  auto range = FromVersConstraints(*scheme, *parsed);
  if (!range.ok()) return Annotate(range.status(), fmt::format("\"{}\"", shown));
  return range;
}

std::vector<VersionRange::Constraint> VersionRange::Constraints() const {
  std::vector<Constraint> out;
  for (size_t i = 0; i < intervals_.size(); ++i) {
    const auto& [from, to] = intervals_[i];
    if (from.key == to.key) {
      out.push_back({VersionOp::kEqual, &from.text});
      continue;
    }
    // A gap of one version is an excluded version, said by the interval before it.
    bool after_hole = i > 0 && intervals_[i - 1].to.key == from.key;
    if (!after_hole && !(from == Bottom())) {
      out.push_back({from.after ? VersionOp::kGreater : VersionOp::kGreaterEqual, &from.text});
    }
    if (to == Top()) continue;
    bool before_hole = i + 1 < intervals_.size() && intervals_[i + 1].from.key == to.key;
    VersionOp ends = to.after ? VersionOp::kLessEqual : VersionOp::kLess;
    out.push_back({before_hole ? VersionOp::kNotEqual : ends, &to.text});
  }
  return out;
}

std::string VersionRange::ToVers() const {
  if (IsEmpty()) return "vers:none/*";
  if (IsAll()) return "vers:all/*";
  std::string out = fmt::format("vers:{}/", VersionSchemeName(*scheme_));
  if (IsWholeLine()) return out + "*";
  std::string_view separator;
  for (const Constraint& c : Constraints()) {
    // No character of a semver or deb version needs percent-encoding.
    out += fmt::format("{}{}{}", separator, c.op == VersionOp::kEqual ? "" : VersionOpText(c.op),
                       *c.text);
    separator = "|";
  }
  return out;
}

std::string VersionRange::ToWords() const {
  if (IsEmpty()) return "no version";
  if (IsAll()) return "any version";
  if (IsWholeLine()) return fmt::format("any {} version", VersionSchemeName(*scheme_));
  std::string out;
  bool joined = false;  // Whether the next comparison narrows the one before.
  for (const Constraint& c : Constraints()) {
    if (!out.empty()) out += joined ? ", " : " or ";
    out += fmt::format("{} {}", VersionOpText(c.op), *c.text);
    joined = c.op == VersionOp::kGreater || c.op == VersionOp::kGreaterEqual ||
             c.op == VersionOp::kNotEqual;
  }
  return out;
}

}  // namespace dml
