// Who counts as having approved a release, and who may set findings aside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/evaluate_release.h"
#include "tests/core/release/release_builder.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using testing::Install;
using testing::ReleaseOf;

class ApprovalsTest : public ::testing::Test {
 protected:
  ApprovalsTest() {
    in_.release = &release_;
    in_.environment = "production";
    in_.rules = &rules_;
    in_.time = *ParseTime("2027-01-02T12:00:00Z");
    rules_.approvals = {{{}, {.approvers = 2}}};
  }

  ApprovalFact& Approve(const std::string& person) {
    in_.approvals.push_back({person, Sha256("key of " + person),
                             EvaluateRelease(in_).approved_findings, in_.time - hours(1),
                             in_.time + hours(100)});
    return in_.approvals.back();
  }
  bool IsAllowed() const { return EvaluateRelease(in_).decision == Decision::kAllow; }
  std::string Messages(std::string_view rule) const {
    std::string out;
    for (const Finding& finding : EvaluateRelease(in_).findings) {
      if (finding.rule == rule) out += finding.message + "\n";
    }
    return out;
  }
  void ExpectNotCounted(const std::string& why) const {
    EXPECT_FALSE(IsAllowed());
    EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 1 of the 2 persons"));
    EXPECT_THAT(Messages("approval.not-counted"), HasSubstr(why));
  }

  Release release_ = ReleaseOf({Install("acme/api@1.0.0")});
  ReleaseRules rules_;
  ReleaseInput in_;
};

TEST_F(ApprovalsTest, AsManyPersonsAsMustBe) {
  EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 0 of the 2 persons"));
  Approve("amy");
  EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 1 of the 2 persons"));
  Approve("abe");
  EXPECT_TRUE(IsAllowed());
}

// attack: a policy that needs fewer than the trust root does.
TEST_F(ApprovalsTest, TheTrustRootsThresholdHoldsWhateverThePolicySays) {
  rules_.approvals = {{{}, {.approvers = 1}}};
  Approve("amy");
  EXPECT_TRUE(IsAllowed());
  const auto key = [](const char* person) { return Sha256(std::string("key of ") + person); };
  in_.approver_groups = {{2, {key("amy"), key("abe"), key("ann")}}};
  EXPECT_FALSE(IsAllowed());
  EXPECT_EQ(Messages("approval.threshold"),
            "the trust root demands 2 approvers for production, and 1 have approved it\n");
  Approve("zoe");
  EXPECT_FALSE(IsAllowed()) << "who is not of them does not count";
  in_.approver_groups.push_back({1, {key("zoe")}});
  EXPECT_TRUE(IsAllowed()) << "a delegation lets zoe alone";
  in_.approver_groups.pop_back();
  Approve("abe");
  EXPECT_TRUE(IsAllowed());
}

TEST_F(ApprovalsTest, OnePersonCountsOnce) {
  Approve("amy");
  Approve("amy").key = Sha256("another key");
  EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 1 of the 2 persons"));
}

TEST_F(ApprovalsTest, TwoPersonsWithOneKeyAreOne) {
  Approve("amy");
  const Digest key = in_.approvals[0].key;
  Approve("abe").key = key;
  EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 1 of the 2 persons"));
}

TEST_F(ApprovalsTest, WithoutARuleThereIsStillSomebody) {
  rules_.approvals.clear();
  EXPECT_FALSE(IsAllowed());
  Approve("amy");
  EXPECT_TRUE(IsAllowed());
}

TEST_F(ApprovalsTest, NobodyApprovesTheirOwn) {
  Approve("abe");
  Approve("amy");
  ASSERT_TRUE(IsAllowed());
  in_.publishers = {"amy"};
  ExpectNotCounted("whoever published an item");
  in_.publishers.clear();
  in_.publisher_keys = {Sha256("key of amy")};
  ExpectNotCounted("whoever published an item");
  in_.publisher_keys.clear();
  in_.testers = {"amy"};
  ExpectNotCounted("whoever tested");
  in_.testers.clear();
  in_.deployer = "amy";
  ExpectNotCounted("whoever deploys");
  rules_.approvals[0].rule.separate_deployers = false;
  EXPECT_TRUE(IsAllowed()) << "as the policy has it";
}

TEST_F(ApprovalsTest, ExpiresByItsOwnWordAndByThePolicy) {
  Approve("abe");
  ApprovalFact& amy = Approve("amy");
  amy.expires = in_.time;
  ExpectNotCounted("it expired on 2027-01-02T12:00:00Z");
  amy.expires = in_.time + hours(1000);
  amy.given = in_.time - hours(720);
  ExpectNotCounted("it expired on 2027-01-02T12:00:00Z");
  amy.given = in_.time - hours(719);
  EXPECT_TRUE(IsAllowed());
  amy.given = in_.time + hours(1);
  ExpectNotCounted("in the future");
}

