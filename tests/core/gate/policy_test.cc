#include "core/gate/policy.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content:
  allowedNamespaces: [acme, "team-*"]
  deniedPackages: ["acme/old-*", acme/bad]
signatures:
  threshold: 2
licenses:
  allow: [MIT, GPL-2.0-only WITH Classpath-exception-2.0]
  review: ["LicenseRef-acme-*"]
compatibility:
  onNotProven: WARN
)";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text(kPolicy);
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void ExpectRefused(std::string_view text, std::string_view message) {
  absl::Status status = ParsePolicy(text).status();
  EXPECT_EQ(Reason(status), "POLICY_INVALID") << text;
  EXPECT_THAT(std::string(Message(status)), StartsWith("policy: ")) << text;
  EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message))) << text;
}

TEST(PolicyTest, ReadsYaml) {
  auto policy = ParsePolicy(kPolicy);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->digest, Sha256(kPolicy));
  EXPECT_EQ(policy->allowed_namespaces, (std::vector<std::string>{"acme", "team-*"}));
  EXPECT_EQ(policy->denied_packages, (std::vector<std::string>{"acme/old-*", "acme/bad"}));
  EXPECT_EQ(policy->signature_threshold, 2u);
  EXPECT_EQ(policy->on_not_proven, NotProvenAction::kWarn);
  ASSERT_EQ(policy->licenses.rules().size(), 2u);
  EXPECT_EQ(policy->licenses.rules()[0].id, "allow");
  EXPECT_EQ(policy->licenses.rules()[1].outcome, LicenseOutcome::kReview);
  EXPECT_EQ(policy->licenses.version(), policy->digest.ToString());
}

TEST(PolicyTest, ReadsJsonOfTheSameSchema) {
  auto policy = ParsePolicy(R"({"schema": "dml.policy/v1",
    "content": {"allowedNamespaces": ["*"]},
    "signatures": {"threshold": 16},
    "licenses": {}})");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->signature_threshold, 16u);
  EXPECT_EQ(policy->on_not_proven, NotProvenAction::kDeny) << "the default is the safe one";
  EXPECT_TRUE(policy->licenses.rules().empty());
}

TEST(PolicyTest, TheStartingPolicyReadsAndExplainsItself) {
  auto policy = ParsePolicy(DefaultPolicyDocument());
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->signature_threshold, 1u);
  EXPECT_EQ(policy->on_not_proven, NotProvenAction::kDeny);
  EXPECT_TRUE(IsNamespaceAllowed(*policy, {"acme", "app"}));
  auto outcome = [&](std::string_view license) {
    const LicenseList& list = BundledLicenseList();
    return EvaluateLicense(*LicenseExpression::Parse(license, list), policy->licenses, list)
        .outcome;
  };
  EXPECT_EQ(outcome("MIT"), LicenseOutcome::kAllow);
  EXPECT_EQ(outcome("MIT OR GPL-3.0-only"), LicenseOutcome::kAllow);
  EXPECT_EQ(outcome("MIT AND GPL-3.0-only"), LicenseOutcome::kReview);
  EXPECT_EQ(outcome("SSPL-1.0"), LicenseOutcome::kDeny);
  EXPECT_EQ(outcome("NOASSERTION"), LicenseOutcome::kReview);
}

TEST(PolicyTest, TheDefaultValueAllowsNothing) {
  Policy policy;
  EXPECT_FALSE(IsNamespaceAllowed(policy, {"acme", "app"}));
  EXPECT_GE(policy.signature_threshold, 1u);
}

// attack 8: a threshold that disables verification, or that nobody can reach.
TEST(PolicyTest, RefusesThresholdsOutOfRange) {
  for (auto threshold : {"0",     "-1",  "17", "4294967296", "4294967297", "18446744073709551616",
                         "1e30",  "1.0", "01", "0x1",        "+1",         "true",
                         "\"1\"", "~",   "",   "[1]",        "{}",         "one",
                         ".inf",  "-0"}) {
    ExpectRefused(Replaced("threshold: 2", fmt::format("threshold: {}", threshold)),
                  "line 6: member 'threshold' must be a whole number from 1 to 16");
  }
  ExpectRefused(Replaced("  threshold: 2", "  {}"), "line 5: member 'threshold' is missing");
  ExpectRefused(Replaced("signatures:\n  threshold: 2\n", ""), "'signatures' is missing");
}

// attack 44: a member that is not understood is never passed over.
TEST(PolicyTest, RefusesUnknownMembersWithTheirLine) {
  ExpectRefused(Replaced("threshold:", "treshold:"),
                "line 6: unknown member 'treshold'; did you mean 'threshold'?");
  ExpectRefused(Replaced("  deniedPackages", "  denyPackages"), "line 4: unknown member");
  ExpectRefused(std::string(kPolicy) + "exceptions: []\n", "line 12: unknown member 'exceptions'");
  ExpectRefused(Replaced("  allow: ", "  Allow: "), "line 8: unknown member 'Allow'");
  ExpectRefused(Replaced("compatibility:\n", "compatibility:\n  skew: 1\n"), "line 11: unknown");
  ExpectRefused(Replaced("licenses:", "licences:"), "line 7: unknown member 'licences'");
  ExpectRefused(std::string(kPolicy) + "content: {}\n", "line 12: member 'content' is given twice");
  ExpectRefused("<<: {schema: dml.policy/v1}\n" + std::string(kPolicy), "line 1: unknown");
}

