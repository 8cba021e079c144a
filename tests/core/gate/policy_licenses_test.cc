// The member `licenses` of a policy document: rules, contexts, waivers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/policy.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHead =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\nsignatures: {threshold: 1}\n"
    "licenses:\n";

constexpr std::string_view kProperties = R"(
categories: [{name: copyleft}, {name: "property:patent-clause"}]
categorizations: [{id: GPL-2.0-only, categories: [copyleft]},
                  {id: Apache-2.0, categories: ["property:patent-clause"]}]
)";

class PolicyLicensesTest : public ::testing::Test {
 protected:
  absl::StatusOr<Policy> Parse(std::string_view licenses, bool with_properties = true) {
    return ParsePolicy(std::string(kHead) + std::string(licenses), BundledLicenseList(),
                       with_properties ? &properties_ : nullptr);
  }
  void ExpectRefused(std::string_view licenses, std::string_view message) {
    const absl::Status status = Parse(licenses).status();
    EXPECT_EQ(Reason(status), "POLICY_INVALID") << licenses;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message))) << licenses;
  }
  LicenseOutcome Outcome(const Policy& policy, std::string_view license, LicenseContext context) {
    const LicenseList& list = BundledLicenseList();
    return EvaluateLicense(*LicenseExpression::Parse(license, list), policy.licenses, list,
                           {.context = context})
        .outcome;
  }

  const LicenseProperties properties_ =
      *LicenseProperties::Parse(kProperties, "props 1", BundledLicenseList());
};

TEST_F(PolicyLicensesTest, ReadsRules) {
  auto policy = Parse(R"(
  deny: [SSPL-1.0]
  rules:
    - id: free
      outcome: ALLOW
      licenses: [MIT, "LicenseRef-acme-*", GPL-2.0-only WITH Classpath-exception-2.0]
      categories: ["property:patent-clause"]
    - id: inside
      outcome: ALLOW_WITH_OBLIGATIONS
      categories: [copyleft]
      obligations: [source-offer, notice]
      when: {provisions: [INTERNAL, SERVICE], combinations: [SEPARATE], modified: false}
    - {id: unknown, outcome: DENY, licenses: [NOASSERTION]}
)");
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_EQ(policy->licenses.rules().size(), 4u);
  const LicenseRule& inside = policy->licenses.rules()[2];
  EXPECT_EQ(inside.id, "inside");
  EXPECT_EQ(inside.outcome, LicenseOutcome::kAllowWithObligations);
  EXPECT_THAT(inside.obligations, ElementsAre("source-offer", "notice"));
  EXPECT_THAT(inside.when.provisions,
              ElementsAre(LicenseProvision::kInternal, LicenseProvision::kService));
  EXPECT_THAT(inside.when.combinations, ElementsAre(LicenseCombination::kSeparate));
  EXPECT_EQ(inside.when.modified, false);
  EXPECT_EQ(policy->licenses.properties_version(), "props 1");
  const LicenseContext used_inside{LicenseProvision::kService, LicenseCombination::kSeparate,
                                   false};
  EXPECT_EQ(Outcome(*policy, "GPL-2.0-only", used_inside), LicenseOutcome::kAllowWithObligations);
  EXPECT_EQ(Outcome(*policy, "GPL-2.0-only", {}), LicenseOutcome::kReview);
  EXPECT_EQ(Outcome(*policy, "Apache-2.0 AND LicenseRef-acme-x", {}), LicenseOutcome::kAllow);
  EXPECT_EQ(Outcome(*policy, "NOASSERTION", used_inside), LicenseOutcome::kDeny);
  EXPECT_EQ(Outcome(*policy, "SSPL-1.0", {}), LicenseOutcome::kDeny);
}

TEST_F(PolicyLicensesTest, RefusesRulesWithTheirLine) {
  ExpectRefused(
      "  rules:\n    - {id: a, outcome: ALLOW, licenses: [MIT]}\n"
      "    - {id: a, outcome: DENY, licenses: [ISC]}\n",
      "line 7: two rules have the id 'a'");
  ExpectRefused("  rules:\n    - {id: deny, outcome: ALLOW, licenses: [MIT]}\n",
                "line 6: 'deny' is the name of a list");
  ExpectRefused("  rules:\n    - {id: a, outcome: ALLOW}\n", "neither licenses nor categories");
  ExpectRefused("  rules:\n    - {id: a, outcome: GRANT, licenses: [MIT]}\n", "line 6: ");
  ExpectRefused("  rules:\n    - {id: a, outcome: ALLOW, licenses: [MIT, Expat]}\n", "Expat");
  ExpectRefused("  rules:\n    - {id: a, outcome: ALLOW, licenses: [NONE]}\n",
                "unknown is never allowed");
  ExpectRefused("  rules:\n    - {id: a, outcome: ALLOW, licenses: [MIT], obligations: [x]}\n",
                "has obligations but is ALLOW");
  ExpectRefused("  rules:\n    - {id: a, outcome: ALLOW, licenses: [MIT], unless: {}}\n",
                "unknown member 'unless'");
  for (auto when : {"{provision: [INTERNAL]}", "{provisions: [internal]}", "{provisions: INTERNAL}",
                    "{combinations: [LINKED]}", "{modified: maybe}", "{modified: 0}", "[]"}) {
    ExpectRefused(fmt::format("  rules:\n    - {{id: a, outcome: ALLOW, licenses: [MIT],\n"
                              "       when: {}}}\n",
                              when),
                  "line 7: ");
  }
  ExpectRefused("  allow: [MIT]\n  rules:\n    - {id: a, outcome: ALLOW, licenses: [mit]}\n",
                "'mit' got ALLOW from rule 'allow' already");
}

