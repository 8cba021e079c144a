#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/policy.h"
#include "tests/core/license/random_license.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using enum LicenseOutcome;

LicensePolicy PolicyOf(std::vector<LicenseRule> rules) {
  auto policy = LicensePolicy::Create("p7", std::move(rules), BundledLicenseList());
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *std::move(policy) : LicensePolicy();
}

LicenseVerdict Evaluate(std::string_view text, const LicensePolicy& policy) {
  auto expression = LicenseExpression::Parse(text, BundledLicenseList());
  EXPECT_TRUE(expression.ok()) << text << ": " << expression.status();
  return EvaluateLicense(expression.value_or(LicenseExpression()), policy, BundledLicenseList());
}

LicenseOutcome Outcome(std::string_view text, std::vector<LicenseRule> rules) {
  return Evaluate(text, PolicyOf(std::move(rules))).outcome;
}

// --- The failures of other products that the design names.

TEST(EvaluateLicenseTest, ManyTwoWayClausesStayLinear) {
  std::string text;
  for (int i = 0; i < 64; ++i) {
    text += fmt::format("{}(LicenseRef-a{} OR LicenseRef-b{})", i == 0 ? "" : " AND ", i, i);
  }
  const LicenseVerdict verdict = Evaluate(text, PolicyOf({{"b", kAllow, {"LicenseRef-b*"}}}));
  EXPECT_EQ(verdict.outcome, kAllow);
  EXPECT_EQ(verdict.steps, 128u + 128u + 64u);
  EXPECT_EQ(std::ranges::count_if(verdict.reasons, &LicenseReason::chosen), 64);
  EXPECT_THAT(verdict.chosen, ::testing::StartsWith("LicenseRef-b0 AND LicenseRef-b1 AND "));
}

TEST(EvaluateLicenseTest, AllowsTheAllowedBranchOfAChoice) {
  const LicenseVerdict verdict =
      Evaluate("MIT OR GPL-3.0-only",
               PolicyOf({{"copyleft", kDeny, {"GPL-3.0-only"}}, {"permissive", kAllow, {"MIT"}}}));
  EXPECT_EQ(verdict.outcome, kAllow);
  EXPECT_EQ(verdict.chosen, "MIT");
  ASSERT_EQ(verdict.reasons.size(), 2u);
  EXPECT_TRUE(verdict.reasons[0].chosen);
  EXPECT_FALSE(verdict.reasons[1].chosen);
  EXPECT_EQ(verdict.reasons[1].outcome, kDeny);
  EXPECT_EQ(verdict.reasons[1].rule, "copyleft");
}

TEST(EvaluateLicenseTest, AnOlderVersionIsNotTheAllowedOne) {
  const std::vector<LicenseRule> rules = {{"a", kAllow, {"LGPL-3.0-only", "LGPL-3.0-or-later"}}};
  EXPECT_EQ(Outcome("LGPL-2.1", rules), kReview);
  EXPECT_EQ(Outcome("LGPL-2.1-only", rules), kReview);
  EXPECT_EQ(Outcome("LGPL-3.0-only", rules), kAllow);
  EXPECT_EQ(Outcome("LGPL-3.0", rules), kAllow);
}

TEST(EvaluateLicenseTest, AnUnknownIdDoesNotSlipThroughAnAllowList) {
  const std::vector<LicenseRule> rules = {{"a", kAllow, {"MIT", "GPL-2.0-only"}}};
  for (const char* unknown :
       {"LicenseRef-MIT", "ISC", "MIT AND LicenseRef-x", "MIT AND (ISC OR LicenseRef-x)",
        "MIT WITH AdditionRef-x", "GPL-2.0-only WITH Classpath-exception-2.0",
        "DocumentRef-a:LicenseRef-MIT", "NONE", "NOASSERTION"}) {
    EXPECT_EQ(Outcome(unknown, rules), kReview) << unknown;
    EXPECT_EQ(Outcome(unknown, {}), kReview) << unknown;
  }
}

// --- Rules.

