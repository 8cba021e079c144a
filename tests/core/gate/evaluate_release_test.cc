#include "core/gate/evaluate_release.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/release/release_builder.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using testing::Install;
using ::testing::IsEmpty;
using testing::ReleaseOf;
using testing::Upgrade;

constexpr std::string_view kProvenance = "https://slsa.dev/provenance/v1";

// A release that one person has approved, and rules that let it go.
class EvaluateReleaseTest : public ::testing::Test {
 protected:
  EvaluateReleaseTest() {
    in_.release = &release_;
    in_.digest = Sha256("release");
    in_.environment = "production/eu";
    in_.rules = &rules_;
    in_.time = *ParseTime("2027-01-02T12:00:00Z");
    in_.tzdata = "2025b";
    in_.bytes = 1000;
    in_.nodes = 3;
    in_.publishers = {"ann"};
    Approve("amy");
  }

  // As who has seen what is found now.
  void Approve(const std::string& person) {
    in_.approvals.push_back({person, Sha256("key of " + person),
                             EvaluateRelease(in_).approved_findings, in_.time - hours(1),
                             in_.time + hours(100)});
  }

  ReleaseVerdict Evaluate() const { return EvaluateRelease(in_); }

  // All findings of the rule, "SEVERITY message -> remedy" each.
  std::vector<std::string> Find(std::string_view rule) const {
    std::vector<std::string> out;
    for (const Finding& finding : Evaluate().findings) {
      if (finding.rule == rule) out.push_back(finding.message + " -> " + finding.remedy);
    }
    return out;
  }
  void ExpectDenied(std::string_view rule, const std::string& words) const {
    const std::vector<std::string> found = Find(rule);
    ASSERT_EQ(found.size(), 1u) << rule;
    EXPECT_THAT(found[0], HasSubstr(words));
    EXPECT_EQ(Evaluate().decision, Decision::kDeny);
  }
  void ExpectAllowed() const {
    const ReleaseVerdict verdict = Evaluate();
    for (const Finding& finding : verdict.findings) {
      EXPECT_NE(finding.severity, Severity::kError) << finding.rule << ": " << finding.message;
    }
    EXPECT_EQ(verdict.decision, Decision::kAllow);
  }

  DeploymentFact Deployed(std::string environment, hours ago, Digest release,
                          DeploymentState state = DeploymentState::kDeployed) const {
    return {std::move(environment), release,       ReleaseType::kMinor, state,
            in_.time - ago,         in_.time - ago};
  }

  Release release_ = ReleaseOf({Install("acme/api@1.0.0"), Upgrade("acme/web@1.1.0", "1.0.0")});
  ReleaseRules rules_;
  ReleaseInput in_;
};

TEST_F(EvaluateReleaseTest, AllowsWhatEveryRuleAllows) {
  ExpectAllowed();
  EXPECT_THAT(Evaluate().findings, IsEmpty());
  EXPECT_EQ(Evaluate().risk.total, 2u + 1 + 1);
}

TEST_F(EvaluateReleaseTest, WithoutAPolicyEverythingIsDenied) {
  in_.rules = nullptr;
  ExpectDenied("policy.missing", "no policy");
}

TEST_F(EvaluateReleaseTest, FindingsOnItemsAreAmongThem) {
  in_.set = {{"license.denied", Severity::kError, "packages/x", "no", "other"}};
  ExpectDenied("license.denied", "no");
  EXPECT_EQ(Evaluate().findings.size(), 3u) << "and the approval was given for other findings";
}

TEST_F(EvaluateReleaseTest, TheReleaseItself) {
  in_.state = ReleaseState::kWithdrawn;
  ExpectDenied("release.state", "it is WITHDRAWN");
  in_.state = ReleaseState::kDraft;
  ExpectDenied("release.state", "seal it");
  in_.state = ReleaseState::kTested;
  release_.environments = {"production/us", "staging"};
  ExpectDenied("release.environment", "it is for production/us, staging, not for production/eu");
  release_.environments = {"production"};
  release_.evidence = {std::string(kProvenance)};
  ExpectDenied("release.evidence", std::string(kProvenance));
  in_.evidence = {std::string(kProvenance)};
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, Size) {
  rules_.size = {{{}, {.items = 1, .changes = 0, .bytes = 999, .nodes = 2}}};
  ExpectDenied("size.items", "2 items are more than the 1 that a MINOR release may have");
  ExpectDenied("size.changes", "1 changes");
  ExpectDenied("size.bytes", "1000 bytes");
  ExpectDenied("size.nodes", "3 nodes");
  rules_.size = {{{}, {.items = 2, .changes = 1, .bytes = 1000, .nodes = 3}}};
  ExpectAllowed();
  in_.nodes.reset();
  ExpectDenied("size.nodes", "nobody knows how many nodes");
  in_.nodes = 3;
  in_.bytes.reset();
  ExpectDenied("size.bytes", "nobody knows");
}

