// Filters: the one language in which all list and search calls say what they want.
//
// A subset of AIP-160 (google.aip.dev/160) with its precedence: OR binds tighter than AND, so that
// `a AND b OR c` is `a AND (b OR c)`. For users: docs/filter.md. Grammar, with WS one or more of
// space, tab, CR, LF, and blanks allowed around operators and inside parentheses:
//   filter      = [ expression ]                      empty: everything
//   expression  = factor *( WS [ "AND" WS ] factor )
//   factor      = term *( WS "OR" WS term )
//   term        = [ "NOT" WS / "-" ] ( restriction / "(" expression ")" )
//   restriction = field operator value                field = name [ "." label key ]
//   operator    = "=" / "!=" / "<" / "<=" / ">" / ">=" / ":"
//   value       = bare / DQUOTE *( char / "\" ( DQUOTE / "\" / "*" ) ) DQUOTE
//   bare        = 1*( any byte but WS ( ) " ' \ , = < > ), not AND, OR or NOT
// What each operator means for each type of field: core/filter/term.h. AIP-160's bare literals,
// functions and lists of values are not part of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/filter/term.h"

namespace dml {

inline constexpr size_t kMaxFilterBytes = 4096;
inline constexpr size_t kMaxFilterTerms = 64;
inline constexpr size_t kMaxFilterDepth = 16;  // Parentheses within parentheses.

/// A parsed filter; a value, immutable, for any number of threads. Default: matches everything.
class Filter {
 public:
  Filter() = default;

  /// INVALID_ARGUMENT (FILTER_INVALID), "filter, column N: expected ..., found ...", columns
  /// counting bytes from 1: other text than the grammar's or not UTF-8, more than the limits above,
  /// a field that is not in the schema (the message lists those that are), an operator or value
  /// that the field's type does not take. The schema is not needed afterwards.
  static absl::StatusOr<Filter> Parse(std::string_view text, const FilterSchema& schema);

  /// Whether the record that `subject` describes meets the filter. Takes time linear in terms and
  /// values, whatever they hold.
  bool Matches(const FilterSubject& subject) const;

  /// A text that a kString or kEnum field has in every record that matches, where the filter says
  /// so by `field = text` outside of OR and NOT: lets a caller look at fewer records. Where it says
  /// so several times, the first.
  std::optional<std::string> EqualityOf(std::string_view field) const;

 private:
  friend class FilterParser;

  struct Node {
    enum class Kind { kTerm, kNot, kAnd, kOr };
    Kind kind = Kind::kAnd;
    size_t term = 0;             // Of a kTerm: index in terms_.
    std::vector<Node> operands;  // Of the others; kNot has one, an empty kAnd holds.
  };

  bool Holds(const Node& node, const FilterSubject& subject) const;
  const std::string* ExactText(const Node& node, std::string_view field) const;

  std::vector<FilterTerm> terms_;
  Node root_;
};

}  // namespace dml
