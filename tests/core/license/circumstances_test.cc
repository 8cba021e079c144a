// Verdicts by category, context and waiver, against a model that knows no index and no order.
#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/policy.h"
#include "tests/core/license/random_license.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using enum LicenseOutcome;
using P = LicenseProvision;
using C = LicenseCombination;

constexpr std::string_view kProperties = R"(
categories:
  - name: "permissive"
  - name: "copyleft"
    description: "asks for the same license"
  - name: "property:network-clause"
  - name: "property:patent-clause"
categorizations:
  - id: "MIT"
    categories: ["permissive"]
  - id: "GPL-2.0-only"
    categories: ["copyleft"]
  - id: "GPL-3.0-only"
    categories: ["copyleft", "property:patent-clause"]
  - id: "AGPL-3.0-only"
    categories: ["copyleft", "property:network-clause"]
  - id: "GPL-2.0-only WITH Classpath-exception-2.0"
    categories: ["permissive"]
  - id: "LicenseRef-acme"
    categories: ["permissive"]
  - id: "GPL-2.0-only WITH LicenseRef-own"
    categories: ["permissive"]
)";

const LicenseProperties& Properties() {
  static const LicenseProperties properties =
      LicenseProperties::Parse(kProperties, "props-1", BundledLicenseList()).value();
  return properties;
}

absl::StatusOr<LicensePolicy> Create(std::vector<LicenseRule> rules,
                                     const LicenseProperties* properties = &Properties()) {
  return LicensePolicy::Create("p", std::move(rules), BundledLicenseList(), properties);
}

LicensePolicy PolicyOf(std::vector<LicenseRule> rules) {
  auto policy = Create(std::move(rules));
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *std::move(policy) : LicensePolicy();
}

LicenseVerdict Evaluate(std::string_view text, const LicensePolicy& policy,
                        const LicenseCircumstances& circumstances = {}) {
  auto expression = LicenseExpression::Parse(text, BundledLicenseList());
  EXPECT_TRUE(expression.ok()) << text;
  return EvaluateLicense(expression.value_or(LicenseExpression()), policy, BundledLicenseList(),
                         circumstances);
}

LicenseRule Categories(std::string id, LicenseOutcome outcome, std::vector<std::string> categories,
                       LicenseCondition when = {}) {
  return {.id = std::move(id),
          .outcome = outcome,
          .categories = std::move(categories),
          .when = std::move(when)};
}

TEST(LicenseCategoryTest, NameTheLicensesThatHaveThem) {
  const LicensePolicy policy = PolicyOf({Categories("free", kAllow, {"permissive"}),
                                         Categories("net", kDeny, {"property:network-clause"}),
                                         Categories("copy", kReview, {"copyleft"})});
  EXPECT_EQ(policy.properties_version(), "props-1");
  EXPECT_EQ(Evaluate("MIT", policy).outcome, kAllow);
  EXPECT_EQ(Evaluate("LicenseRef-acme", policy).outcome, kAllow);
  EXPECT_EQ(Evaluate("GPL-2.0", policy).outcome, kReview);
  EXPECT_EQ(Evaluate("GPL-2.0-only WITH Classpath-exception-2.0", policy).outcome, kAllow);
  EXPECT_EQ(Evaluate("MIT WITH AdditionRef-x", policy).outcome, kReview);
  const LicenseVerdict verdict = Evaluate("AGPL-3.0-only", policy);
  EXPECT_EQ(verdict.outcome, kDeny);
  EXPECT_EQ(verdict.properties_version, "props-1");
  EXPECT_EQ(verdict.reasons[0].rule, "net");
  EXPECT_EQ(verdict.reasons[0].pattern, "property:network-clause");
  EXPECT_THAT(verdict.reasons[0].other_rules, ElementsAre("copy"));
  // Without data on it, a license is in no category: unknown.
  EXPECT_EQ(Evaluate("ISC", policy).outcome, kReview);
  EXPECT_EQ(Evaluate("ISC", policy).reasons[0].rule, "");
}