TEST_F(EvaluateReleaseTest, ItemsWithoutAuthorizedChanges) {
  release_.changes[0].authorized_by = "";
  EXPECT_EQ(Find("scope.unauthorized").size(), 2u);
  EXPECT_EQ(Evaluate().decision, Decision::kDeny) << "whatever the policy has of scope";
  rules_.scope = {{{}, {.demands_authorized_changes = false}}};
  EXPECT_THAT(Find("scope.unauthorized"), IsEmpty());
}

TEST_F(EvaluateReleaseTest, ScopeOfPackagesAndActions) {
  rules_.scope = {{{}, {.packages = {"acme/a*"}, .actions = {ReleaseAction::kInstall}}}};
  ExpectDenied("scope.package", "a MINOR release may not touch acme/web");
  ExpectDenied("scope.action", "may not UPGRADE anything");
  rules_.scope[0].scope.types = {ReleaseType::kPatch};
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, EnvironmentsInOrder) {
  rules_.scope = {{{}, {.after = ScopeRule::After{"staging", hours(24)}}}};
  ExpectDenied("scope.order", "there it is not known -> deploy it to staging first");
  in_.deployments = {Deployed("staging/eu", hours(23), Sha256("another"))};
  ExpectDenied("scope.order", "there it is not known");
  in_.deployments = {Deployed("staging/eu", hours(30), in_.digest, DeploymentState::kBackedOut)};
  ExpectDenied("scope.order", "there it is BACKED_OUT");
  in_.deployments = {Deployed("staging/eu", hours(23), in_.digest)};
  ExpectDenied("scope.order", "wait until 2027-01-02T13:00:00Z");
  in_.deployments = {Deployed("staging/eu", hours(24), in_.digest)};
  ExpectAllowed();
  in_.deployments.push_back(Deployed("staging/eu", hours(2), in_.digest, DeploymentState::kHalted));
  ExpectDenied("scope.order", "there it is HALTED");
}

TEST_F(EvaluateReleaseTest, RolloutsAtTheSameTime) {
  rules_.scope = {{{}, {.rollouts = 2}}};
  const auto other = [&](const char* name, DeploymentState state) {
    return Deployed("production/eu", hours(1), Sha256(name), state);
  };
  in_.deployments = {other("a", DeploymentState::kRollingOut),
                     other("b", DeploymentState::kDeployed)};
  ExpectAllowed();
  in_.deployments.push_back(other("c", DeploymentState::kHalted));
  ExpectDenied("scope.rollouts",
               "2 other releases are on their way there, or permitted; at most 2");
}

TEST_F(EvaluateReleaseTest, Frequency) {
  rules_.frequency = {{{}, {.between = hours(4), .at_most = {{2, hours(168)}}}}};
  ExpectAllowed();
  in_.deployments = {Deployed("production/eu", hours(3), Sha256("a"))};
  ExpectDenied("frequency.too-soon", "wait until 2027-01-02T13:00:00Z");
  in_.deployments = {Deployed("production/eu", hours(4), Sha256("a")),
                     Deployed("production/us", hours(1), Sha256("b")),
                     Deployed("production/eu", hours(168), Sha256("c"))};
  ExpectAllowed();
  in_.deployments.push_back(Deployed("production/eu", hours(167), Sha256("d")));
  ExpectDenied("frequency.too-many", "wait until 2027-01-02T13:00:00Z");
  in_.is_in_flight = true;
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, FrequencyCountsTheTypesOfItsRule) {
  rules_.frequency = {{{"", {ReleaseType::kMajor}}, {.at_most = {{1, hours(2000)}}}}};
  in_.deployments = {Deployed("production/eu", hours(100), Sha256("a"))};
  in_.deployments[0].type = ReleaseType::kMajor;
  ExpectAllowed();
  release_.type = ReleaseType::kMajor;
  ExpectDenied("frequency.too-many", "1 releases have started");
  in_.deployments[0].type = ReleaseType::kPatch;
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, Timing) {
  TimingRule rule;
  rule.weekly = {{{Weekday::kSaturday}, 12 * 60, 13 * 60}};  // It is Saturday noon.
  rules_.timing = {{{}, rule}};
  ExpectAllowed();
  in_.time += hours(1);
  ExpectDenied("timing.closed", "by tzdata 2025b -> wait until 2027-01-09 12:00:00 UTC (UTC)");
  in_.time -= hours(1);
  rules_.timing[0].rule.freezes = {
      {{in_.time, in_.time + std::chrono::minutes(30)}, "year-end closing"}};
  ExpectDenied("timing.freeze", "year-end closing");
  ExpectDenied("timing.freeze", "wait until 2027-01-02 12:30:00 UTC");
  in_.is_in_flight = true;
  ExpectAllowed();
  EXPECT_THAT(Find("timing.freeze")[0], HasSubstr("it has begun, and may finish"));
  rules_.timing[0].rule.in_flight = InFlightAction::kHalt;
  ExpectDenied("timing.freeze", "year-end closing");
}

