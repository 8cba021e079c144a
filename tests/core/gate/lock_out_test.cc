#include "core/gate/lock_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> LockOuts(std::string_view families, LockOutFacts facts = {},
                                  std::string_view environment = "production") {
  if (facts.time == Timestamp()) facts.time = *ParseTime("2027-01-01T00:00:00Z");
  const auto policy = ParsePolicy(
      "schema: dml.policy/v1\ncontent: {allowedNamespaces: [\"*\"]}\nsignatures: {threshold: 2}\n"
      "licenses: {}\n" +
      std::string(families));
  EXPECT_TRUE(policy.ok()) << policy.status();
  std::vector<std::string> out;
  if (!policy.ok()) return out;
  for (const Finding& finding : FindLockOuts(*policy, environment, facts)) {
    EXPECT_EQ(finding.severity, Severity::kError);
    out.push_back(finding.rule + " " + finding.subject);
  }
  return out;
}

TEST(LockOutTest, PersonsWhoAreNotThere) {
  EXPECT_THAT(LockOuts("", {.approvers = 1, .publishers = 2}), IsEmpty());
  EXPECT_THAT(
      LockOuts("", {.approvers = 0, .publishers = 1}),
      ElementsAre("lock-out.approvers approvals", "lock-out.publishers signatures.threshold"));
  EXPECT_THAT(LockOuts("approvals: [{approvers: 2}]\n", {.approvers = 1}),
              ElementsAre("lock-out.approvers approvals[0].approvers"));
  EXPECT_THAT(LockOuts("approvals: [{approvers: 16}]\n"), IsEmpty()) << "nobody knows";
}

TEST(LockOutTest, NoItemAndNoTime) {
  EXPECT_THAT(LockOuts("size: [{types: [MAJOR], items: 0}]\n"),
              ElementsAre("lock-out.size size[0].items"));
  EXPECT_THAT(LockOuts("size: [{items: 1, changes: 0}]\n"), IsEmpty());
  const std::string past =
      "timing: [{zone: UTC, once: [{from: \"2026-01-01T00:00:00\", until: "
      "\"2027-01-01T00:00:00\"}]}]\n";
  EXPECT_THAT(LockOuts(past), ElementsAre("lock-out.timing timing[0]"));
  EXPECT_THAT(LockOuts(past, {.time = *ParseTime("2026-12-31T23:59:59Z")}), IsEmpty());
  EXPECT_THAT(LockOuts("timing: [{zone: UTC, freezes: [{from: \"2026-01-01T00:00:00\", until: "
                       "\"2030-01-01T00:00:00\"}]}]\n"),
              ElementsAre("lock-out.timing timing[0]"));
}

TEST(LockOutTest, BeforeItself) {
  EXPECT_THAT(LockOuts("scope: [{after: {environment: staging}}]\n"), IsEmpty());
  EXPECT_THAT(LockOuts("scope: [{after: {environment: production}}]\n"),
              ElementsAre("lock-out.order scope[0].after"));
  EXPECT_THAT(LockOuts("scope: [{after: {environment: production/eu}}]\n"),
              ElementsAre("lock-out.order scope[0].after"));
  EXPECT_THAT(
      LockOuts("scope: [{environment: production/us, after: {environment: production/eu}}]\n"),
      IsEmpty());
}

TEST(LockOutTest, RulesOfOtherPlacesAreNotItsOwn) {
  EXPECT_THAT(LockOuts("size: [{environment: staging, items: 0}]\n"), IsEmpty());
  EXPECT_THAT(LockOuts("size: [{environment: production/eu, items: 0}]\n"),
              ElementsAre("lock-out.size size[0].items"));
  EXPECT_THAT(LockOuts("size: [{environment: production, items: 0}]\n", {}, "production/eu"),
              ElementsAre("lock-out.size size[0].items"));
}

}  // namespace
}  // namespace dml