TEST(LicenseCategoryTest, AreRefusedWhereTheDataDoesNotHaveThem) {
  EXPECT_THAT(std::string(Message(Create({Categories("a", kAllow, {"made-up"})}).status())),
              HasSubstr("category 'made-up' is not in the properties data (props-1)"));
  EXPECT_THAT(
      std::string(Message(Create({Categories("a", kAllow, {"permissive"})}, nullptr).status())),
      HasSubstr("none is loaded"));
  EXPECT_THAT(std::string(Message(Create({Categories("a", kAllow, {"permissive"}),
                                          Categories("b", kAllow, {"permissive"})})
                                      .status())),
              HasSubstr("got ALLOW from rule 'a' already"));
  EXPECT_EQ(PolicyOf({{"a", kAllow, {"MIT"}}}).properties_version(), "");
}

TEST(LicenseContextTest, ARuleHoldsInItsContextOnly) {
  const LicensePolicy policy =
      PolicyOf({{"internal", kAllow, {"AGPL-3.0-only"}, {}, {}, {{P::kInternal}}},
                {"shipped", kDeny, {"AGPL-3.0-only"}, {}, {}, {{P::kService, P::kDistributed}}},
                {"static", kDeny, {"LGPL-2.1-only"}, {}, {}, {{}, {C::kLinkedStatic, C::kMerged}}},
                {"dynamic",
                 kAllowWithObligations,
                 {"LGPL-2.1-only"},
                 {"notice"},
                 {},
                 {{}, {C::kSeparate, C::kLinkedDynamic}}},
                {"as is", kAllow, {"MIT"}, {}, {}, {{}, {}, false}}});
  auto outcome = [&policy](std::string_view text, LicenseContext context) {
    const LicenseVerdict verdict = Evaluate(text, policy, {.context = context});
    EXPECT_EQ(verdict.context, context);
    return verdict.outcome;
  };
  EXPECT_EQ(outcome("AGPL-3.0-only", {P::kInternal, C::kMerged, true}), kAllow);
  EXPECT_EQ(outcome("AGPL-3.0-only", {P::kService, C::kMerged, true}), kDeny);
  EXPECT_EQ(outcome("AGPL-3.0-only", {}), kDeny);
  EXPECT_EQ(outcome("LGPL-2.1-only", {P::kDistributed, C::kLinkedDynamic, false}),
            kAllowWithObligations);
  EXPECT_EQ(outcome("LGPL-2.1-only", {P::kDistributed, C::kLinkedStatic, false}), kDeny);
  EXPECT_EQ(outcome("MIT", {P::kDistributed, C::kMerged, false}), kAllow);
  EXPECT_EQ(outcome("MIT", {}), kReview);
}

TEST(LicenseContextTest, OneOutcomeOnceForALicenseInAContext) {
  EXPECT_TRUE(Create({{"a", kAllow, {"MIT"}, {}, {}, {{P::kInternal}}},
                      {"b", kAllow, {"MIT"}, {}, {}, {{P::kService}}}})
                  .ok());
  EXPECT_FALSE(Create({{"a", kAllow, {"MIT"}, {}, {}, {{P::kInternal, P::kService}}},
                       {"b", kAllow, {"MIT"}, {}, {}, {{P::kService}, {C::kMerged}}}})
                   .ok());
  EXPECT_TRUE(Create({{"a", kAllow, {"MIT"}, {}, {}, {{}, {}, true}},
                      {"b", kAllow, {"MIT"}, {}, {}, {{}, {}, false}}})
                  .ok());
}

TEST(LicenseContextTest, Names) {
  EXPECT_EQ(LicenseContext{}.ToString(), "DISTRIBUTED, MERGED, modified");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ParseLicenseProvision(LicenseProvisionName(static_cast<P>(i))), static_cast<P>(i));
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ParseLicenseCombination(LicenseCombinationName(static_cast<C>(i))),
              static_cast<C>(i));
  }
  EXPECT_EQ(ParseLicenseProvision("internal"), std::nullopt);
}

LicenseWaiver Waiver(std::string id, std::string license, std::string package, int64_t expires) {
  return {.id = std::move(id),
          .license = std::move(license),
          .package = std::move(package),
          .reason = "counsel agreed",
          .author = "ada",
          .expires = FromMicros(expires)};
}

