#include "core/gate/policy_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/policy_cases_shape.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
approvals: [{approvers: 1}]
scope: [{environment: production, after: {environment: staging, soakHours: 24}}]
timing:
  - zone: Europe/Berlin
    environment: production
    weekly: [{days: [SATURDAY], from: "22:00", until: "02:00"}]
risk: [{highest: 30, accepted: 200, acceptors: [p-1]}]
vulnerabilities: [{types: [MAJOR], highest: LOW}]
)";

constexpr std::string_view kCases = R"(schema: dml.policy-cases/v1
cases:
  - name: on a Saturday night, after a day in staging
    environment: production/eu
    at: "2027-01-02T21:00:00Z"
    packages:
      - {variant: "acme/api@2.1.0:linux-amd64", from: 2.0.0, license: MIT, publishers: [ann]}
    approvers: [amy]
    nodes: 10
    deployments: [{environment: staging, hoursAgo: 24, same: true}]
    expect: ALLOW
  - name: at noon, not tried, by its own publisher
    environment: production/eu
    at: "2027-01-02T11:00:00Z"
    type: MAJOR
    packages:
      - {variant: acme/api@3.0.0, license: GPL-3.0-only, publishers: [amy]}
      - {variant: other/lib@1.0, license: MIT, state: WITHDRAWN}
      - {variant: acme/old@1.0.0, action: REMOVE}
    approvers: [amy]
    authorized: false
    expect: DENY
    findings: [approval.missing, content.namespace, content.withdrawn, license.review, risk.too-high,
               scope.order, scope.unauthorized, signature.threshold, timing.closed,
               vulnerability.unknown]
)";

