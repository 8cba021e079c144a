// EvaluateLicense: outcomes of the leaves, then one walk over the postfix tree.
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "core/license/policy.h"

namespace dml {
namespace {

constexpr size_t kNoRule = static_cast<size_t>(-1);
constexpr size_t kWaived = kNoRule - 1;

// What the policy says of one license.
struct Judgment {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  size_t order = kNoRule;                       // Of the deciding pattern.
  size_t decided = 0;                           // Index of it in `matches`.
  std::vector<LicensePolicy::Match> matches{};  // Empty where no rule names the license.
};

// The first of the worst rules decides.
Judgment Worst(std::vector<LicensePolicy::Match> matches, const LicensePolicy& policy) {
  Judgment judgment;
  for (size_t i = 0; i < matches.size(); ++i) {
    const LicenseOutcome outcome = policy.rules()[matches[i].rule].outcome;
    if (i == 0 || outcome > judgment.outcome) {
      judgment.outcome = outcome;
      judgment.order = matches[i].order;
      judgment.decided = i;
    }
  }
  judgment.matches = std::move(matches);
  return judgment;
}

// The best version that an or-later license may be used under; one without a rule is kReview.
Judgment BestVersion(const LicenseLeaf& leaf, const LicensePolicy& policy, const LicenseList& list,
                     const LicenseContext& context) {
  std::vector<Judgment> candidates;
  for (const std::string& base : list.VersionsFrom(leaf.version().base)) {
    const size_t before = candidates.size();
    for (bool or_later : {false, true}) {
      Judgment judgment =
          Worst(policy.Find({base, or_later}, leaf.addition, false, context), policy);
      if (!judgment.matches.empty()) candidates.push_back(std::move(judgment));
    }
    if (candidates.size() == before) candidates.emplace_back();
  }
  return *std::ranges::min_element(candidates, {}, [](const Judgment& judgment) {
    return std::pair(judgment.outcome, judgment.order);
  });
}

Judgment JudgeLeaf(const LicenseLeaf& leaf, const LicensePolicy& policy, const LicenseList& list,
                   const LicenseContext& context) {
  const LicenseVersion version = leaf.version();
  Judgment judgment = Worst(policy.Find(version, leaf.addition, leaf.is_ref(), context), policy);
  if (judgment.matches.empty() && version.or_later) {
    return BestVersion(leaf, policy, list, context);
  }
  return judgment;
}

// The first waiver in force lets the license pass; expired ones are told.
void ApplyWaivers(const LicenseLeaf& leaf, const LicenseCircumstances& circumstances,
                  Judgment& judgment, LicenseReason& reason) {
  if (judgment.outcome < LicenseOutcome::kReview || circumstances.waivers == nullptr ||
      circumstances.package.empty()) {
    return;
  }
  for (const LicenseWaiver* waiver :
       circumstances.waivers->Find(leaf, circumstances.context, circumstances.package)) {
    if (waiver->expires <= circumstances.time) {
      reason.expired_waivers.push_back(waiver->id);
      continue;
    }
    if (!reason.waiver.empty()) continue;
    reason.waiver = waiver->id;
    reason.explanation += fmt::format("; waived by '{}' of {} until {}: {}", waiver->id,
                                      waiver->author, FormatTime(waiver->expires), waiver->reason);
    reason.outcome = judgment.outcome = LicenseOutcome::kAllowWithObligations;
    judgment.order = kWaived;
  }
}

LicenseReason MakeReason(std::string text, const Judgment& judgment, const LicensePolicy& policy,
                         std::string_view unnamed) {
  LicenseReason reason;
  reason.leaf = std::move(text);
  reason.outcome = reason.policy_outcome = judgment.outcome;
  if (judgment.matches.empty()) {
    reason.explanation = fmt::format("{}: {}", reason.leaf, unnamed);
    return reason;
  }
  for (size_t i = 0; i < judgment.matches.size(); ++i) {
    const LicensePolicy::Match& match = judgment.matches[i];
    if (i == judgment.decided) {
      reason.rule = policy.rules()[match.rule].id;
      reason.pattern = match.pattern;
    } else {
      reason.other_rules.push_back(policy.rules()[match.rule].id);
    }
  }
  reason.explanation = fmt::format("{}: rule '{}' gives {} to {}", reason.leaf, reason.rule,
                                   LicenseOutcomeName(reason.outcome), reason.pattern);
  return reason;
}

// A part of the tree, reduced to the branch taken in it.
struct Branch {
  LicenseOutcome outcome = LicenseOutcome::kAllow;
  size_t order = 0;
  std::string text;
  std::vector<uint32_t> leaves;

