// License expressions: the canonical text reads as the same expression and is its own, within the
// limits.
#include <algorithm>

#include "core/license/expression.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

// Joined with itself it loses repetitions, and nothing more after that.
bool CheckJoin(const LicenseExpression& expression, std::string_view text) {
  const LicenseList& list = BundledLicenseList();
  const auto once = JoinLicenses({expression, expression}, list);
  if (!once.ok()) {  // An OR gets parentheses, which may be more than there may be.
    const auto open = static_cast<size_t>(std::ranges::count(text, '('));
    DML_HOLDS(open >= kMaxLicenseDepth || text.size() + 2 > kMaxLicenseExpressionBytes);
    return true;
  }
  const auto twice = JoinLicenses({*once, *once}, list);
  DML_HOLDS(twice.ok());
  DML_HOLDS(*twice == *once);
  return true;
}

}  // namespace

bool FuzzLicenseExpression(std::string_view input) {
  const LicenseList& list = BundledLicenseList();
  const auto expression = LicenseExpression::Parse(input, list);
  if (!expression.ok()) {
    DML_HOLDS(Reason(expression.status()) == "LICENSE_EXPRESSION_INVALID");
    DML_HOLDS(Message(expression.status()).size() < 1000);
    return false;
  }
  DML_HOLDS(input.size() <= kMaxLicenseExpressionBytes);
  DML_HOLDS(expression->leaves().size() <= kMaxLicenseOperators + 1);
  DML_HOLDS(expression->leaves().empty() ==
            (expression->is_none() || expression->is_no_assertion()));
  const std::string text = expression->ToString();
  const auto again = LicenseExpression::Parse(text, list);
  DML_HOLDS(again.ok());
  DML_HOLDS(*again == *expression);
  DML_HOLDS(again->ToString() == text);
  std::string joined;
  for (const std::string& part : expression->Conjuncts()) {
    DML_HOLDS(LicenseExpression::Parse(part, list).ok());
    joined += (joined.empty() ? "" : " AND ") + part;
  }
  DML_HOLDS(joined == text);
  return CheckJoin(*expression, text);
}

std::vector<std::string> LicenseExpressionSeeds() {
  std::vector<std::string> out = {"MIT",
                                  "NONE",
                                  "NOASSERTION",
                                  "GPL-2.0-only WITH Classpath-exception-2.0 OR Apache-2.0+",
                                  "(MIT AND (BSD-3-Clause OR (ISC AND Zlib)))",
                                  "mit or apache-2.0",
                                  "DocumentRef-a:LicenseRef-b WITH AdditionRef-c",
                                  "((((((((MIT))))))))",
                                  "LGPL-2.1-or-later\tAND\n(MPL-2.0 OR GPL-2.0+)"};
  // A few ids of every kind for the mutations to put together.
  const auto listed = BundledLicenseList().licenses();
  for (size_t i = 0; i < listed.size(); i += 25) out.push_back(listed[i].id);
  return out;
}

}  // namespace dml::fuzz