TEST(LicenseWaiverTest, LetsALicensePassInItsScopeUntilItExpires) {
  const LicensePolicy policy = PolicyOf({{"no", kDeny, {"GPL-3.0-only"}}, {"ok", kAllow, {"MIT"}}});
  const LicenseWaivers waivers =
      LicenseWaivers::Create({Waiver("w0", "GPL-3.0-only", "acme/api", 5),
                              Waiver("w1", "gpl-3.0", "acme/*", 2'000'000)},
                             BundledLicenseList())
          .value();
  auto evaluate = [&](std::string_view text, std::string package, int64_t now) {
    return Evaluate(text, policy,
                    {.package = std::move(package), .time = FromMicros(now), .waivers = &waivers});
  };
  LicenseVerdict verdict = evaluate("GPL-3.0-only", "acme/api", 10);
  EXPECT_EQ(verdict.outcome, kAllowWithObligations);
  EXPECT_EQ(verdict.reasons[0].waiver, "w1");
  EXPECT_THAT(verdict.reasons[0].expired_waivers, ElementsAre("w0"));
  EXPECT_EQ(verdict.reasons[0].policy_outcome, kDeny);
  EXPECT_EQ(verdict.reasons[0].explanation,
            "GPL-3.0-only: rule 'no' gives DENY to GPL-3.0-only; waived by 'w1' of ada until "
            "1970-01-01T00:00:02Z: counsel agreed");
  EXPECT_EQ(evaluate("GPL-3.0-only", "acme/api", 1'999'999).outcome, kAllowWithObligations);
  EXPECT_EQ(evaluate("GPL-3.0-only", "acme/api", 2'000'000).outcome, kDeny);
  EXPECT_EQ(evaluate("GPL-3.0-only", "other/api", 10).outcome, kDeny);
  EXPECT_EQ(evaluate("GPL-3.0-only", "", 10).outcome, kDeny);
  EXPECT_EQ(evaluate("GPL-3.0-or-later", "acme/api", 10).outcome, kDeny);
  EXPECT_EQ(evaluate("GPL-3.0-only WITH GCC-exception-3.1", "acme/api", 10).outcome, kReview);
  // A choice that needs no waiver is taken first; a waiver helps its license alone.
  EXPECT_EQ(evaluate("GPL-3.0-only OR MIT", "acme/api", 10).chosen, "MIT");
  EXPECT_EQ(evaluate("GPL-3.0-only AND ISC", "acme/api", 10).outcome, kReview);
}

TEST(LicenseWaiverTest, RefusesWhatNobodyCouldAnswerFor) {
  auto error = [](const LicenseWaiver& waiver) {
    auto waivers = LicenseWaivers::Create({waiver}, BundledLicenseList());
    EXPECT_EQ(Reason(waivers.status()), "LICENSE_WAIVER_INVALID");
    return std::string(Message(waivers.status()));
  };
  const LicenseWaiver good = Waiver("w", "MIT", "acme/api", 9);
  EXPECT_TRUE(LicenseWaivers::Create({good}, BundledLicenseList()).ok());
  LicenseWaiver bad = good;
  bad.reason = "";
  EXPECT_THAT(error(bad), HasSubstr("the reason must be"));
  bad = good;
  bad.author = "a\nb";
  EXPECT_THAT(error(bad), HasSubstr("the author must be"));
  bad = good;
  bad.package = "*";
  EXPECT_THAT(error(bad), HasSubstr("stands for every package"));
  for (const char* license : {"NONE", "NOASSERTION", "MIT OR ISC", "Made-Up", ""}) {
    bad = good;
    bad.license = license;
    EXPECT_THAT(error(bad), HasSubstr("is not one license")) << license;
  }
  EXPECT_FALSE(LicenseWaivers::Create({good, good}, BundledLicenseList()).ok());
}

// --- Against a model: lists of rules and waivers, looked through one by one.

struct Model {
  std::vector<LicenseRule> rules;
  std::vector<LicenseWaiver> waivers;
};

