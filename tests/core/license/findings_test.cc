#include "core/license/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using enum LicenseOutcome;

LicensePolicy PolicyOf(std::vector<LicenseRule> rules) {
  return LicensePolicy::Create("p", std::move(rules), BundledLicenseList()).value();
}

LicenseExpression Parse(std::string_view text) {
  return LicenseExpression::Parse(text, BundledLicenseList()).value();
}

std::vector<std::string> Rules(const std::vector<Finding>& findings) {
  std::vector<std::string> rules;
  for (const Finding& finding : findings) {
    constexpr const char* kSeverities[] = {"", "info ", "warning ", "error "};
    rules.push_back(kSeverities[static_cast<int>(finding.severity)] + finding.rule);
  }
  return rules;
}

TEST(LicenseFindingsTest, KeepsEveryFinding) {
  const LicensePolicy policy =
      PolicyOf({{"ok", kAllow, {"MIT"}}, {"no", kDeny, {"SSPL-1.0", "GPL-2.0-only"}}});
  auto rules = [&policy](std::string_view text) {
    const auto verdict = EvaluateLicense(Parse(text), policy, BundledLicenseList());
    return Rules(LicenseFindings(verdict, "acme/api", BundledLicenseList()));
  };
  EXPECT_THAT(rules("MIT"), IsEmpty());
  EXPECT_THAT(rules("SSPL-1.0 AND ISC AND MIT"),
              ElementsAre("error license.denied", "error license.review"));
  EXPECT_THAT(
      rules("GPL-2.0 OR MIT"),
      ElementsAre("info license.denied", "info license.deprecated-id", "info license.chosen"));
  EXPECT_THAT(rules("NOASSERTION"), ElementsAre("error license.review"));
}

TEST(LicenseFindingsTest, NamesWaiversThatDecidedAndThatExpired) {
  const LicensePolicy policy = PolicyOf({{"no", kDeny, {"SSPL-1.0"}}});
  const LicenseWaivers waivers =
      LicenseWaivers::Create(
          {{"w1", "SSPL-1.0", "acme/api", {}, "until replaced", "ada", FromMicros(10)}},
          BundledLicenseList())
          .value();
  auto findings = [&](int64_t now) {
    const auto verdict =
        EvaluateLicense(Parse("SSPL-1.0"), policy, BundledLicenseList(),
                        {.package = "acme/api", .time = FromMicros(now), .waivers = &waivers});
    return LicenseFindings(verdict, "acme/api", BundledLicenseList());
  };
  EXPECT_THAT(Rules(findings(9)), ElementsAre("warning license.waived"));
  EXPECT_THAT(findings(9)[0].message, HasSubstr("until replaced"));
  EXPECT_THAT(Rules(findings(10)),
              ElementsAre("error license.denied", "warning license.waiver-expired"));
}

TEST(LicenseFindingsTest, TellsWhatTakesTheDeprecatedIdsPlace) {
  const LicensePolicy policy = PolicyOf({{"ok", kAllow, {"GPL-2.0-only", "Nunit"}}});
  auto remedy = [&policy](std::string_view text) {
    const auto verdict = EvaluateLicense(Parse(text), policy, BundledLicenseList());
    const auto findings = LicenseFindings(verdict, "s", BundledLicenseList());
    EXPECT_EQ(findings.size(), 1u) << text;
    return findings.empty() ? "" : findings[0].remedy;
  };
  EXPECT_EQ(remedy("GPL-2.0"), "write GPL-2.0-only");
  EXPECT_EQ(remedy("Nunit"), "declare the license by another id");
}

TEST(LicenseDryRunTest, TellsWhatWouldChangeAndNothingElse) {
  const LicensePolicy before = PolicyOf({{"ok", kAllow, {"MIT", "GPL-2.0-only"}}});
  const LicensePolicy after =
      PolicyOf({{"ok", kAllow, {"MIT", "ISC"}}, {"no", kDeny, {"GPL-2.0-only"}}});
  std::vector<LicenseSubject> subjects;
  for (const char* text : {"MIT", "GPL-2.0-only", "ISC", "GPL-2.0-only OR MIT", "X11",
                           "GPL-2.0-only OR ISC", "GPL-2.0-only AND MIT"}) {
    subjects.push_back({fmt::format("p{}", subjects.size()), Parse(text)});
  }
  const LicenseDryRun run = DryRunLicensePolicy(before, after, subjects, BundledLicenseList());
  std::vector<std::string> names;
  for (const LicenseChange& change : run.changes) names.push_back(change.name);
  // p3 is MIT under both; p5 stays allowed, by its other branch.
  EXPECT_THAT(names, ElementsAre("p1", "p2", "p5", "p6"));
  EXPECT_EQ(run.changes[2].before.chosen, "GPL-2.0-only");
  EXPECT_EQ(run.changes[2].after.chosen, "ISC");
  EXPECT_EQ(run.counts[0][0], 3u);
  EXPECT_EQ(run.counts[0][3], 2u);
  EXPECT_EQ(run.counts[2][0], 1u);
  EXPECT_EQ(run.counts[2][2], 1u);
  EXPECT_EQ(run.blocked(), 2u);
  EXPECT_EQ(run.unblocked(), 1u);
  EXPECT_THAT(DryRunLicensePolicy(before, before, subjects, BundledLicenseList()).changes,
              IsEmpty());
}

}  // namespace
}  // namespace dml