TEST_F(EvaluateReleaseTest, ThePlannedWindow) {
  release_.window = {in_.time + hours(1), in_.time + hours(2)};
  ExpectDenied("timing.planned", "wait until 2027-01-02T13:00:00Z");
  release_.window = {in_.time - hours(1), in_.time};
  ExpectDenied("timing.planned", "make a release with another window");
  release_.window = {in_.time, in_.time + hours(1)};
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, Risk) {
  rules_.risk = {{{}, {.highest = 4}}};
  ExpectAllowed();
  rules_.risk = {{{}, {.highest = 3}}};
  ExpectDenied("risk.too-high", "its risk is 4: installs 2 (1), upgrades 1 (1), nodes 1 (3)");
  rules_.risk = {{{}, {.highest = 1, .accepted = 5, .acceptors = {"p-3"}}}};
  ExpectDenied("risk.too-high", "and nobody has -> have the risk accepted up to 4 by one of p-3");
  release_.risk = {{"p-4", 100}};
  ExpectDenied("risk.too-high", "which p-4 may not");
  release_.risk = {{"p-3", 3}};
  ExpectDenied("risk.too-high", "accepted up to 3 only");
  release_.risk = {{"p-3", 4}};
  Approve("amy");
  ExpectAllowed();
  rules_.risk[0].rule.accepted = 3;
  ExpectDenied("risk.too-high", "at most 3 is acceptable");
  rules_.risk.clear();
  in_.nodes.reset();
  EXPECT_EQ(Evaluate().risk.total, 3u + 100) << "as many nodes as count at all";
}

TEST_F(EvaluateReleaseTest, Vulnerabilities) {
  rules_.vulnerabilities = {
      {{}, {.highest = VulnerabilitySeverity::kMedium, .fix_within = hours(48)}}};
  ExpectDenied("vulnerability.unknown", "nobody has looked");
  in_.vulnerabilities.emplace();
  ExpectAllowed();
  VulnerabilityFact fact{"packages/x", "CVE-1", VulnerabilitySeverity::kMedium,
                         in_.time - hours(1000)};
  in_.vulnerabilities = {{fact}};
  ExpectAllowed();
  fact.severity = VulnerabilitySeverity::kHigh;
  in_.vulnerabilities = {{fact}};
  ExpectDenied("vulnerability.severe", "CVE-1 is HIGH");
  (*in_.vulnerabilities)[0].is_not_affected = true;
  ExpectAllowed();
  (*in_.vulnerabilities)[0] = fact;
  (*in_.vulnerabilities)[0].published = in_.time - hours(47);
  ExpectAllowed();
}

TEST_F(EvaluateReleaseTest, TheSameInputGivesTheSameBytes) {
  rules_.size = {{{}, {.items = 0, .nodes = 0}}};
  in_.set = {{"license.denied", Severity::kError, "packages/y", "no", "other"},
             {"license.denied", Severity::kError, "packages/x", "no", "other"}};
  const ReleaseVerdict first = Evaluate();
  std::ranges::reverse(in_.set);
  std::ranges::reverse(in_.approvals);
  const ReleaseVerdict second = Evaluate();
  EXPECT_EQ(first.findings, second.findings);
  EXPECT_EQ(first.findings_digest, second.findings_digest);
  EXPECT_EQ(first.approved_findings, second.approved_findings);
  EXPECT_TRUE(std::ranges::is_sorted(first.findings));
  in_.set[0].message = "yes";
  EXPECT_NE(Evaluate().findings_digest, first.findings_digest);
}

}  // namespace
}  // namespace dml
