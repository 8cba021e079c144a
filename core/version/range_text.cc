// The texts of VersionRange: VERS (package-url vers-spec, clause 5) and words for people.
#include <algorithm>

#include "core/base/text.h"
#include "core/version/range.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("VERSION_RANGE_INVALID");

// Beyond VERS: between the constraints of releases and those of prereleases.
constexpr std::string_view kPrereleaseMark = ";pre=";

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
  const bool pattern = constraint.ends_with('*');
  if (constraint.substr(0, constraint.size() - pattern).find_first_of("<>=!*") !=
      std::string_view::npos) {
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
  auto version = pattern ? Version::ParsePattern(scheme, *text) : Version::Parse(scheme, *text);
  if (!version.ok()) return InvalidArgument(kInvalid, "{}", Message(version.status()));
  return VersionComparator{op, *std::move(version)};
}

/// Whether a constraint lies behind another one on the line of keys, and is of another version.
bool ComesAfter(const VersionComparator& constraint, const VersionComparator& before) {
  // A pattern is cut at its end by ">" and "<=".
  auto cut = [](const VersionComparator& c) -> const std::string& {
    const bool at_end = c.op == VersionOp::kGreater || c.op == VersionOp::kLessEqual;
    return at_end && c.version.is_pattern() ? c.version.pattern_end() : c.version.key();
  };
  return before.version.key() != constraint.version.key() && cut(before) < cut(constraint);
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
    if (!out.empty() && !ComesAfter(*constraint, out.back())) {
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

absl::StatusOr<VersionRange::Line> VersionRange::FromVersConstraints(
    VersionScheme scheme, std::span<const VersionComparator> constraints) {
  auto first = std::find_if(constraints.begin(), constraints.end(),
                            [](const auto& c) { return c.op != VersionOp::kNotEqual; });
  // Where the current interval began; none between intervals.
  std::optional<Cut> open;
  if (first == constraints.end() || first->op == VersionOp::kLess ||
      first->op == VersionOp::kLessEqual) {
    open = Bottom();
  }
  Line intervals;
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
  return intervals;
}

absl::StatusOr<VersionRange::Line> VersionRange::ReadConstraints(VersionScheme scheme,
                                                                 std::string_view text) {
  if (text == "*") return Everything();
  DML_ASSIGN_OR_RETURN(auto constraints, ParseConstraints(scheme, text));
  return FromVersConstraints(scheme, constraints);
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
  const std::string_view type = text.substr(kPrefix.size(), slash - kPrefix.size());
  const auto rules = std::ranges::find(AllSchemeRules(), type, &SchemeRules::vers_type);
  if (rules == AllSchemeRules().end()) {
    return InvalidArgument(kInvalid, "\"{}\": version scheme \"{}\" is not known here", shown,
                           Excerpt(type));
  }
  const std::string_view constraints = text.substr(slash + 1);
  const size_t split = constraints.find(kPrereleaseMark);
  if (split != std::string_view::npos && !rules->has_prereleases) {
    return InvalidArgument(kInvalid, "\"{}\": versions of {} are not told apart as prereleases",
                           shown, rules->name);
  }
  std::vector<Line> lines;
  // Only what follows the mark, or stands before it, may be empty.
  for (size_t i = 0; i < (split == std::string_view::npos ? 1 : 2); ++i) {
    const std::string_view part =
        i == 0 ? constraints.substr(0, split) : constraints.substr(split + kPrereleaseMark.size());
    lines.emplace_back();
    if (part.empty() && split != std::string_view::npos) continue;
    auto line = ReadConstraints(rules->scheme, part);
    if (!line.ok()) return Annotate(line.status(), fmt::format("\"{}\"", shown));
    lines.back() = *std::move(line);
  }
  return Make(rules->scheme, std::move(lines));
}

std::vector<VersionRange::Constraint> VersionRange::Constraints(const Line& line) {
  std::vector<Constraint> out;
  for (size_t i = 0; i < line.size(); ++i) {
    const auto& [from, to] = line[i];
    if (!from.after && to.after && from.key == to.low) {
      out.push_back({VersionOp::kEqual, &to.text});
      continue;
    }
    // A gap of one version (or pattern) is excluded, said by the interval before it.
    bool after_hole =
        i > 0 && from.after && !line[i - 1].to.after && line[i - 1].to.key == from.low;
    if (!after_hole && !(from == Bottom())) {
      out.push_back({from.after ? VersionOp::kGreater : VersionOp::kGreaterEqual, &from.text});
    }
    if (to == Top()) continue;
    bool before_hole = i + 1 < line.size() && !to.after && line[i + 1].from.after &&
                       line[i + 1].from.low == to.key;
    VersionOp ends = to.after ? VersionOp::kLessEqual : VersionOp::kLess;
    out.push_back({before_hole ? VersionOp::kNotEqual : ends,
                   before_hole ? &line[i + 1].from.text : &to.text});
  }
  return out;
}

std::string VersionRange::LineText(const Line& line) {
  if (IsEverything(line)) return "*";
  std::string out;
  std::string_view separator;
  for (const Constraint& c : Constraints(line)) {
    out += separator;
    if (c.op != VersionOp::kEqual) out += VersionOpText(c.op);
    for (char ch : *c.text) {
      const bool pattern_end = ch == '*';  // The only place where a text has one.
      if (!pattern_end && std::string_view("<>=!|%;").find(ch) != std::string_view::npos) {
        out += fmt::format("%{:02X}", static_cast<unsigned char>(ch));
      } else {
        out += ch;
      }
    }
    separator = "|";
  }
  return out;
}

std::string VersionRange::ToVers() const {
  if (IsEmpty()) return "vers:none/*";
  if (IsAll()) return "vers:all/*";
  std::string out = fmt::format("vers:{}/{}", RulesOf(*scheme_).vers_type, LineText(lines_[0]));
  if (lines_.size() == 2) out += fmt::format("{}{}", kPrereleaseMark, LineText(lines_[1]));
  return out;
}

std::string VersionRange::LineWords(const Line& line) {
  std::string out;
  bool joined = false;  // Whether the next comparison narrows the one before.
  for (const Constraint& c : Constraints(line)) {
    if (!out.empty()) out += joined ? ", " : " or ";
    out += fmt::format("{} {}", VersionOpText(c.op), *c.text);
    joined = c.op == VersionOp::kGreater || c.op == VersionOp::kGreaterEqual ||
             c.op == VersionOp::kNotEqual;
  }
  return out;
}

std::string VersionRange::ToWords() const {
  if (IsEmpty()) return "no version";
  if (IsAll()) return "any version";
  auto words = [this](const Line& line, std::string_view kind) {
    if (IsEverything(line)) return fmt::format("any {} {}", VersionSchemeName(*scheme_), kind);
    return LineWords(line);
  };
  if (lines_.size() == 1) return words(lines_[0], "version");
  if (lines_[1].empty()) return words(lines_[0], "release");
  std::string prereleases = "of prereleases " + words(lines_[1], "prerelease");
  return lines_[0].empty() ? prereleases : words(lines_[0], "release") + "; " + prereleases;
}

}  // namespace dml
