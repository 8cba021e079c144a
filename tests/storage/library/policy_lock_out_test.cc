// Policies by which nothing could go anywhere any more.
#include "storage/library/policy_lock_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using testing::TestLibrary;

class PolicyLockOutTest : public ::testing::Test {
 protected:
  Policy Read(std::string_view rest, int threshold = 1) {
    const auto policy = ParsePolicy(fmt::format(
        "schema: dml.policy/v1\ncontent: {{allowedNamespaces: [acme]}}\nsignatures: {{threshold: "
        "{}}}\nlicenses: {{allow: [MIT]}}\n{}",
        threshold, rest));
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.value_or(Policy());
  }
  std::string Check(const Policy& policy, std::string_view force_reason = "") {
    last_ = RequireNoLockOut(*library_->Read(), library_.Domain().get(), policy, "production",
                             *ParseTime("2026-06-01T00:00:00Z"), force_reason);
    return Reason(last_);
  }
  void Name(const char* person, const char* role) {
    keys_.push_back(PrivateKey::Generate(KeyAlgorithm::kEd25519));
    library_.Register(keys_.back(), person, role, "*");
  }

  TestLibrary library_;
  std::vector<PrivateKey> keys_;
  absl::Status last_;
};

TEST_F(PolicyLockOutTest, MoreApproversThanThereAre) {
  // The first root's holder has every role of a person.
  const Policy two = Read("approvals: [{approvers: 2}]\n");
  EXPECT_EQ(Check(two), "POLICY_LOCKS_OUT");
  EXPECT_THAT(std::string(last_.message()), HasSubstr("2 approvers are needed"));
  Name("admin", "approver");
  EXPECT_EQ(Check(two), "POLICY_LOCKS_OUT") << "two keys of one person";
  Name("amy", "approver");
  EXPECT_EQ(Check(two), "");
}

TEST_F(PolicyLockOutTest, MorePublishersThanThereAre) {
  EXPECT_EQ(Check(Read("", 2)), "");
  EXPECT_EQ(Check(Read("", 3)), "POLICY_LOCKS_OUT") << "pat and the root's holder";
  Name("paula", "publisher");
  EXPECT_EQ(Check(Read("", 3)), "");
}

TEST_F(PolicyLockOutTest, NoTimeNoItemNoOrder) {
  EXPECT_EQ(Check(Read("size: [{items: 0}]\n")), "POLICY_LOCKS_OUT");
  EXPECT_EQ(Check(Read("scope: [{after: {environment: production}}]\n")), "POLICY_LOCKS_OUT");
  const Policy frozen = Read(
      "timing: [{zone: UTC, freezes: [{from: \"2026-01-01T00:00:00\", until: "
      "\"2028-01-01T00:00:00\"}]}]\n");
  EXPECT_EQ(Check(frozen), "POLICY_LOCKS_OUT");
  EXPECT_EQ(Check(frozen, "all is to stand still"), "") << "on purpose";
}

TEST_F(PolicyLockOutTest, OfARoleThatNobodyHoldsNothingIsSaid) {
  const Policy three = Read("approvals: [{approvers: 3}]\n", 3);
  EXPECT_EQ(Check(three), "POLICY_LOCKS_OUT");
  EXPECT_TRUE(RequireNoLockOut(*library_->Read(), nullptr, three, "production",
                               *ParseTime("2026-06-01T00:00:00Z"), "")
                  .ok())
      << "no root was set: any policy would be refused";
}

TEST_F(PolicyLockOutTest, TheReasonIsKeptInTheJournal) {
  ASSERT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
  const std::string document = "policy";
  const PolicySet set{"production", {Sha256(document), document.size()}, "", {}, "stand still"};
  ASSERT_TRUE(library_.Commit(set, {document}).ok());
  EXPECT_THAT(EntrySummary(set), HasSubstr("though it locks everyone out: stand still"));
  PolicySet long_winded = set;
  long_winded.force_reason = std::string(2000, 'x');
  long_winded.replaces_etag = "x";
  EXPECT_FALSE(library_.Commit(long_winded).ok());
}

}  // namespace
}  // namespace dml