TEST(EvaluateLicenseTest, TheWorstRuleWinsAndTheOthersAreNamed) {
  const LicensePolicy policy = PolicyOf({{"all-acme", kAllow, {"LicenseRef-acme-*"}},
                                         {"look", kReview, {"LicenseRef-acme-x"}},
                                         {"not-this", kDeny, {"LicenseRef-acme-x"}}});
  const LicenseVerdict verdict = Evaluate("LicenseRef-acme-x OR LicenseRef-acme-y", policy);
  EXPECT_EQ(verdict.outcome, kAllow);
  EXPECT_EQ(verdict.chosen, "LicenseRef-acme-y");
  EXPECT_EQ(verdict.reasons[0].rule, "not-this");
  EXPECT_EQ(verdict.reasons[0].pattern, "LicenseRef-acme-x");
  EXPECT_THAT(verdict.reasons[0].other_rules, ElementsAre("all-acme", "look"));
  EXPECT_EQ(verdict.reasons[1].rule, "all-acme");
  EXPECT_EQ(verdict.reasons[1].pattern, "LicenseRef-acme-*");
  EXPECT_EQ(verdict.reasons[1].explanation,
            "LicenseRef-acme-y: rule 'all-acme' gives ALLOW to LicenseRef-acme-*");
}

TEST(EvaluateLicenseTest, ARuleWithoutWithSaysNothingOfAnException) {
  const std::vector<LicenseRule> rules = {
      {"gpl", kDeny, {"GPL-2.0-only"}},
      {"cp", kAllow, {"GPL-2.0-only WITH Classpath-exception-2.0", "MIT WITH AdditionRef-x"}}};
  EXPECT_EQ(Outcome("GPL-2.0-only WITH Classpath-exception-2.0", rules), kAllow);
  EXPECT_EQ(Outcome("GPL-2.0 WITH Classpath-exception-2.0", rules), kAllow);
  EXPECT_EQ(Outcome("GPL-2.0-only", rules), kDeny);
  EXPECT_EQ(Outcome("GPL-2.0-only WITH Bison-exception-2.2", rules), kReview);
  EXPECT_EQ(Outcome("MIT WITH AdditionRef-x", rules), kAllow);
  EXPECT_EQ(Outcome("MIT", rules), kReview);
}

struct VersionCase {
  const char* text;
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  LicenseOutcome outcome;
};

TEST(EvaluateLicenseTest, OrLaterLetsTheLicenseeChoose) {
  const VersionCase cases[] = {
      {"GPL-2.0-or-later", {"GPL-3.0-only"}, {}, kAllow},
      {"GPL-2.0+", {"GPL-3.0"}, {}, kAllow},
      {"GPL-2.0-or-later", {"GPL-2.0-only"}, {}, kAllow},
      {"GPL-2.0-or-later", {"GPL-3.0-or-later"}, {}, kAllow},
      {"GPL-2.0-or-later", {"GPL-3.0-only"}, {"GPL-2.0-only"}, kAllow},
      {"GPL-2.0-or-later", {}, {"GPL-2.0-only"}, kReview},
      {"GPL-2.0-or-later", {}, {"GPL-2.0-only", "GPL-3.0-only"}, kDeny},
      {"GPL-2.0-or-later", {}, {"GPL-1.0-only", "GPL-3.0-only"}, kReview},
      {"GPL-2.0-or-later", {"GPL-1.0-only", "GPL-1.0-or-later"}, {}, kReview},
      {"GPL-2.0-or-later", {"GPL-3.0-only"}, {"GPL-2.0-or-later"}, kDeny},
      {"GPL-3.0-or-later", {"GPL-2.0-or-later"}, {}, kReview},
      {"GPL-3.0-only", {"GPL-2.0-or-later"}, {}, kReview},
      {"GPL-2.0-only", {"GPL-2.0-or-later"}, {}, kReview},
      {"GPL-2.0-only+", {"GPL-3.0-only"}, {}, kReview},
      {"GPL-2.0-or-later", {"AGPL-3.0-only", "LGPL-3.0-only"}, {}, kReview},
      {"LGPL-2.1-or-later", {"LGPL-3.0-only"}, {}, kAllow},
      {"LGPL-2.1-only", {"LGPL-3.0-only"}, {}, kReview},
      {"Apache-1.1+", {"Apache-2.0"}, {}, kAllow},
      {"Apache-1.1", {"Apache-2.0"}, {}, kReview},
      {"MIT+", {"MIT"}, {}, kAllow},
      {"GPL-2.0-or-later WITH Bison-exception-2.2",
       {"GPL-3.0-only WITH Bison-exception-2.2"},
       {},
       kAllow},
      {"GPL-2.0-or-later WITH Bison-exception-2.2", {"GPL-3.0-only"}, {}, kReview},
  };
  for (const VersionCase& c : cases) {
    EXPECT_EQ(Outcome(c.text, {{"deny", kDeny, c.deny}, {"allow", kAllow, c.allow}}), c.outcome)
        << c.text << " allow " << ::testing::PrintToString(c.allow) << " deny "
        << ::testing::PrintToString(c.deny);
  }
}