Policy ReadPolicy() {
  auto policy = ParsePolicy(kPolicy);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

TEST(PolicyCasesTest, AreJudgedAsReleasesAre) {
  const auto cases = ParsePolicyCases(kCases);
  ASSERT_TRUE(cases.ok()) << cases.status();
  ASSERT_EQ(cases->size(), 2u);
  EXPECT_EQ((*cases)[0].line, 3);
  EXPECT_EQ((*cases)[1].line, 12);
  const Policy policy = ReadPolicy();
  const PolicyCaseOutcome first = RunPolicyCase((*cases)[0], policy);
  EXPECT_THAT(first.rules, IsEmpty());
  EXPECT_EQ(first.decision, Decision::kAllow);
  EXPECT_TRUE(first.passed);
  const PolicyCaseOutcome second = RunPolicyCase((*cases)[1], policy);
  EXPECT_EQ(second.rules, (*cases)[1].expected_rules);
  EXPECT_TRUE(second.passed);
}

TEST(PolicyCasesTest, FailWhereTheReasonsAreOthers) {
  auto cases = *ParsePolicyCases(kCases);
  const Policy policy = ReadPolicy();
  cases[0].expected = Decision::kDeny;
  cases[0].expected_rules = {"timing.closed"};
  EXPECT_FALSE(RunPolicyCase(cases[0], policy).passed);
  cases[1].expected_rules.pop_back();
  EXPECT_FALSE(RunPolicyCase(cases[1], policy).passed) << "one reason more than expected";
  cases[1].expected_rules.push_back("size.items");
  EXPECT_FALSE(RunPolicyCase(cases[1], policy).passed) << "another reason than expected";
}

TEST(PolicyCasesTest, TellFactsOfAllKinds) {
  const auto cases = ParsePolicyCases(R"(schema: dml.policy-cases/v1
cases:
  - name: all
    environment: staging
    at: "2027-01-02T11:00:00Z"
    type: MAJOR
    packages: [{variant: acme/api@3.0.0, license: MIT, publishers: [ann]}]
    approvers: [amy]
    deployer: amy
    risk: {acceptedBy: p-1, upTo: 200}
    vulnerabilities:
      - {id: CVE-1, severity: CRITICAL, notAffected: true}
      - {id: CVE-2, severity: HIGH, hoursAgo: 5}
      - {id: CVE-3, severity: LOW}
    expect: DENY
    findings: [vulnerability.severe, approval.missing]
)");
  ASSERT_TRUE(cases.ok()) << cases.status();
  const PolicyCaseOutcome outcome = RunPolicyCase((*cases)[0], ReadPolicy());
  EXPECT_THAT(outcome.rules, ElementsAre("approval.missing", "vulnerability.severe"));
  EXPECT_TRUE(outcome.passed);
}

TEST(PolicyCasesTest, RefusesBadOnesWithTheirLine) {
  const auto refused = [](std::string_view members, std::string_view message) {
    const absl::Status status =
        ParsePolicyCases(
            fmt::format("schema: dml.policy-cases/v1\ncases:\n  - name: a\n"
                        "    environment: staging\n    at: \"2027-01-01T00:00:00Z\"\n{}",
                        members))
            .status();
    EXPECT_EQ(Reason(status), "POLICY_CASES_INVALID") << members;
    EXPECT_THAT(std::string(Message(status)), StartsWith("cases: line ")) << members;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message))) << members;
  };
  const std::string packages = "    packages: [{variant: acme/api@1.0.0}]\n";
  refused("    expect: ALLOW\n", "'packages' is missing");
  refused("    packages: []\n    expect: ALLOW\n", "line 6: has 0 elements");
  refused(packages, "'expect' is missing");
  refused(packages + "    expect: MAYBE\n", "line 7: member 'expect' is 'MAYBE'");
  refused(packages + "    expect: DENY\n", "are the reasons of a DENY");
  refused(packages + "    expect: ALLOW\n    findings: [a]\n", "are the reasons of a DENY");
  refused(packages + "    expect: DENY\n    findings: [a, a]\n", "names one twice");
  refused(packages + "    expect: ALLOW\n    node: 1\n", "line 8: unknown member 'node'");
  refused("    packages: [{variant: acme/api}]\n    expect: ALLOW\n", "must be NAMESPACE/PACKAGE");
  refused("    packages: [{variant: acme/api@1, action: UPGRADE}]\n    expect: ALLOW\n", "is for");
  refused("    packages: [{variant: acme/api@1, action: REMOVE, from: 1}]\n    expect: ALLOW\n",
          "must be a string");
  refused("    packages: [{variant: acme/api@1, action: REMOVE, from: \"1\"}]\n    expect: ALLOW\n",
          "is for UPGRADE");
  const auto twice =
      ParsePolicyCases(std::string(kCases) + std::string(kCases.substr(kCases.find("  - name"))));
  EXPECT_THAT(std::string(Message(twice.status())), HasSubstr("is there twice"));
  EXPECT_EQ(Reason(ParsePolicyCases("[]").status()), "POLICY_CASES_INVALID");
}

// The words of documents are in the order of the enums that they are read as.
TEST(PolicyCasesTest, WordsAreThoseOfTheEnums) {
  for (int type = 1; type <= 4; ++type) {
    EXPECT_EQ(CaseTypes()[type - 1], ReleaseTypeName(static_cast<ReleaseType>(type)));
    EXPECT_EQ(CaseActions()[type - 1], ReleaseActionName(static_cast<ReleaseAction>(type)));
  }
  const int first = static_cast<int>(DeploymentState::kRollingOut);
  for (size_t i = 0; i < CaseDeploymentStates().size(); ++i) {
    EXPECT_EQ(CaseDeploymentStates()[i],
              DeploymentStateName(static_cast<DeploymentState>(first + static_cast<int>(i))));
  }
  EXPECT_EQ(CaseItemStates()[static_cast<int>(ItemState::kRejected)], "REJECTED");
  EXPECT_EQ(CaseSeverities()[static_cast<int>(VulnerabilitySeverity::kCritical)], "CRITICAL");
  EXPECT_EQ(PolicyCasesJsonSchema()["properties"]["cases"]["items"]["required"].size(), 5u);
}

}  // namespace
}  // namespace dml
