#include "core/license/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;
using enum LicenseOutcome;

std::string ErrorOf(std::vector<LicenseRule> rules) {
  auto policy = LicensePolicy::Create("1", std::move(rules), BundledLicenseList());
  if (policy.ok()) return "";
  EXPECT_EQ(Reason(policy.status()), "LICENSE_POLICY_INVALID");
  return std::string(Message(policy.status()));
}

std::vector<std::string> Found(const LicensePolicy& policy, LicenseVersion version,
                               const std::string& addition, bool reference) {
  std::vector<std::string> patterns;
  for (const auto& match : policy.Find(version, addition, reference)) {
    patterns.push_back(match.pattern);
  }
  return patterns;
}

TEST(LicensePolicyTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(ErrorOf({{"", kAllow, {"MIT"}}}), HasSubstr("no id"));
  EXPECT_THAT(ErrorOf({{"a", kAllow, {"MIT"}}, {"a", kDeny, {"ISC"}}}),
              HasSubstr("have the id 'a'"));
  EXPECT_THAT(ErrorOf({{"a", kAllow, {"Made-Up"}}}),
              HasSubstr("rule 'a': license 'Made-Up': column 1"));
  EXPECT_THAT(ErrorOf({{"a", kAllow, {"MIT OR ISC"}}}), HasSubstr("must be one license"));
  EXPECT_THAT(ErrorOf({{"a", kAllow, {""}}}), HasSubstr("expected a license"));
  EXPECT_THAT(ErrorOf({{"a", kAllow, {"MIT"}, {"notice"}}}), HasSubstr("ALLOW_WITH_OBLIGATIONS"));
  EXPECT_EQ(ErrorOf({{"a", kAllowWithObligations, {"MIT"}, {"notice"}}}), "");
}

TEST(LicensePolicyTest, NeverAllowsTheUnknown) {
  for (const char* whole : {"NONE", "NOASSERTION"}) {
    EXPECT_THAT(ErrorOf({{"a", kAllow, {whole}}}), HasSubstr("unknown is never allowed"));
    EXPECT_THAT(ErrorOf({{"a", kAllowWithObligations, {whole}}}), HasSubstr("never allowed"));
    EXPECT_EQ(ErrorOf({{"a", kReview, {whole}}, {"b", kDeny, {whole}}}), "");
  }
}

TEST(LicensePolicyTest, GlobsAreForReferencesOnly) {
  for (const char* bad : {"*", "MIT*", "GPL-*", "LicenseRef*", "LicenseRef-a*b*", "LicenseRef-*-x",
                          "DocumentRef-*", "DocumentRef-a:*", " LicenseRef-*",
                          "MIT OR LicenseRef-*", "MIT WITH AdditionRef-*", "LicenseRef-a_*"}) {
    EXPECT_NE(ErrorOf({{"a", kAllow, {bad}}}), "") << bad;
  }
  EXPECT_EQ(
      ErrorOf({{"a", kAllow, {"LicenseRef-*", "LicenseRef-acme-*", "DocumentRef-a:LicenseRef-*"}}}),
      "");
}

TEST(LicensePolicyTest, OneOutcomeOnceForALicense) {
  EXPECT_THAT(ErrorOf({{"a", kAllow, {"GPL-2.0"}}, {"b", kAllow, {"GPL-2.0-only"}}}),
              HasSubstr("rule 'b': 'GPL-2.0-only' got ALLOW from rule 'a' already"));
  EXPECT_EQ(ErrorOf({{"a", kAllow, {"GPL-2.0", "GPL-2.0-only"}}, {"b", kDeny, {"GPL-2.0"}}}), "");
}

TEST(LicensePolicyTest, Limits) {
  std::vector<LicenseRule> rules(kMaxLicenseRules + 1);
  EXPECT_THAT(ErrorOf(rules), HasSubstr("1025 license rules"));
  LicenseRule rule{"a", kAllow, std::vector<std::string>(kMaxLicensePatterns, "MIT")};
  EXPECT_EQ(ErrorOf({rule}), "");
  rule.licenses.push_back("MIT");
  EXPECT_THAT(ErrorOf({rule}), HasSubstr("more than 16384 licenses"));
  rule.licenses.clear();
  for (size_t i = 0; i <= kMaxLicenseGlobs; ++i)
    rule.licenses.push_back(fmt::format("LicenseRef-{}*", i));
  EXPECT_THAT(ErrorOf({rule}), HasSubstr("at most 256"));
}

TEST(LicensePolicyTest, FindsEveryPatternInPolicyOrder) {
  auto policy = LicensePolicy::Create(
      "1",
      {{"a", kAllow, {"LicenseRef-x*", "LicenseRef-xy", "GPL-2.0+"}},
       {"b", kDeny, {"LicenseRef-xy", "LicenseRef-*", "GPL-2.0-only WITH Font-exception-2.0"}}},
      BundledLicenseList());
  ASSERT_TRUE(policy.ok()) << policy.status();
  using P = std::vector<std::string>;
  EXPECT_EQ(Found(*policy, {"LicenseRef-xy", false}, "", true),
            (P{"LicenseRef-x*", "LicenseRef-xy", "LicenseRef-xy", "LicenseRef-*"}));
  EXPECT_EQ(Found(*policy, {"LicenseRef-xz", false}, "", true),
            (P{"LicenseRef-x*", "LicenseRef-*"}));
  EXPECT_EQ(Found(*policy, {"LicenseRef-xy", false}, "AdditionRef-a", true), P{});
  EXPECT_EQ(Found(*policy, {"DocumentRef-d:LicenseRef-xy", false}, "", true), P{});
  EXPECT_EQ(Found(*policy, {"GPL-2.0", true}, "", false), P{"GPL-2.0+"});
  EXPECT_EQ(Found(*policy, {"GPL-2.0", false}, "", false), P{});
  EXPECT_EQ(Found(*policy, {"GPL-2.0", false}, "Font-exception-2.0", false),
            P{"GPL-2.0-only WITH Font-exception-2.0"});
}

TEST(LicensePolicyTest, OutcomeNames) {
  EXPECT_EQ(LicenseOutcomeName(kAllow), "ALLOW");
  EXPECT_EQ(LicenseOutcomeName(kAllowWithObligations), "ALLOW_WITH_OBLIGATIONS");
  EXPECT_EQ(LicenseOutcomeName(kReview), "REVIEW");
  EXPECT_EQ(LicenseOutcomeName(kDeny), "DENY");
}

}  // namespace
}  // namespace dml
