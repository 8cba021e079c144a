// The families of a policy that judge a release as a whole: how they are read, and which rule
// holds.
#include "core/gate/release_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/policy.h"
#include "core/gate/policy_shape.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kBase = R"(schema: dml.policy/v1
content: {allowedNamespaces: ["*"]}
signatures: {threshold: 1}
licenses: {}
)";

ReleaseRules Rules(std::string_view families) {
  const auto policy = ParsePolicy(std::string(kBase) + std::string(families));
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? policy->release_rules : ReleaseRules();
}

// `families` starts on line 5.
void ExpectRefused(std::string_view families, std::string_view message) {
  const absl::Status status = ParsePolicy(std::string(kBase) + std::string(families)).status();
  EXPECT_EQ(Reason(status), "POLICY_INVALID") << families;
  EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message))) << families;
}

TEST(ReleaseRulesTest, ReadsEveryFamily) {
  const ReleaseRules rules = Rules(R"(
approvals:
  - {environment: production, types: [MAJOR, EMERGENCY], approvers: 2, separatePublishers: false,
     separateTesters: false, separateDeployers: false, validHours: 48}
size: [{items: 10, changes: 5, bytes: 1000, nodes: 100}]
scope:
  - packages: ["acme/*"]
    actions: [UPGRADE, INSTALL]
    after: {environment: staging, soakHours: 24}
    rollouts: 1
    authorizedChanges: false
frequency: [{betweenHours: 4, atMost: [{releases: 3, withinHours: 168}]}]
timing:
  - zone: Europe/Berlin
    weekly: [{days: [SUNDAY, SATURDAY], from: "22:00", until: "02:00"}]
    once: [{from: "2027-03-28T02:30:00", until: "2027-03-28T05:00:00"}]
    freezes: [{from: "2027-10-31T01:00:00", until: "2027-10-31T02:30:00", reason: closing}]
    inFlight: HALT
risk: [{highest: 50, accepted: 90, acceptors: [p-1]}]
vulnerabilities: [{highest: MEDIUM, fixWithinHours: 72}]
override: [{rules: ["timing.*", frequency.too-soon], approvers: 2, longestHours: 8}]
)");
  ASSERT_EQ(rules.approvals.size(), 1u);
  EXPECT_EQ(rules.approvals[0].scope,
            (RuleScope{"production", {ReleaseType::kMajor, ReleaseType::kEmergency}}));
  EXPECT_EQ(rules.approvals[0].rule.approvers, 2u);
  EXPECT_FALSE(rules.approvals[0].rule.separate_publishers);
  EXPECT_FALSE(rules.approvals[0].rule.separate_testers);
  EXPECT_FALSE(rules.approvals[0].rule.separate_deployers);
  EXPECT_EQ(rules.approvals[0].rule.valid_for, hours(48));
  const SizeRule& size = rules.size.at(0).rule;
  EXPECT_EQ(size.items, 10u);
  EXPECT_EQ(size.changes, 5u);
  EXPECT_EQ(size.bytes, 1000u);
  EXPECT_EQ(size.nodes, 100u);
  const ScopeRule& scope = rules.scope.at(0).rule;
  EXPECT_THAT(scope.packages, ElementsAre("acme/*"));
  EXPECT_THAT(scope.actions, ElementsAre(ReleaseAction::kInstall, ReleaseAction::kUpgrade));
  EXPECT_EQ(scope.after->environment, "staging");
  EXPECT_EQ(scope.after->soak, hours(24));
  EXPECT_EQ(scope.rollouts, 1u);
  EXPECT_FALSE(scope.demands_authorized_changes);
  const FrequencyRule& frequency = rules.frequency.at(0).rule;
  EXPECT_EQ(frequency.between, hours(4));
  ASSERT_EQ(frequency.at_most.size(), 1u);
  EXPECT_EQ(frequency.at_most[0].releases, 3u);
  EXPECT_EQ(frequency.at_most[0].within, hours(168));
  const TimingRule& timing = rules.timing.at(0).rule;
  EXPECT_EQ(timing.zone.name(), "Europe/Berlin");
  EXPECT_EQ(timing.weekly.at(0),
            (WeeklyWindow{{Weekday::kSaturday, Weekday::kSunday}, 22 * 60, 2 * 60}));
  EXPECT_EQ(FormatTime(timing.once.at(0).span.from), "2027-03-28T01:00:00Z");
  EXPECT_EQ(FormatTime(timing.freezes.at(0).span.until), "2027-10-31T01:30:00Z");
  EXPECT_EQ(timing.freezes[0].reason, "closing");
  EXPECT_EQ(timing.in_flight, InFlightAction::kHalt);
  EXPECT_EQ(rules.risk.at(0).rule.highest, 50u);
  EXPECT_EQ(rules.risk[0].rule.accepted, 90u);
  EXPECT_THAT(rules.risk[0].rule.acceptors, ElementsAre("p-1"));
  EXPECT_EQ(rules.vulnerabilities.at(0).rule.highest, VulnerabilitySeverity::kMedium);
  EXPECT_EQ(rules.vulnerabilities[0].rule.fix_within, hours(72));
  EXPECT_THAT(rules.override_rules.at(0).rule.rules, ElementsAre("timing.*", "frequency.too-soon"));
  EXPECT_EQ(rules.override_rules[0].rule.approvers, 2u);
  EXPECT_EQ(rules.override_rules[0].rule.longest, hours(8));
}

