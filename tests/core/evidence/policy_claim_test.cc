#include "core/evidence/policy_claim.h"

#include <gtest/gtest.h>

#include "core/gate/rule_texts.h"

namespace dml {
namespace {

Policy Of(const std::string& approvals, int threshold = 1) {
  const std::string text =
      "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\nsignatures: {threshold: " +
      std::to_string(threshold) + "}\nlicenses: {allow: [MIT]}\n" + approvals;
  absl::StatusOr<Policy> policy = ParsePolicy(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value_or(Policy());
}

PolicyClaim ClaimIn(const Policy& policy) { return ClaimOf(policy, "production", 3); }

TEST(PolicyClaimTest, DemandsWhatAnyReleaseNeedsAnywhere) {
  EXPECT_EQ(ClaimIn(Of("")).approvers, 1u) << "never nobody";
  EXPECT_TRUE(ClaimIn(Of("")).separate_publishers);
  EXPECT_EQ(ClaimIn(Of("", 3)).publishers, 3u);
  EXPECT_EQ(ClaimIn(Of("approvals: [{approvers: 2}]\n")).approvers, 2u);
  EXPECT_EQ(ClaimIn(Of("approvals: [{approvers: 3}, {types: [PATCH], approvers: 2}]\n")).approvers,
            2u);
  // Other types have the default.
  EXPECT_EQ(ClaimIn(Of("approvals: [{types: [MAJOR], approvers: 3}]\n")).approvers, 1u);
  EXPECT_EQ(ClaimIn(Of("approvals: [{environment: production, approvers: 2}]\n")).approvers, 2u);
  EXPECT_EQ(ClaimIn(Of("approvals: [{environment: production/eu, approvers: 2}]\n")).approvers, 1u);
  EXPECT_FALSE(
      ClaimIn(Of("approvals: [{approvers: 2, separatePublishers: false}]\n")).separate_publishers);
}

TEST(PolicyClaimTest, AClaimMustSayWhatTheDocumentSays) {
  const Policy policy = Of("approvals: [{approvers: 2}]\n", 2);
  const PolicyClaim good = ClaimIn(policy);
  const auto check = [&](const PolicyClaim& claim) {
    return std::string(Reason(CheckPolicyClaim(policy, "production", 3, claim)));
  };
  EXPECT_EQ(check(good), "");
  PolicyClaim stricter = good;
  stricter.witnesses = 2;
  stricter.max_revocation_age = std::chrono::hours(1);
  EXPECT_EQ(check(stricter), "") << "these are the signer's to say";
  for (const auto& change : std::vector<void (*)(PolicyClaim&)>{
           [](PolicyClaim& c) { c.environment = "staging"; },
           [](PolicyClaim& c) { c.revision = 2; }, [](PolicyClaim& c) { c.approvers = 1; },
           [](PolicyClaim& c) { c.publishers = 1; },
           [](PolicyClaim& c) { c.separate_publishers = false; }}) {
    PolicyClaim other = good;
    change(other);
    EXPECT_EQ(check(other), "POLICY_CLAIM_UNEXPECTED");
  }
}

TEST(RuleTextsTest, KnowTheRulesOfTheGate) {
  for (const char* rule : {"approval.missing", "permit.seats", "timing.freeze", "size.items",
                           "vulnerability.unknown", "policy.missing"}) {
    EXPECT_NE(RuleText(rule), "") << rule;
  }
  EXPECT_EQ(RuleText("approval"), "");
  EXPECT_EQ(RuleText("zzz"), "");
  EXPECT_TRUE(GoesWithTime("frequency.too-soon"));
  EXPECT_FALSE(GoesWithTime("approval.missing"));
}

}  // namespace
}  // namespace dml