// A category that nobody knows would name no license, and a denial of it deny none.
TEST_F(PolicyLicensesTest, RefusesUnknownCategories) {
  ExpectRefused("  rules:\n    - {id: a, outcome: DENY, categories: [proprietary]}\n",
                "category 'proprietary' is not in the properties data (props 1)");
  const std::string_view known = "  rules:\n    - {id: a, outcome: DENY, categories: [copyleft]}\n";
  EXPECT_TRUE(Parse(known).ok());
  EXPECT_THAT(std::string(Message(Parse(known, false).status())), HasSubstr("none is loaded"));
}

TEST_F(PolicyLicensesTest, TheFirstContextThatNamesThePlaceHolds) {
  auto policy = Parse(R"(
  contexts:
    - {environment: production/eu, package: acme/app, combination: SEPARATE}
    - {package: "acme/*", provision: INTERNAL}
    - {environment: production, modified: false}
)");
  ASSERT_TRUE(policy.ok()) << policy.status();
  auto context = [&](std::string_view environment, std::string_view package) {
    return LicenseContextOf(*policy, environment, package).ToString();
  };
  EXPECT_EQ(context("production/eu", "acme/app"), "DISTRIBUTED, SEPARATE, modified");
  EXPECT_EQ(context("production/eu/site", "acme/app"), "DISTRIBUTED, SEPARATE, modified");
  EXPECT_EQ(context("production/europe", "acme/app"), "INTERNAL, MERGED, modified");
  EXPECT_EQ(context("production", "other/app"), "DISTRIBUTED, MERGED, not modified");
  EXPECT_EQ(context("production", ""), "DISTRIBUTED, MERGED, not modified");
  EXPECT_EQ(context("staging", "acme2/app"), LicenseContext().ToString());
  EXPECT_EQ(context("", ""), LicenseContext().ToString());
  ExpectRefused("  contexts:\n    - {environment: Production}\n", "line 6: ");
  ExpectRefused("  contexts:\n    - {environment: \"\"}\n", "line 6: ");
  ExpectRefused("  contexts:\n    - {package: \"*\"}\n", "line 6: ");
  ExpectRefused("  contexts:\n    - {provision: [INTERNAL]}\n", "line 6: ");
  ExpectRefused("  contexts:\n    - {combination: STATIC}\n", "line 6: 'STATIC' must be SEPARATE");
}

TEST_F(PolicyLicensesTest, ReadsWaivers) {
  const std::string waiver =
      "{id: w1, license: GPL-3.0-only, package: acme/tool, reason: r, author: ann,\n"
      "       expires: \"2027-06-30T12:00:00Z\", when: {provisions: [INTERNAL]}}";
  auto policy = Parse("  waivers:\n    - " + waiver + "\n");
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_EQ(policy->waivers.waivers().size(), 1u);
  const LicenseWaiver& read = policy->waivers.waivers()[0];
  EXPECT_EQ(read.author, "ann");
  EXPECT_EQ(FormatTime(read.expires), "2027-06-30T12:00:00Z");
  EXPECT_THAT(read.when.provisions, ElementsAre(LicenseProvision::kInternal));
  auto refused = [&](std::string_view from, std::string_view to, std::string_view message) {
    std::string text = waiver;
    text.replace(text.find(from), from.size(), to);
    ExpectRefused("  waivers:\n    - " + text + "\n", message);
  };
  refused("reason: r, ", "", "member 'reason' is missing");
  refused("author: ann", "author: \"\"", "the author must be a text");
  refused("2027-06-30T12:00:00Z", "2027-06-30", "'2027-06-30' is no time");
  refused("2027-06-30T12:00:00Z", "never", "line 7: ");
  refused("acme/tool", "\"*\"", "line 6: ");
  refused("GPL-3.0-only", "MIT OR GPL-3.0-only", "is not one license");
  refused("GPL-3.0-only", "NOASSERTION", "is not one license");
  ExpectRefused("  waivers:\n    - " + waiver + "\n    - " + waiver + "\n",
                "two waivers have the id 'w1'");
}

// Documents from before there were rules mean what they did.
TEST_F(PolicyLicensesTest, ListsAloneHaveNoContext) {
  auto policy = Parse("  allow: [MIT]\n  review: [ISC]\n", false);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->licenses.rules().size(), 2u);
  EXPECT_EQ(policy->licenses.properties_version(), "");
  EXPECT_TRUE(policy->waivers.waivers().empty());
  EXPECT_EQ(LicenseContextOf(*policy, "production", "acme/app"), LicenseContext());
}

}  // namespace
}  // namespace dml