TEST(EvaluateLicenseTest, AnOrLaterReasonNamesTheVersionChosen) {
  const LicenseVerdict verdict =
      Evaluate("GPL-2.0-or-later",
               PolicyOf({{"v2", kDeny, {"GPL-2.0-only"}}, {"v3", kAllow, {"GPL-3.0-only"}}}));
  EXPECT_EQ(verdict.chosen, "GPL-2.0-or-later");
  EXPECT_EQ(verdict.reasons[0].rule, "v3");
  EXPECT_EQ(verdict.reasons[0].pattern, "GPL-3.0-only");
}

TEST(EvaluateLicenseTest, WholeValues) {
  LicenseVerdict verdict = Evaluate("NONE", PolicyOf({}));
  EXPECT_EQ(verdict.outcome, kReview);
  EXPECT_EQ(verdict.chosen, "NONE");
  EXPECT_THAT(verdict.reasons[0].explanation, HasSubstr("nothing is granted"));
  verdict = Evaluate("NOASSERTION", PolicyOf({{"no", kDeny, {"NONE"}}}));
  EXPECT_EQ(verdict.outcome, kReview);
  EXPECT_THAT(verdict.reasons[0].explanation, HasSubstr("not known"));
  verdict = Evaluate("NONE", PolicyOf({{"no", kDeny, {"NONE"}}}));
  EXPECT_EQ(verdict.outcome, kDeny);
  EXPECT_EQ(verdict.reasons[0].rule, "no");
}

TEST(EvaluateLicenseTest, ObligationsOfTheBranchTakenOnly) {
  const LicensePolicy policy =
      PolicyOf({{"free", kAllow, {"0BSD"}},
                {"notice", kAllowWithObligations, {"MIT", "Apache-2.0"}, {"notice"}},
                {"patent", kAllowWithObligations, {"MPL-2.0"}, {"source", "notice"}},
                {"gpl", kReview, {"GPL-2.0-only"}}});
  LicenseVerdict verdict = Evaluate("0BSD AND MPL-2.0 AND (GPL-2.0-only OR MIT)", policy);
  EXPECT_EQ(verdict.outcome, kAllowWithObligations);
  EXPECT_EQ(verdict.chosen, "0BSD AND MPL-2.0 AND MIT");
  EXPECT_THAT(verdict.obligations, ElementsAre("source", "notice"));
  verdict = Evaluate("MPL-2.0 OR 0BSD", policy);
  EXPECT_EQ(verdict.outcome, kAllow);
  EXPECT_THAT(verdict.obligations, IsEmpty());
}

TEST(EvaluateLicenseTest, TiesGoByPolicyOrderThenText) {
  const LicensePolicy policy = PolicyOf({{"a", kAllow, {"Zlib", "MIT"}}, {"b", kAllow, {"ISC"}}});
  EXPECT_EQ(Evaluate("ISC OR MIT OR Zlib", policy).chosen, "Zlib");
  EXPECT_EQ(Evaluate("ISC OR MIT", policy).chosen, "MIT");
  EXPECT_EQ(Evaluate("Zlib AND ISC OR MIT", policy).chosen, "MIT");
  EXPECT_EQ(Evaluate("ISC AND Zlib OR MIT", policy).chosen, "MIT");
  EXPECT_EQ(Evaluate("X11 OR curl OR BSD-3-Clause", policy).chosen, "BSD-3-Clause");
  EXPECT_EQ(Evaluate("BSD-3-Clause OR curl OR X11", policy).chosen, "BSD-3-Clause");
}

TEST(EvaluateLicenseTest, RecordsTheVersionsThatItUsed) {
  const LicenseVerdict verdict = Evaluate("MIT", PolicyOf({}));
  EXPECT_EQ(verdict.policy_version, "p7");
  EXPECT_EQ(verdict.list_version, BundledLicenseList().version());
}

// --- Against brute force: every way of choosing one operand of each OR.

using Branches = std::vector<std::vector<std::string>>;

Branches AllBranches(const testing::LicenseTree& tree) {
  using Kind = testing::LicenseTree::Kind;
  if (tree.kind == Kind::kLeaf) return {{tree.leaf}};
  Branches all;
  if (tree.kind == Kind::kAnd) all.emplace_back();
  for (const auto& operand : tree.operands) {
    const Branches branches = AllBranches(operand);
    if (tree.kind == Kind::kOr) {
      all.insert(all.end(), branches.begin(), branches.end());
      continue;
    }
    Branches product;
    for (const auto& left : all) {
      for (const auto& right : branches) {
        product.push_back(left);
        product.back().insert(product.back().end(), right.begin(), right.end());
      }
    }
    all = std::move(product);
  }
  return all;
}

