// One restriction of a filter, such as `version >= "1.0"`: what may be written, and when it holds.
//
// Types of fields, with the operators that each takes; `field : *` (has any value) goes with all:
//   kString      = != < <= > >= :   bytes, case-sensitive; ":" finds a part, ASCII in any case
//   kExpression  = != :             an SPDX expression: "=" is met by the whole or by one id in it
//   kVersion     = != < <= > >= :   order of the record's scheme; a text for ":" and wildcards
//   kUnsigned    = != < <= > >=     decimal
//   kTime        = != < <= > >=     RFC 3339, compared to the microsecond
//   kEnum        = !=               one of the field's words
//   kLabels      = != < <= > >= :   written `labels.KEY`, else as kString; `labels : KEY` too
// In a value of = and != that is compared as text, "*" at the start or end stands for any text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/version/version.h"

namespace dml {

enum class FilterType { kString, kExpression, kVersion, kUnsigned, kTime, kEnum, kLabels };

/// A field that filters may name. The texts must outlive every use of the schema (literals do).
struct FilterField {
  std::string_view name;
  FilterType type = FilterType::kString;
  std::span<const std::string_view> words = {};  // Of a kEnum.
};

/// The fields of one kind of record, in the order in which messages list them.
using FilterSchema = std::vector<FilterField>;

/// A field's value in one record: std::string for kString, kExpression, kEnum and kLabels, else the
/// type that says so. std::monostate: the record has no such value (a label that is not there, a
/// version that its scheme cannot read); no restriction holds for it, != included.
using FilterValue = std::variant<std::monostate, std::string, uint64_t, Timestamp, Version>;

/// Gives the values of the record that is tested: by name of the field and, for kLabels, key.
using FilterSubject = std::function<FilterValue(std::string_view field, std::string_view label)>;

enum class FilterOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };

/// A value as written in a filter.
struct FilterLiteral {
  std::string_view raw;       // With its quotes and escapes, for messages.
  size_t column = 1;          // Of its first byte, from 1.
  std::string text;           // Without them.
  std::vector<size_t> stars;  // Where in `text` a '*' stands that is not escaped.
};

/// INVALID_ARGUMENT (FILTER_INVALID): "column N: expected ..., found ...".
absl::Status FilterError(size_t column, std::string_view expected, std::string_view found);

/// A restriction, ready to be tested. A value type.
class FilterTerm {
 public:
  /// `label` is the key of a kLabels field, "" where none is written. FILTER_INVALID at `op_column`
  /// where the type does not take the operator, or at the literal where it is no value of the type.
  static absl::StatusOr<FilterTerm> Make(const FilterField& field, std::string_view label,
                                         FilterOp op, size_t op_column,
                                         const FilterLiteral& literal);

  /// Linear in the lengths of the value and of the literal.
  bool Matches(const FilterSubject& subject) const;

  const std::string& field() const { return field_; }
  /// The text that the value must equal byte for byte, or nullptr where it need not.
  const std::string* ExactText() const;

 private:
  absl::Status ReadLiteral(const FilterField& field, const FilterLiteral& literal);
  absl::Status ReadWildcards(const FilterLiteral& literal);
  bool MatchesValue(const FilterValue& value) const;
  bool MatchesText(const std::string& value) const;
  bool MatchesExpression(const std::string& value) const;
  bool MatchesVersion(const Version& value) const;
  bool EqualsText(std::string_view value) const;

  std::string field_;
  std::string label_;
  FilterType type_ = FilterType::kString;
  FilterOp op_ = FilterOp::kEqual;
  bool any_value_ = false;   // `field : *`
  bool star_front_ = false;  // text_ follows any text ...
  bool star_back_ = false;   // ... and any text follows it.
  std::string text_;         // In lower case for kHas.
  uint64_t number_ = 0;
  Timestamp time_;
};

}  // namespace dml