const std::vector<std::string> kLeaves = {"MIT",           "GPL-2.0-only", "GPL-3.0-only",
                                          "AGPL-3.0-only", "ISC",          "LicenseRef-acme"};

LicenseOutcome ModelLeaf(const std::string& leaf, const Model& model,
                         const LicenseCircumstances& at) {
  const auto& words = Properties().licenses();
  auto known = words.find({VersionOfLicense(leaf, false), ""});
  int worst = -1;
  for (const LicenseRule& rule : model.rules) {
    bool names = std::ranges::find(rule.licenses, leaf) != rule.licenses.end();
    for (const std::string& category : rule.categories) {
      names |= known != words.end() && known->second.contains(category);
    }
    if (names && rule.when.Holds(at.context)) worst = std::max(worst, int(rule.outcome));
  }
  const LicenseOutcome outcome = worst < 0 ? kReview : static_cast<LicenseOutcome>(worst);
  for (const LicenseWaiver& waiver : model.waivers) {
    const bool holds = waiver.license == leaf && waiver.package == at.package &&
                       waiver.expires > at.time && waiver.when.Holds(at.context);
    if (holds) return std::min(outcome, outcome >= kReview ? kAllowWithObligations : outcome);
  }
  return outcome;
}

LicenseOutcome ModelTree(const testing::LicenseTree& tree, const Model& model,
                         const LicenseCircumstances& at) {
  using Kind = testing::LicenseTree::Kind;
  if (tree.kind == Kind::kLeaf) return ModelLeaf(tree.leaf, model, at);
  LicenseOutcome outcome = tree.kind == Kind::kAnd ? kAllow : kDeny;
  for (const auto& operand : tree.operands) {
    const LicenseOutcome part = ModelTree(operand, model, at);
    outcome = tree.kind == Kind::kAnd ? std::max(outcome, part) : std::min(outcome, part);
  }
  return outcome;
}

LicenseCondition RandomCondition(std::mt19937_64& random) {
  LicenseCondition when;
  if (testing::Pick(random, 2) == 0) when.provisions = {P(testing::Pick(random, 3))};
  if (testing::Pick(random, 3) == 0) when.combinations = {C(testing::Pick(random, 4))};
  if (testing::Pick(random, 4) == 0) when.modified = testing::Pick(random, 2) == 0;
  return when;
}

Model RandomModel(std::mt19937_64& random) {
  const char* categories[] = {"permissive", "copyleft", "property:network-clause"};
  Model model;
  for (size_t i = 0; i < 6; ++i) {
    LicenseRule rule{.id = std::to_string(i), .outcome = LicenseOutcome(testing::Pick(random, 4))};
    rule.when = RandomCondition(random);
    rule.licenses.push_back(kLeaves[testing::Pick(random, kLeaves.size())]);
    if (testing::Pick(random, 2) == 0) rule.categories = {categories[testing::Pick(random, 3)]};
    model.rules.push_back(std::move(rule));
  }
  for (size_t i = 0; i < 2; ++i) {
    model.waivers.push_back(Waiver(std::to_string(i), kLeaves[testing::Pick(random, 6)],
                                   testing::Pick(random, 2) == 0 ? "a/b" : "a/c",
                                   static_cast<int64_t>(testing::Pick(random, 3))));
    model.waivers.back().when = RandomCondition(random);
  }
  return model;
}

