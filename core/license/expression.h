// License expressions of SPDX, as a tree.
//
// Grammar: SPDX 3.0.1, annex "SPDX license expressions" (2.3, annex D, is a part of it):
//   expression = and-part *( OR and-part )            and-part = operand *( AND operand )
//   operand    = "(" expression ")" / license [ WITH addition ]
//   license    = id [ "+" ] / [ "DocumentRef-" idstring ":" ] "LicenseRef-" idstring
//   addition   = exception-id / [ "DocumentRef-" idstring ":" ] "AdditionRef-" idstring
//   idstring   = 1*( letter / digit / "-" / "." )
// Listed ids match in any case and are kept as the list writes them; "LicenseRef-" and the like
// match exactly. An operator is wholly upper or wholly lower case and stands between white space
// (space, tab, line ends) or parentheses; "+" follows its id at once. A whole value may also be
// NONE (no license) or NOASSERTION (not known), which never occur inside an expression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/license/license_list.h"

namespace dml {

inline constexpr size_t kMaxLicenseExpressionBytes = 16 << 10;
inline constexpr size_t kMaxLicenseOperators = 1024;  // AND, OR and WITH together.
inline constexpr size_t kMaxLicenseDepth = 64;        // Parentheses within parentheses.

/// One license of an expression, with what WITH adds to it.
struct LicenseLeaf {
  std::string id;                // Listed id, or "LicenseRef-..." with its DocumentRef.
  bool listed = false;           // False for a LicenseRef, and what the list does not have.
  bool plus = false;             // Written with "+"; see version() for what is granted.
  std::string addition;          // Exception id or AdditionRef, "" where there is none.
  bool addition_listed = false;  // False for an AdditionRef, likewise, and where there is none.

  bool is_ref() const;  // A LicenseRef.
  /// Whether the list knows every name in it.
  bool known() const { return listed && (addition.empty() || addition_listed); }
  /// A LicenseRef has one version, which is its id.
  LicenseVersion version() const;
  std::string ToString() const;
  bool operator==(const LicenseLeaf&) const = default;
};

/// A node of the tree in postfix order: the operands of an AND or OR directly precede it.
struct LicenseNode {
  enum class Kind { kLeaf, kAnd, kOr };
  Kind kind = Kind::kLeaf;
  uint32_t count = 0;  // kLeaf: index in leaves(). Else the number of operands, at least 2.
  bool operator==(const LicenseNode&) const = default;
};

/// An expression, NONE or NOASSERTION; a value, NOASSERTION by default. An operand of AND is never
/// an AND itself, nor an OR's an OR, so that equal meaning by associativity is one tree.
class LicenseExpression {
 public:
  LicenseExpression() = default;
  static LicenseExpression None();
  static LicenseExpression NoAssertion() { return LicenseExpression(); }

  /// INVALID_ARGUMENT (LICENSE_EXPRESSION_INVALID) with "column N: expected ..., found ...", where
  /// columns count bytes from 1: another grammar than the above, an id that is not on the list, or
  /// more than the limits above (the canonical text keeps to them too).
  static absl::StatusOr<LicenseExpression> Parse(std::string_view text, const LicenseList& list);
  /// The same of a text that was judged by a list which is not at hand: ids that `list` does not
  /// have stay as written, not known().
  static absl::StatusOr<LicenseExpression> ParseOpen(std::string_view text,
                                                     const LicenseList& list);

  bool is_none() const { return value_ == Value::kNone; }
  bool is_no_assertion() const { return value_ == Value::kNoAssertion; }

  /// In the order of the text; both are empty for NONE and NOASSERTION.
  const std::vector<LicenseLeaf>& leaves() const { return leaves_; }
  const std::vector<LicenseNode>& nodes() const { return nodes_; }

  /// The canonical text: ids as listed, operators in upper case, no parentheses that precedence
  /// makes needless. Parse(ToString()) gives this value.
  std::string ToString() const;

  /// The canonical texts of the operands of an AND at the root, those that are an OR in
  /// parentheses; else ToString() alone. Joined by " AND " they are the expression.
  std::vector<std::string> Conjuncts() const;

  bool operator==(const LicenseExpression&) const = default;

 private:
  friend class LicenseExpressionParser;
  enum class Value { kExpression, kNone, kNoAssertion };

  std::vector<std::string> RootOperands() const;

  Value value_ = Value::kNoAssertion;
  std::vector<LicenseLeaf> leaves_;
  std::vector<LicenseNode> nodes_;
};

/// All of these at once, joined by AND without repetitions, in the order given: what a bare list of
/// licenses means. One alone is itself. NOASSERTION where there is none, or where one of several is
/// NONE or NOASSERTION, as the whole is then not known. LICENSE_EXPRESSION_INVALID beyond the
/// limits.
absl::StatusOr<LicenseExpression> JoinLicenses(const std::vector<LicenseExpression>& expressions,
                                               const LicenseList& list);

}  // namespace dml