// attack: an approval that was given before something was found.
TEST_F(ApprovalsTest, BindsTheFindingsThatWereSeen) {
  in_.set = {{"license.waived", Severity::kWarning, "packages/x", "waived", ""}};
  Approve("abe");
  Approve("amy");
  ASSERT_TRUE(IsAllowed());
  in_.set[0].message = "waived for another reason";
  EXPECT_THAT(Messages("approval.missing"), HasSubstr("approved by 0 of the 2 persons"));
  EXPECT_THAT(Messages("approval.not-counted"), HasSubstr("for other findings than there are now"));
}

TEST_F(ApprovalsTest, GivenOutsideTheWindowItHoldsInside) {
  TimingRule rule;
  rule.weekly = {{{Weekday::kSaturday}, 20 * 60, 22 * 60}};
  rules_.timing = {{{}, rule}};
  Approve("abe");
  Approve("amy");
  EXPECT_FALSE(IsAllowed()) << "it is noon";
  in_.time += hours(8);
  EXPECT_TRUE(IsAllowed());
}

TEST(FindingsOfPassingTest, AreWhatWaitingOrApprovingChanges) {
  for (const char* rule :
       {"approval.missing", "approval.not-counted", "timing.closed", "timing.freeze",
        "frequency.too-soon", "scope.order", "scope.rollouts", "override.used"}) {
    EXPECT_TRUE(IsOfPassing(rule)) << rule;
  }
  for (const char* rule :
       {"scope.package", "scope.unauthorized", "risk.too-high", "size.items", "license.denied",
        "content.withdrawn", "vulnerability.severe", "timing"}) {
    EXPECT_FALSE(IsOfPassing(rule)) << rule;
  }
}

class OverridesTest : public ApprovalsTest {
 protected:
  OverridesTest() {
    Approve("abe");
    Approve("amy");
    rules_.size = {{{}, {.items = 0}}};
    in_.approvals.clear();
    Approve("abe");
    Approve("amy");
    rules_.override_rules = {{{}, {.rules = {"size.*"}, .approvers = 1, .longest = hours(8)}}};
    in_.overrides = {{"17",
                      {"size.items"},
                      "rob",
                      {"rita"},
                      "the payment service is down",
                      in_.time - hours(1),
                      in_.time + hours(1)}};
  }
  void ExpectNotOverridden(const std::string& why) const {
    EXPECT_FALSE(IsAllowed());
    EXPECT_THAT(Messages("override.not-counted"), HasSubstr(why));
  }
};

TEST_F(OverridesTest, SetsFindingsAsideForAReasonAndATime) {
  EXPECT_TRUE(IsAllowed());
  EXPECT_THAT(Messages("override.used"),
              HasSubstr("on behalf of rob: the payment service is down"));
  EXPECT_THAT(Messages("size.items"), HasSubstr("overridden by 17"));
  in_.time += hours(1);
  ExpectNotOverridden("it expired on");
  in_.time -= hours(3);
  ExpectNotOverridden("in the future");
}

TEST_F(OverridesTest, NeedsOthersAReasonAndThePolicy) {
  OverrideFact& fact = in_.overrides[0];
  fact.approvers = {"rob"};
  ExpectNotOverridden("0 of 1 other persons agree");
  fact.approvers = {""};
  ExpectNotOverridden("0 of 1 other persons agree");
  fact.approvers = {"rita"};
  fact.reason = "";
  ExpectNotOverridden("it gives no reason");
  fact.reason = "x";
  fact.requester = "";
  ExpectNotOverridden("nobody asks for it");
  fact.requester = "rob";
  fact.given = in_.time - hours(8);
  ExpectNotOverridden("it is for longer than 8 h");
  fact.given = in_.time - hours(7);
  EXPECT_TRUE(IsAllowed());
  rules_.override_rules.clear();
  ExpectNotOverridden("lets nobody override anything");
}

TEST_F(OverridesTest, ReachesNoFurtherThanBothSay) {
  in_.overrides[0].rules = {"timing.*"};
  EXPECT_FALSE(IsAllowed());
  EXPECT_EQ(Messages("override.used"), "") << "nothing was overridden";
  in_.overrides[0].rules = {"*"};
  EXPECT_TRUE(IsAllowed());
  rules_.override_rules[0].rule.rules = {"timing.*"};
  EXPECT_FALSE(IsAllowed());
  // attack: a policy value that no document can have.
  rules_.override_rules[0].rule.rules = {"*"};
  EXPECT_TRUE(IsAllowed());
  in_.state = ReleaseState::kWithdrawn;
  EXPECT_FALSE(IsAllowed()) << "what keeps the library honest is never overridden";
}

}  // namespace
}  // namespace dml