std::string Joined(const std::vector<std::string>& leaves) {
  std::string text;
  for (const std::string& leaf : leaves) text += (text.empty() ? "" : " AND ") + leaf;
  return text;
}

TEST(EvaluateLicenseTest, AgreesWithBruteForce) {
  const uint64_t seed = 4242;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const LicensePolicy policy =
      PolicyOf({{"allow", kAllow, {"MIT", "ISC"}},
                {"oblige", kAllowWithObligations, {"Apache-2.0", "MPL-2.0"}, {"notice"}},
                {"look", kReview, {"LicenseRef-r"}},
                {"deny", kDeny, {"GPL-3.0-only", "AGPL-3.0-only"}}});
  const std::map<std::string, LicenseOutcome> outcomes = {
      {"MIT", kAllow},         {"ISC", kAllow},           {"Apache-2.0", kAllowWithObligations},
      {"X11", kReview},        {"LicenseRef-r", kReview}, {"MPL-2.0", kAllowWithObligations},
      {"GPL-3.0-only", kDeny}, {"AGPL-3.0-only", kDeny},  {"LicenseRef-u", kReview}};
  std::vector<std::string> leaves;
  for (const auto& [leaf, outcome] : outcomes) leaves.push_back(leaf);
  auto worst = [&outcomes](const std::vector<std::string>& branch) {
    LicenseOutcome outcome = kAllow;
    for (const std::string& leaf : branch) outcome = std::max(outcome, outcomes.at(leaf));
    return outcome;
  };
  for (int i = 0; i < 1500; ++i) {
    const auto tree = testing::RandomLicenseTree(random, 2, leaves);
    const std::string text = testing::FullyParenthesized(tree);
    const LicenseVerdict verdict = Evaluate(text, policy);
    LicenseOutcome best = kDeny;
    bool chosen_is_a_branch = false;
    for (const auto& branch : AllBranches(tree)) {
      best = std::min(best, worst(branch));
      chosen_is_a_branch |= Joined(branch) == verdict.chosen && worst(branch) == verdict.outcome;
    }
    ASSERT_EQ(verdict.outcome, best) << text;
    ASSERT_TRUE(chosen_is_a_branch) << text << " chose " << verdict.chosen;
    ASSERT_EQ(Evaluate(verdict.chosen, policy).outcome, best) << text;
    ASSERT_LE(verdict.steps, 3 * verdict.reasons.size());
    std::vector<std::string> marked;
    for (const LicenseReason& reason : verdict.reasons) {
      EXPECT_EQ(reason.outcome, outcomes.at(reason.leaf));
      if (reason.chosen) marked.push_back(reason.leaf);
    }
    ASSERT_EQ(Joined(marked), verdict.chosen);
  }
}

TEST(EvaluateLicenseTest, ABranchMoreNeverHurtsAndAPartMoreNeverHelps) {
  const uint64_t seed = 777;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> leaves = {
      "MIT", "Apache-2.0", "GPL-3.0-only", "GPL-2.0-or-later", "X11", "LicenseRef-own", "MPL-2.0"};
  const LicensePolicy policy = PolicyOf({{"allow", kAllow, {"MIT", "GPL-3.0-only"}},
                                         {"oblige", kAllowWithObligations, {"Apache-2.0"}, {"n"}},
                                         {"deny", kDeny, {"MPL-2.0", "GPL-2.0-or-later"}}});
  std::set<LicenseOutcome> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::string text =
        testing::FullyParenthesized(testing::RandomLicenseTree(random, 3, leaves));
    const std::string other =
        testing::FullyParenthesized(testing::RandomLicenseTree(random, 2, leaves));
    const LicenseOutcome alone = Evaluate(text, policy).outcome;
    seen.insert(alone);
    for (const auto& [left, right] : {std::pair(text, other), std::pair(other, text)}) {
      ASSERT_LE(Evaluate(fmt::format("({}) OR ({})", left, right), policy).outcome, alone) << text;
      ASSERT_GE(Evaluate(fmt::format("({}) AND ({})", left, right), policy).outcome, alone) << text;
    }
  }
  EXPECT_EQ(seen.size(), 4u) << "every outcome was tried";
}

}  // namespace
}  // namespace dml