TEST(LicenseCircumstancesTest, AgreesWithTheModelAndIsMonotone) {
  const uint64_t seed = 99;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  size_t tried = 0;
  size_t waived = 0;
  while (tried < 1000) {
    Model model = RandomModel(random);
    auto policy = Create(model.rules);
    if (!policy.ok()) continue;  // Two rules that say the same of one license.
    auto waivers = LicenseWaivers::Create(model.waivers, BundledLicenseList());
    ASSERT_TRUE(waivers.ok());
    const LicenseCircumstances at{
        .context = {P(testing::Pick(random, 3)), C(testing::Pick(random, 4)),
                    testing::Pick(random, 2) == 0},
        .package = "a/b",
        .time = FromMicros(1),
        .waivers = &*waivers};
    auto tree = testing::RandomLicenseTree(random, 2, kLeaves);
    const LicenseVerdict verdict = Evaluate(testing::FullyParenthesized(tree), *policy, at);
    ASSERT_EQ(verdict.outcome, ModelTree(tree, model, at)) << testing::FullyParenthesized(tree);
    for (const LicenseReason& reason : verdict.reasons) waived += reason.waiver.empty() ? 0 : 1;
    // One more branch never makes it worse, one more part never better.
    using Kind = testing::LicenseTree::Kind;
    const auto other = testing::RandomLicenseTree(random, 1, kLeaves);
    for (Kind kind : {Kind::kOr, Kind::kAnd}) {
      const testing::LicenseTree joined{kind, "", {tree, other}};
      const LicenseOutcome outcome =
          Evaluate(testing::FullyParenthesized(joined), *policy, at).outcome;
      ASSERT_TRUE(kind == Kind::kOr ? outcome <= verdict.outcome : outcome >= verdict.outcome);
    }
    // A policy that is better to one license is worse to no expression.
    model.rules[testing::Pick(random, 6)].outcome = kAllow;
    if (auto better = Create(model.rules); better.ok()) {
      ASSERT_LE(Evaluate(testing::FullyParenthesized(tree), *better, at).outcome, verdict.outcome);
    }
    ++tried;
  }
  EXPECT_GT(waived, 40u);
}

// --- The properties data.

TEST(LicensePropertiesTest, ReadsWordsAndLeavesOutWhatIsNoLicense) {
  EXPECT_THAT(Properties().unread(), ElementsAre("GPL-2.0-only WITH LicenseRef-own"));
  EXPECT_EQ(Properties().licenses().size(), 6u);
  const auto leaf = LicenseExpression::Parse("GPL-3.0", BundledLicenseList())->leaves()[0];
  ASSERT_NE(Properties().Find(leaf), nullptr);
  EXPECT_THAT(*Properties().Find(leaf), ElementsAre("copyleft", "property:patent-clause"));
}

TEST(LicensePropertiesTest, RefusesOtherShapes) {
  const std::pair<std::string, const char*> cases[] = {
      {"categories: []", "no license is categorized"},
      {"[]", "must be an object"},
      {"categories: [{name: a}, {name: a}]", "'a' is declared twice"},
      {"categorizations: [{id: MIT, categories: [x]}]", "category 'x', which is not declared"},
      {"categorizations: [{id: MIT, categories: []}]\nmore: 1", "more"},
      {"categories: [{name: a}]\ncategorizations: [{id: MIT, categories: [a]}, {id: mit}]",
       "'mit' is categorized twice, differently"},
      {"categorizations: [{id: &x MIT, categories: []}]", "anchor"},
  };
  for (const auto& [text, message] : cases) {
    auto parsed = LicenseProperties::Parse(text, "v", BundledLicenseList());
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(Reason(parsed.status()), "LICENSE_PROPERTIES_INVALID") << text;
    EXPECT_THAT(std::string(Message(parsed.status())), HasSubstr(message)) << text;
  }
  EXPECT_FALSE(LicenseProperties::Parse(kProperties, "", BundledLicenseList()).ok());
}

TEST(LicensePropertiesTest, ReadsTheClassificationsAsPublished) {
  DML_SKIP_WITHOUT_TEST_DATA("licenses/doubleopen-license-classifications.yml");
  const std::string text = testing::ReadFileOrDie(
      testing::TestDataDir() / "licenses/doubleopen-license-classifications.yml");
  auto parsed = LicenseProperties::Parse(text, "2024", BundledLicenseList());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->licenses().size() + parsed->unread().size(), 619u);
  auto words = [&parsed](const char* id) {
    const auto leaf = LicenseExpression::Parse(id, BundledLicenseList())->leaves()[0];
    return parsed->Find(leaf) == nullptr ? std::set<std::string>() : *parsed->Find(leaf);
  };
  EXPECT_TRUE(words("MIT").contains("permissive"));
  EXPECT_TRUE(words("AGPL-3.0-or-later").contains("property:network-clause"));
  EXPECT_THAT(words("LicenseRef-none"), IsEmpty());
}

}  // namespace
}  // namespace dml
