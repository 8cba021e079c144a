#include "core/license/expression.h"

#include <set>
#include <utility>

namespace dml {
namespace {

std::string JoinTexts(const std::vector<std::string>& texts, std::string_view separator) {
  std::string joined;
  for (const std::string& text : texts) {
    if (!joined.empty()) joined += separator;
    joined += text;
  }
  return joined;
}

}  // namespace

bool LicenseLeaf::is_ref() const {
  return id.starts_with("LicenseRef-") || id.starts_with("DocumentRef-");
}

LicenseVersion LicenseLeaf::version() const {
  return is_ref() ? LicenseVersion{id, false} : VersionOfLicense(id, plus);
}

std::string LicenseLeaf::ToString() const {
  std::string text = id;
  if (plus) text += '+';
  if (!addition.empty()) text += " WITH " + addition;
  return text;
}

LicenseExpression LicenseExpression::None() {
  LicenseExpression expression;
  expression.value_ = Value::kNone;
  return expression;
}

// The texts of the root's operands, or of the only leaf.
std::vector<std::string> LicenseExpression::RootOperands() const {
  using Kind = LicenseNode::Kind;
  struct Text {
    std::string text;
    Kind kind;
  };
  std::vector<Text> stack;
  std::vector<std::string> operands;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const LicenseNode& node = nodes_[i];
    if (node.kind == Kind::kLeaf) {
      stack.push_back({leaves_[node.count].ToString(), Kind::kLeaf});
      continue;
    }
    operands.clear();
    for (size_t k = stack.size() - node.count; k < stack.size(); ++k) {
      const bool parenthesize = node.kind == Kind::kAnd && stack[k].kind == Kind::kOr;
      operands.push_back(parenthesize ? "(" + stack[k].text + ")" : std::move(stack[k].text));
    }
    stack.resize(stack.size() - node.count);
    if (i + 1 == nodes_.size()) return operands;
    stack.push_back({JoinTexts(operands, node.kind == Kind::kAnd ? " AND " : " OR "), node.kind});
  }
  return {stack.back().text};
}

std::string LicenseExpression::ToString() const {
  if (is_none()) return "NONE";
  if (is_no_assertion()) return "NOASSERTION";
  return JoinTexts(RootOperands(),
                   nodes_.back().kind == LicenseNode::Kind::kAnd ? " AND " : " OR ");
}

std::vector<std::string> LicenseExpression::Conjuncts() const {
  if (value_ == Value::kExpression && nodes_.back().kind == LicenseNode::Kind::kAnd) {
    return RootOperands();
  }
  return {ToString()};
}

absl::StatusOr<LicenseExpression> JoinLicenses(const std::vector<LicenseExpression>& expressions,
                                               const LicenseList& list) {
  if (expressions.size() == 1) return expressions.front();
  std::vector<std::string> conjuncts;
  std::set<std::string> seen;
  for (const LicenseExpression& expression : expressions) {
    if (expression.is_none() || expression.is_no_assertion()) {
      return LicenseExpression::NoAssertion();
    }
    const bool is_or = expression.nodes().back().kind == LicenseNode::Kind::kOr;
    for (std::string& conjunct : expression.Conjuncts()) {
      if (is_or) conjunct = "(" + conjunct + ")";
      if (seen.insert(conjunct).second) conjuncts.push_back(std::move(conjunct));
    }
  }
  if (conjuncts.empty()) return LicenseExpression::NoAssertion();
  return LicenseExpression::Parse(JoinTexts(conjuncts, " AND "), list);
}

}  // namespace dml