TEST(ReleaseRulesTest, TheSafeIsTheDefault) {
  const ReleaseRules rules = Rules("approvals: [{approvers: 3}]\nscope: [{}]\n");
  EXPECT_TRUE(rules.approvals[0].rule.separate_publishers);
  EXPECT_TRUE(rules.approvals[0].rule.separate_testers);
  EXPECT_TRUE(rules.approvals[0].rule.separate_deployers);
  EXPECT_TRUE(rules.scope[0].rule.demands_authorized_changes);
  EXPECT_GE(ApprovalRule().approvers, 1u);
}

TEST(ReleaseRulesTest, RefusesBadMembersWithTheirLine) {
  ExpectRefused("approvals: {approvers: 1}\n", "line 5: must be an array, not an object");
  ExpectRefused("approvals:\n  - {approvers: 0}\n", "line 6: member 'approvers' must be a whole");
  ExpectRefused("approvals:\n  - {}\n", "line 6: member 'approvers' is missing");
  ExpectRefused("approvals:\n  - approvers: 1\n    aprovers: 2\n",
                "line 7: unknown member 'aprovers'; did you mean 'approvers'?");
  ExpectRefused("approvals:\n  - {approvers: 1, environment: Production}\n", "line 6: ");
  ExpectRefused("approvals:\n  - {approvers: 1, types: []}\n", "has 0 elements");
  ExpectRefused("approvals:\n  - {approvers: 1, types: [BIG]}\n", "must be one of MAJOR");
  ExpectRefused("approvals:\n  - {approvers: 1, types: [MAJOR, MAJOR]}\n", "names one twice");
  ExpectRefused("approvals:\n  - {approvers: 1, separateTesters: 1}\n", "must be true or false");
  ExpectRefused("size:\n  - {items: -1}\n", "line 6: member 'items' must be a whole number");
  ExpectRefused("size:\n  - {bytes: 1.5}\n", "must be a whole number");
  ExpectRefused("scope:\n  - {packages: [acme]}\n", "line 6: ");
  ExpectRefused("scope:\n  - {after: {soakHours: 1}}\n", "'environment' is missing");
  ExpectRefused("scope:\n  - {after: {environment: A}}\n", "line 6: ");
  ExpectRefused("scope:\n  - {rollouts: 0}\n", "from 1 to 1000");
  ExpectRefused("frequency:\n  - {atMost: [{releases: 1}]}\n", "'withinHours' is missing");
  ExpectRefused("frequency:\n  - {atMost: [{releases: 1, withinHours: 0}]}\n", "from 1 to");
  ExpectRefused("risk:\n  - {highest: 5, accepted: 5, acceptors: [p]}\n", "is not above");
  ExpectRefused("risk:\n  - {highest: 5, accepted: 6}\n", "goes with 'accepted'");
  ExpectRefused("risk:\n  - {highest: 5, acceptors: [p]}\n", "goes with 'accepted'");
  ExpectRefused("vulnerabilities:\n  - {highest: SOME}\n", "must be one of NONE, LOW");
}

TEST(ReleaseRulesTest, RefusesBadTimes) {
  const auto refused = [](std::string_view members, std::string_view message) {
    ExpectRefused(fmt::format("timing:\n  - {{zone: UTC, {}}}\n", members), message);
  };
  ExpectRefused("timing:\n  - {}\n", "'zone' is missing");
  ExpectRefused("timing:\n  - {zone: Mars/Olympus}\n", "line 6: 'Mars/Olympus' is no time zone");
  ExpectRefused("timing:\n  - {zone: /etc/localtime}\n", "is no time zone");
  refused("weekly: [{days: [], from: \"1:00\", until: \"2:00\"}]", "has 0 elements");
  refused("weekly: [{days: [MONDAY], from: \"24:00\", until: \"02:00\"}]", "from 00:00 to 23:59");
  refused("weekly: [{days: [MONDAY], from: \"22:00\", until: \"00:00\"}]", "from 00:01 to 24:00");
  refused("weekly: [{days: [MONDAY], from: \"25:00\", until: \"02:00\"}]", "no time of day");
  refused("weekly: [{days: [MONDAY], from: 22, until: \"02:00\"}]", "must be a string");
  refused("once: [{from: \"2027-02-29T00:00:00\", until: \"2027-03-01T00:00:00\"}]",
          "no time on the wall");
  refused("once: [{from: \"2027-03-01T00:00:00Z\", until: \"2027-03-02T00:00:00\"}]", "from");
  refused("freezes: [{from: \"2027-03-02T00:00:00\", until: \"2027-03-02T00:00:00\"}]",
          "is not after 'from'");
}

