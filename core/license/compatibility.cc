// CompareLicenses: each inbound license against each outbound one, then both trees.
#include "core/license/compatibility.h"

#include <algorithm>

namespace dml {
namespace {

using Kind = LicenseNode::Kind;

constexpr size_t kMaxExplanations = 16;  // Of one verdict; of large expressions not all are told.

// The answer for a pair, and the pairs that decided it.
struct Answer {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::vector<std::string> explanations;
};

// Whether the question is the matrix's own: code merged into what others get.
bool IsMatrixContext(const LicenseContext& context) {
  return context.combination == LicenseCombination::kMerged &&
         context.provision != LicenseProvision::kInternal;
}

Answer AnswerPair(const LicenseLeaf& outbound, const LicenseLeaf& inbound,
                  const LicenseContext& context, const CompatibilityMatrix& matrix,
                  const LicenseList& list) {
  const MatrixCell* cell = matrix.Find(outbound, inbound, list);
  if (cell == nullptr) {
    return {LicenseOutcome::kReview,
            {fmt::format("No data on {} in {}.", inbound.ToString(), outbound.ToString())}};
  }
  switch (cell->answer) {
    case MatrixAnswer::kSame:
    case MatrixAnswer::kYes:
      return {LicenseOutcome::kAllow, {cell->explanation}};
    case MatrixAnswer::kUnknown:
    case MatrixAnswer::kCheckDependency:
      return {LicenseOutcome::kReview, {cell->explanation}};
    case MatrixAnswer::kNo:
      break;
  }
  if (IsMatrixContext(context)) return {LicenseOutcome::kDeny, {cell->explanation}};
  return {LicenseOutcome::kReview,
          {fmt::format("{} This is for merged code that others get; for {} it is not known.",
                       cell->explanation, context.ToString())}};
}

// The operands that have the outcome, with all that they say.
Answer Gather(const std::vector<Answer>& operands, LicenseOutcome outcome, bool first_only) {
  Answer out{outcome, {}};
  for (const Answer& operand : operands) {
    if (operand.outcome != outcome) continue;
    for (const std::string& explanation : operand.explanations) {
      if (out.explanations.size() == kMaxExplanations) break;
      if (std::ranges::find(out.explanations, explanation) == out.explanations.end()) {
        out.explanations.push_back(explanation);
      }
    }
    if (first_only) break;
  }
  return out;
}

Answer CombineInbound(Kind kind, const std::vector<Answer>& operands) {
  auto by_outcome = [](const Answer& a, const Answer& b) { return a.outcome < b.outcome; };
  return kind == Kind::kOr
             ? Gather(operands, std::ranges::min_element(operands, by_outcome)->outcome, true)
             : Gather(operands, std::ranges::max_element(operands, by_outcome)->outcome, false);
}

Answer CombineOutbound(Kind kind, const std::vector<Answer>& operands) {
  auto by_outcome = [](const Answer& a, const Answer& b) { return a.outcome < b.outcome; };
  const LicenseOutcome best = std::ranges::min_element(operands, by_outcome)->outcome;
  const LicenseOutcome worst = std::ranges::max_element(operands, by_outcome)->outcome;
  Answer out = Gather(operands, worst, false);
  if (kind == Kind::kAnd && best == LicenseOutcome::kAllow)
    out.outcome = std::min(worst, LicenseOutcome::kReview);
  return out;
}

// One walk over a postfix tree.
template <typename LeafFn, typename CombineFn>
Answer Walk(const LicenseExpression& expression, const LeafFn& answer_leaf,
            const CombineFn& combine) {
  std::vector<Answer> stack;
  for (const LicenseNode& node : expression.nodes()) {
    if (node.kind == Kind::kLeaf) {
      stack.push_back(answer_leaf(expression.leaves()[node.count]));
      continue;
    }
    const auto first = stack.end() - node.count;
    Answer combined = combine(node.kind, std::vector<Answer>(first, stack.end()));
    stack.erase(first, stack.end());
    stack.push_back(std::move(combined));
  }
  return stack.front();
}

bool IsWholeValue(const LicenseExpression& expression) {
  return expression.is_none() || expression.is_no_assertion();
}

}  // namespace

LicenseComparison CompareLicenses(const LicenseExpression& outbound,
                                  const LicenseExpression& inbound, const LicenseContext& context,
                                  const CompatibilityMatrix& matrix, const LicenseList& list) {
  LicenseComparison verdict;
  verdict.outbound = outbound.ToString();
  verdict.inbound = inbound.ToString();
  verdict.context = context;
  verdict.source = matrix.version();
  verdict.list_version = list.version();
  if (IsWholeValue(outbound) || IsWholeValue(inbound)) {
    verdict.explanation = fmt::format("No data on {} in {}.", verdict.inbound, verdict.outbound);
    return verdict;
  }
  const Answer answer = Walk(
      outbound,
      [&](const LicenseLeaf& to) {
        return Walk(
            inbound,
            [&](const LicenseLeaf& from) { return AnswerPair(to, from, context, matrix, list); },
            CombineInbound);
      },
      CombineOutbound);
  verdict.outcome = answer.outcome;
  for (const std::string& explanation : answer.explanations) {
    if (!verdict.explanation.empty()) verdict.explanation += " / ";
    verdict.explanation += explanation;
  }
  return verdict;
}

}  // namespace dml
