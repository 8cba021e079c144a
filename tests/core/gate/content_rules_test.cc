#include "core/gate/content_rules.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/policy.h"
#include "core/gate/policy_cases.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kRest =
    "licenses: {allow: [MIT]}\nsignatures: {threshold: 1, builders: [\"https://ci.test/*\"]}\n";

std::string Document(std::string_view content) {
  return fmt::format("schema: dml.policy/v1\n{}content: {{allowedNamespaces: [acme], {}}}\n", kRest,
                     content);
}

class ContentRulesTest : public ::testing::Test {
 protected:
  ContentRulesTest() {
    variant_.package = {"acme", "api"};
    variant_.version = "1.0.0";
    variant_.platform = {"linux", "amd64", ""};
  }
  std::vector<std::string> Found() {
    std::vector<Finding> findings;
    CheckContentRules(rules_, facts_, variant_, now_, findings);
    std::vector<std::string> out;
    for (const Finding& finding : findings) {
      EXPECT_EQ(finding.severity, Severity::kError);
      EXPECT_EQ(finding.subject, variant_.ResourceName());
      EXPECT_FALSE(finding.message.empty() || finding.remedy.empty());
      out.push_back(finding.rule);
    }
    return out;
  }

  ContentRules rules_;
  ContentFacts facts_;
  VariantName variant_;
  Timestamp now_ = *ParseTime("2028-02-29T12:00:00Z");  // A leap day.
};

TEST_F(ContentRulesTest, WhatNobodyAsksAboutIsNotDenied) { EXPECT_THAT(Found(), IsEmpty()); }

TEST_F(ContentRulesTest, Platforms) {
  rules_.platforms = {"linux-arm64", "any"};
  EXPECT_THAT(Found(), ElementsAre("content.platform"));
  rules_.platforms = {"linux-*"};
  EXPECT_THAT(Found(), IsEmpty());
  variant_.platform = {};
  EXPECT_THAT(Found(), ElementsAre("content.platform"));
  rules_.platforms = {"any"};
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(ContentRulesTest, ScansGetOldAndMustBeClean) {
  rules_.scanned_within = hours(24 * 30);
  EXPECT_THAT(Found(), ElementsAre("content.scan")) << "never";
  facts_.is_clean = true;
  facts_.scanned = *ParseTime("2028-01-30T12:00:00Z");
  EXPECT_THAT(Found(), IsEmpty()) << "30 days to the second, over a leap day";
  facts_.scanned = *facts_.scanned - std::chrono::microseconds(1);
  EXPECT_THAT(Found(), ElementsAre("content.scan"));
  facts_.scanned = now_;
  facts_.is_clean = false;
  EXPECT_THAT(Found(), ElementsAre("content.scan"));
}

TEST_F(ContentRulesTest, BillsOfMaterialsAndBuilders) {
  rules_.demands_sbom = true;
  rules_.builders = {"https://ci.test/*"};
  EXPECT_THAT(Found(), ElementsAre("content.sbom", "signature.builder"));
  facts_.evidence = {std::string(kCycloneDxPredicate)};
  facts_.builders = {"https://elsewhere.test/1"};
  EXPECT_THAT(Found(), ElementsAre("signature.builder"));
  facts_.evidence = {std::string(kSpdxPredicate)};
  facts_.builders.insert("https://ci.test/runner");
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(ContentRulesTest, AreReadFromPolicies) {
  const auto policy =
      ParsePolicy(Document("platforms: [\"linux-*\"], scannedWithinDays: 30, sbom: true"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  ContentRules wanted;
  wanted.platforms = {"linux-*"};
  wanted.scanned_within = hours(24 * 30);
  wanted.demands_sbom = true;
  wanted.builders = {"https://ci.test/*"};
  EXPECT_EQ(policy->content, wanted);
  for (const char* bad :
       {"platforms: [\"\"]", "scannedWithinDays: 0", "scannedWithinDays: 9999",
        "scannedWithinDays: never", "sbom: 1", "sbom: yes", "plattforms: [any]"}) {
    EXPECT_EQ(Reason(ParsePolicy(Document(bad)).status()), "POLICY_INVALID") << bad;
  }
}

TEST_F(ContentRulesTest, CasesTellOfThem) {
  const auto policy = ParsePolicy(Document("scannedWithinDays: 30, sbom: true"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto cases = ParsePolicyCases(R"(schema: dml.policy-cases/v1
cases:
  - name: looked at
    environment: production
    at: 2027-03-01T00:00:00Z
    approvers: [amy]
    packages:
      - {variant: acme/api@1.0.0, license: MIT, publishers: [pat], scannedDaysAgo: 30,
         evidence: ["https://spdx.dev/Document"], builders: ["https://ci.test/1"]}
    expect: ALLOW
  - name: not looked at for long
    environment: production
    at: 2027-03-01T00:00:00Z
    approvers: [amy]
    packages:
      - {variant: acme/api@1.0.0, license: MIT, publishers: [pat], scannedDaysAgo: 31}
    expect: DENY
    findings: [content.sbom, content.scan, signature.builder]
)");
  ASSERT_TRUE(cases.ok()) << cases.status();
  for (const PolicyCase& one : *cases) {
    const PolicyCaseOutcome outcome = RunPolicyCase(one, *policy);
    EXPECT_TRUE(outcome.passed) << one.name << ": "
                                << fmt::format("{}", fmt::join(outcome.rules, " "));
  }
}

}  // namespace
}  // namespace dml