TEST(ReleaseRulesTest, NothingThatKeepsTheLibraryHonestIsOverridden) {
  for (const char* rule : {"*", "content.*", "content.withdrawn", "signature.*", "policy.missing",
                           "approval.missing", "override.*", "release.state", "timing"}) {
    ExpectRefused(fmt::format("override:\n  - {{rules: [\"{}\"]}}\n", rule), "may be overridden");
    EXPECT_FALSE(IsOverridable(rule)) << rule;
  }
  ExpectRefused("override:\n  - {rules: [\"timing.*\"], longestHours: 25}\n", "from 1 to 24");
  ExpectRefused("override:\n  - {rules: []}\n", "has 0 elements");
}

TEST(ReleaseRulesTest, RefusesRulesThatContradictEachOther) {
  ExpectRefused("size:\n  - {items: 1}\n  - {items: 2}\n", "line 7: size[0] holds in the same");
  ExpectRefused("size:\n  - {types: [MAJOR, PATCH]}\n  - {types: [PATCH, MINOR]}\n", "line 7");
  ExpectRefused("risk:\n  - {environment: a, highest: 1}\n  - {environment: a, highest: 2}\n",
                "risk[0] holds");
  Rules(
      "size:\n  - {items: 1}\n  - {types: [MAJOR]}\n  - {environment: a}\n"
      "  - {environment: a, types: [MAJOR]}\n  - {environment: a/b}\n  - {types: [PATCH]}\n");
}

TEST(ReleaseRulesTest, ExactlyTheMostSpecificRuleApplies) {
  const ReleaseRules rules = Rules(R"(
size:
  - {items: 1}
  - {types: [MAJOR], items: 2}
  - {environment: production, items: 3}
  - {environment: production, types: [MAJOR], items: 4}
  - {environment: production/eu, items: 5}
)");
  const auto items = [&](std::string_view environment, ReleaseType type) {
    return RuleFor(rules.size, environment, type)->items.value();
  };
  EXPECT_EQ(items("staging", ReleaseType::kMinor), 1u);
  EXPECT_EQ(items("staging", ReleaseType::kMajor), 2u);
  EXPECT_EQ(items("production", ReleaseType::kMinor), 3u);
  EXPECT_EQ(items("production/us", ReleaseType::kMajor), 4u);
  EXPECT_EQ(items("production/eu", ReleaseType::kMajor), 5u) << "the place comes first";
  EXPECT_EQ(items("production/eu/west", ReleaseType::kMinor), 5u);
  EXPECT_EQ(items("production-test", ReleaseType::kMinor), 1u);
  EXPECT_EQ(RuleFor(Rules("size: [{types: [MAJOR]}]\n").size, "a", ReleaseType::kPatch), nullptr);
}

// One table for both: whatever the schema names, a document may have, and nothing else.
TEST(PolicySchemaTest, IsOfTheTableThatDocumentsAreCheckedBy) {
  const nlohmann::ordered_json schema = PolicyJsonSchema();
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_THAT(schema["required"].get<std::vector<std::string>>(),
              ElementsAre("schema", "content", "signatures", "licenses"));
  EXPECT_EQ(schema["properties"]["signatures"]["properties"]["threshold"]["maximum"],
            kMaxSignatureThreshold);
  const auto& timing = schema["properties"]["timing"]["items"]["properties"];
  EXPECT_EQ(timing["weekly"]["items"]["properties"]["days"]["items"]["enum"].size(), 7u);
  EXPECT_EQ(timing["weekly"]["items"]["required"].size(), 3u);
  for (const auto& [name, member] : schema["properties"].items()) {
    EXPECT_TRUE(member.contains("description")) << name;
  }
}

TEST(PolicySchemaTest, HasEveryMemberOfTheStartingPolicy) {
  const auto policy = ParsePolicy(DefaultPolicyDocument());
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_EQ(policy->release_rules.approvals.size(), 1u);
  EXPECT_EQ(policy->release_rules.approvals[0].rule.valid_for, hours(168));
  // Its comments are rules that can be taken into use as they stand.
  std::string text(DefaultPolicyDocument());
  const size_t families = text.find("approvals:");
  ASSERT_NE(families, std::string::npos);
  std::string uncommented = text.substr(0, families);
  for (std::string_view rest = std::string_view(text).substr(families); !rest.empty();) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.starts_with("#  ")) line = line.substr(1);
    const size_t empty = line.find(": []");
    uncommented += std::string(line.substr(0, empty == line.npos ? line.size() : empty + 1)) + "\n";
    rest.remove_prefix(end + 1);
  }
  const auto full = ParsePolicy(uncommented);
  ASSERT_TRUE(full.ok()) << full.status() << uncommented;
  EXPECT_EQ(full->release_rules.timing.size(), 1u);
  EXPECT_EQ(full->release_rules.override_rules.size(), 1u);
  EXPECT_EQ(full->release_rules.approvals.size(), 2u);
}

}  // namespace
}  // namespace dml