  bool BetterThan(const Branch& other) const {
    return std::tie(outcome, order, text) < std::tie(other.outcome, other.order, other.text);
  }
  void Append(Branch&& other) {
    outcome = std::max(outcome, other.outcome);
    order = std::max(order, other.order);
    text += " AND " + other.text;
    leaves.insert(leaves.end(), other.leaves.begin(), other.leaves.end());
  }
};

// Reduces the operands of an AND or OR, the last `count` of the stack, to one branch.
void Reduce(LicenseNode::Kind kind, size_t count, std::vector<Branch>& stack) {
  const size_t first = stack.size() - count;
  size_t best = first;
  for (size_t k = first + 1; k < stack.size(); ++k) {
    if (kind == LicenseNode::Kind::kAnd) {
      stack[first].Append(std::move(stack[k]));
    } else if (stack[k].BetterThan(stack[best])) {
      best = k;
    }
  }
  if (best != first) stack[first] = std::move(stack[best]);
  stack.resize(first + 1);
}

void JudgeWholeValue(const LicenseExpression& expression, const LicensePolicy& policy,
                     LicenseVerdict& verdict) {
  verdict.chosen = expression.ToString();
  const Judgment judgment = Worst(policy.FindWhole(verdict.chosen), policy);
  verdict.outcome = judgment.outcome;
  verdict.reasons.push_back(MakeReason(verdict.chosen, judgment, policy,
                                       expression.is_none()
                                           ? "no license is given, so nothing is granted"
                                           : "the license is not known"));
  verdict.reasons.back().chosen = true;
}

void MarkDeprecated(const LicenseLeaf& leaf, const LicenseList& list, LicenseReason& reason) {
  const ListedId* id = leaf.listed ? list.FindLicense(leaf.id) : nullptr;
  const ListedId* exception = leaf.addition_listed ? list.FindException(leaf.addition) : nullptr;
  if (exception != nullptr && exception->deprecated) reason.deprecated = exception->id;
  if (id != nullptr && id->deprecated) reason.deprecated = id->id;
}

// Marks the leaves of the branch taken, and collects what their rules oblige to.
void Record(const Branch& taken, const std::vector<Judgment>& judgments,
            const LicensePolicy& policy, LicenseVerdict& verdict) {
  verdict.outcome = taken.outcome;
  verdict.chosen = taken.text;
  std::set<std::string> seen;
  for (uint32_t leaf : taken.leaves) {
    verdict.reasons[leaf].chosen = true;
    for (const LicensePolicy::Match& match : judgments[leaf].matches) {
      for (const std::string& obligation : policy.rules()[match.rule].obligations) {
        if (seen.insert(obligation).second) verdict.obligations.push_back(obligation);
      }
    }
  }
}

}  // namespace

LicenseVerdict EvaluateLicense(const LicenseExpression& expression, const LicensePolicy& policy,
                               const LicenseList& list, const LicenseCircumstances& circumstances) {
  LicenseVerdict verdict;
  verdict.policy_version = policy.version();
  verdict.list_version = list.version();
  verdict.properties_version = policy.properties_version();
  verdict.context = circumstances.context;
  if (expression.is_none() || expression.is_no_assertion()) {
    JudgeWholeValue(expression, policy, verdict);
    return verdict;
  }
  std::vector<Judgment> judgments;
  for (const LicenseLeaf& leaf : expression.leaves()) {
    judgments.push_back(JudgeLeaf(leaf, policy, list, circumstances.context));
    verdict.reasons.push_back(
        MakeReason(leaf.ToString(), judgments.back(), policy, "no rule of the policy names it"));
    ApplyWaivers(leaf, circumstances, judgments.back(), verdict.reasons.back());
    MarkDeprecated(leaf, list, verdict.reasons.back());
  }
  std::vector<Branch> stack;
  for (const LicenseNode& node : expression.nodes()) {
    if (node.kind == LicenseNode::Kind::kLeaf) {
      const Judgment& judgment = judgments[node.count];
      stack.push_back(
          {judgment.outcome, judgment.order, verdict.reasons[node.count].leaf, {node.count}});
      verdict.steps += 1;
    } else {
      Reduce(node.kind, node.count, stack);
      verdict.steps += node.count;
    }
  }
  Record(stack.front(), judgments, policy, verdict);
  return verdict;
}

}  // namespace dml
