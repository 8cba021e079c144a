#include "core/filter/term.h"

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstring>
#include <optional>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("FILTER_INVALID");

constexpr std::string_view kAllOps = "=, !=, <, <=, >, >= or :";

std::string_view OpsOf(FilterType type) {
  switch (type) {
    case FilterType::kString:
    case FilterType::kVersion:
    case FilterType::kLabels:
      return kAllOps;
    case FilterType::kExpression:
      return "=, != or :";
    case FilterType::kUnsigned:
    case FilterType::kTime:
      return "=, !=, <, <=, >, >= or : *";
    case FilterType::kEnum:
      return "=, != or : *";
  }
  return "";
}

bool TakesOp(FilterType type, FilterOp op) {
  if (op == FilterOp::kEqual || op == FilterOp::kNotEqual) return true;
  if (op == FilterOp::kHas) {
    return type != FilterType::kUnsigned && type != FilterType::kTime && type != FilterType::kEnum;
  }
  return type != FilterType::kExpression && type != FilterType::kEnum;
}

std::string_view OpText(FilterOp op) {
  constexpr std::string_view kTexts[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  return kTexts[static_cast<size_t>(op)];
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// memmem of the C library is linear whatever the texts; std::string_view::find is not.
bool Contains(std::string_view text, std::string_view part) {
  return part.empty() || memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool Holds(FilterOp op, std::weak_ordering order) {
  switch (op) {
    case FilterOp::kEqual:
      return order == 0;
    case FilterOp::kNotEqual:
      return order != 0;
    case FilterOp::kLess:
      return order < 0;
    case FilterOp::kLessEqual:
      return order <= 0;
    case FilterOp::kGreater:
      return order > 0;
    case FilterOp::kGreaterEqual:
      return order >= 0;
    case FilterOp::kHas:
      return false;
  }
  return false;
}

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string JoinWords(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string Found(std::string_view text) { return "'" + Excerpt(text) + "'"; }

}  // namespace

absl::Status FilterError(size_t column, std::string_view expected, std::string_view found) {
  return InvalidArgument(kInvalid, "filter, column {}: expected {}, found {}", column, expected,
                         found);
}

absl::StatusOr<FilterTerm> FilterTerm::Make(const FilterField& field, std::string_view label,
                                            FilterOp op, size_t op_column,
                                            const FilterLiteral& literal) {
  FilterTerm term;
  term.field_ = field.name;
  term.label_ = label;
  term.type_ = field.type;
  term.op_ = op;
  if (op == FilterOp::kHas && literal.text == "*" && !literal.stars.empty()) {
    term.any_value_ = true;
    if (field.type != FilterType::kLabels || !label.empty()) return term;
  }
  if (field.type == FilterType::kLabels && label.empty()) {
    if (op != FilterOp::kHas) {
      return FilterError(op_column, "':' and a key, or labels.KEY before the operator",
                         Found(OpText(op)));
    }
    absl::Status key = ValidateLabel(literal.text, "");
    if (!key.ok()) return FilterError(literal.column, "the key of a label", Found(literal.raw));
    term.label_ = literal.text;
    term.any_value_ = true;
    return term;
  }
  if (!TakesOp(field.type, op)) {
    return FilterError(op_column, fmt::format("{} after '{}'", OpsOf(field.type), field.name),
                       Found(OpText(op)));
  }
  DML_RETURN_IF_ERROR(term.ReadLiteral(field, literal));
  return term;
}

absl::Status FilterTerm::ReadLiteral(const FilterField& field, const FilterLiteral& literal) {
  if (type_ == FilterType::kUnsigned) {
    std::optional<uint64_t> number = ParseUnsigned(literal.text);
    if (!number) return FilterError(literal.column, "a number from 0", Found(literal.raw));
    number_ = *number;
  } else if (type_ == FilterType::kTime) {
    std::optional<Timestamp> time = ParseTime(literal.text);
    if (!time) {
      return FilterError(literal.column, "a time as in 2026-03-01T12:00:00Z", Found(literal.raw));
    }
    time_ = *time;
  } else if (type_ == FilterType::kEnum) {
    if (std::find(field.words.begin(), field.words.end(), literal.text) == field.words.end()) {
      return FilterError(literal.column, "one of " + JoinWords(field.words), Found(literal.raw));
    }
    text_ = literal.text;
  } else {
    return ReadWildcards(literal);
  }
  return absl::OkStatus();
}

absl::Status FilterTerm::ReadWildcards(const FilterLiteral& literal) {
  std::string_view text = literal.text;
  bool equality = op_ == FilterOp::kEqual || op_ == FilterOp::kNotEqual;
  for (size_t star : literal.stars) {
    if (!equality || (star != 0 && star + 1 != text.size())) {
      return FilterError(literal.column,
                         "'*' only at the start or end of a value of = or != (\"\\*\" is a star)",
                         Found(literal.raw));
    }
    (star == 0 ? star_front_ : star_back_) = true;
  }
  if (star_front_) text.remove_prefix(1);
  if (star_back_) text.remove_suffix(1);
  text_ = op_ == FilterOp::kHas ? Lower(text) : std::string(text);
  return absl::OkStatus();
}

bool FilterTerm::Matches(const FilterSubject& subject) const {
  return MatchesValue(subject(field_, label_));
}

const std::string* FilterTerm::ExactText() const {
  bool whole = type_ == FilterType::kString || type_ == FilterType::kEnum;
  return whole && op_ == FilterOp::kEqual && !star_front_ && !star_back_ ? &text_ : nullptr;
}

bool FilterTerm::MatchesValue(const FilterValue& value) const {
  const std::string* text = std::get_if<std::string>(&value);
  if (any_value_) {
    if (text != nullptr) return type_ == FilterType::kLabels || !text->empty();
    return !std::holds_alternative<std::monostate>(value);
  }
  switch (type_) {
    case FilterType::kString:
    case FilterType::kEnum:
    case FilterType::kLabels:
      return text != nullptr && MatchesText(*text);
    case FilterType::kExpression:
      return text != nullptr && MatchesExpression(*text);
    case FilterType::kVersion: {
      const Version* version = std::get_if<Version>(&value);
      return version != nullptr && MatchesVersion(*version);
    }
    case FilterType::kUnsigned: {
      const uint64_t* number = std::get_if<uint64_t>(&value);
      return number != nullptr && Holds(op_, *number <=> number_);
    }
    case FilterType::kTime: {
      const Timestamp* time = std::get_if<Timestamp>(&value);
      return time != nullptr && Holds(op_, ToMicros(*time) <=> ToMicros(time_));
    }
  }
  return false;
}

bool FilterTerm::EqualsText(std::string_view value) const {
  if (star_front_ && star_back_) return Contains(value, text_);
  if (star_front_) return value.ends_with(text_);
  if (star_back_) return value.starts_with(text_);
  return value == text_;
}

bool FilterTerm::MatchesText(const std::string& value) const {
  if (op_ == FilterOp::kHas) return Contains(Lower(value), text_);
  if (op_ == FilterOp::kEqual) return EqualsText(value);
  if (op_ == FilterOp::kNotEqual) return !EqualsText(value);
  return Holds(op_, value <=> text_);
}

bool FilterTerm::MatchesExpression(const std::string& value) const {
  if (op_ == FilterOp::kHas) return MatchesText(value);
  bool equal = EqualsText(value);
  std::string_view rest = value;
  while (!equal && !rest.empty()) {
    size_t end = std::min(rest.find_first_of(" ()"), rest.size());
    std::string_view word = rest.substr(0, end);
    bool id = !word.empty() && word != "AND" && word != "OR" && word != "WITH";
    equal = id && EqualsText(word);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return equal == (op_ == FilterOp::kEqual);
}

bool FilterTerm::MatchesVersion(const Version& value) const {
  if (op_ == FilterOp::kHas || star_front_ || star_back_) return MatchesText(value.text());
  absl::StatusOr<Version> wanted = Version::Parse(value.scheme(), text_);
  return wanted.ok() && Holds(op_, Compare(value, *wanted));
}

}  // namespace dml