TEST(PolicyTest, RefusesALicenseInTwoLists) {
  const std::string lists = "licenses: {allow: [MIT], deny: [\n  GPL-2.0-only,\n  mit]}\n";
  std::string text = std::string(kPolicy);
  size_t begin = text.find("licenses:");
  text.replace(begin, text.find("compatibility:") - begin, lists);
  ExpectRefused(text, "'mit' is in 'allow' already; keep it in one list only");
  ExpectRefused(text, "line 9: ");
}

TEST(PolicyTest, RefusesBadValuesWithTheirLine) {
  ExpectRefused(Replaced("v1", "v2"), "line 1: schema 'dml.policy/v2' is not known here");
  ExpectRefused(Replaced("[acme, \"team-*\"]", "[]"), "line 3: ");
  ExpectRefused(Replaced("[acme, \"team-*\"]", "acme"), "line 3: ");
  ExpectRefused(Replaced("[acme, \"team-*\"]", "\n    - acme\n    - \"a*b\""), "line 5: ");
  for (auto pattern : {"**", "*a", "a/*", "../*", "a?", "[ab]", "A*", "", "a..*"}) {
    ExpectRefused(Replaced("\"team-*\"", fmt::format("\"{}\"", pattern)), "line 3: ");
  }
  for (auto pattern : {"acme", "*/app", "acme/*/x", "acme/**", "/app", "a*/b"}) {
    ExpectRefused(Replaced("\"acme/old-*\"", fmt::format("\"{}\"", pattern)), "line 4: ");
  }
  ExpectRefused(Replaced("[MIT", "\n    - MIT\n    - Expat\n    - X\n  deny: [MIT"), "line 10: ");
  ExpectRefused(Replaced("[MIT", "[MIT OR ISC"), "line 8: ");
  ExpectRefused(Replaced("[MIT", "[NOASSERTION"), "line 8: ");
  ExpectRefused(Replaced("[MIT", "[1.0"), "line 8: must be a string");
  ExpectRefused(Replaced("WARN", "ALLOW"), "line 11: member 'onNotProven' is 'ALLOW'");
  ExpectRefused(Replaced("WARN", "warn"), "line 11: ");
  for (auto text : {"", "# nothing\n", "[]", "text", "7", "~"}) ExpectRefused(text, "line 1: ");
}

TEST(PolicyTest, RefusesHostileDocuments) {
  ExpectRefused(Replaced("[acme, \"team-*\"]", "&a [acme]"), "line 3: anchors are not allowed");
  ExpectRefused(Replaced("\"team-*\"", "*"), "line 3: ");
  ExpectRefused(std::string(kMaxPolicyBytes + 1, '#'), "at most 262144");
  ExpectRefused(std::string(kMaxPolicyBytes, '['), "");
  ExpectRefused("\xff\xfe", "UTF-8");
  ExpectRefused(std::string(kPolicy) + std::string(1, '\0'), "NUL");
  ExpectRefused(std::string(kPolicy) + "---\nschema: dml.policy/v1\n", "more than one");
  std::string many = "\"a\"";
  for (size_t i = 0; i < kMaxPolicyPatterns; ++i) many += ",\"a\"";
  ExpectRefused(Replaced("[acme", "[" + many), "at most 4096");
}

// attack 18: one glob, with one meaning.
TEST(PolicyTest, PatternsMatchWholeNames) {
  for (auto [pattern, text, expected] : {std::tuple{"acme", "acme", true},
                                         {"acme", "acme2", false},
                                         {"acme", "acm", false},
                                         {"acme*", "acme", true},
                                         {"acme*", "acme.corp", true},
                                         {"acme*", "acm", false},
                                         {"acme.*", "acmex", false},
                                         {"*", "anything", true},
                                         {"a.c", "abc", false},
                                         {"a?c", "abc", false},
                                         {"[a]", "a", false},
                                         {"acme/old-*", "acme/old-", true},
                                         {"acme/old-*", "acme/older", false},
                                         {"", "a", false},
                                         {"", "", true}}) {
    EXPECT_EQ(MatchesPattern(pattern, text), expected) << pattern << " " << text;
  }
  Policy policy;
  policy.allowed_namespaces = {"acme"};
  policy.denied_packages = {"acme/x", "acme/old-*"};
  EXPECT_FALSE(IsNamespaceAllowed(policy, {"acme2", "app"}));
  EXPECT_EQ(DenyingPattern(policy, {"acme", "old-1"}), "acme/old-*");
  EXPECT_EQ(DenyingPattern(policy, {"acme", "app"}), "");
}

TEST(PolicyTest, SurvivesMutations) {
  unsigned seed = 20240614;
  std::mt19937 random(seed);
  const std::string_view alphabet = "[]{}:,-?&*!|>'\"%#\n\tab019~ \\";
  for (int i = 0; i < 5000; ++i) {
    std::string text(kPolicy);
    for (int k = 0; k < 2; ++k) text[random() % text.size()] = alphabet[random() % alphabet.size()];
    auto policy = ParsePolicy(text);
    if (!policy.ok()) {
      ASSERT_EQ(Reason(policy.status()), "POLICY_INVALID") << "seed " << seed << ": " << text;
    } else {
      ASSERT_GE(policy->signature_threshold, 1u) << "seed " << seed << ": " << text;
      ASSERT_FALSE(policy->allowed_namespaces.empty()) << "seed " << seed << ": " << text;
    }
  }
}

}  // namespace
}  // namespace dml
