#include "core/license/lease.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

using std::chrono::microseconds;

TEST(LeaseTest, IdsHaveOneWriting) {
  EXPECT_EQ(LeaseId("r", 0), "r/0");
  EXPECT_EQ(SplitLeaseId("r/12"), (std::pair<std::string, uint64_t>("r", 12)));
  EXPECT_EQ(SplitLeaseId("a/b/0"), (std::pair<std::string, uint64_t>("a/b", 0)));
  for (const char* text :
       {"", "r", "r/", "/1", "r/07", "r/+1", "r/-1", "r/1 ", "r/x", "r/18446744073709551616"}) {
    EXPECT_EQ(SplitLeaseId(text), std::nullopt) << text;
  }
}

TEST(LeaseTest, EndsByTimeAloneAtItsEnd) {
  Lease lease;
  lease.state = LeaseState::kActive;
  lease.end = Timestamp(microseconds(10));
  EXPECT_EQ(lease.AsOf(Timestamp(microseconds(9))), lease);
  const Lease ended = lease.AsOf(Timestamp(microseconds(10)));
  EXPECT_EQ(ended.state, LeaseState::kEnded);
  EXPECT_EQ(ended.ended_by, LeaseEnd::kExpired);
  EXPECT_EQ(ended.end, lease.end);
  lease.state = LeaseState::kEnded;
  lease.ended_by = LeaseEnd::kReleased;
  EXPECT_EQ(lease.AsOf(Timestamp(microseconds(11))), lease) << "what ended stays as it ended";
}

TEST(LeaseTest, IsForgottenADayAfterItsEnd) {
  Lease lease;
  lease.end = Timestamp(microseconds(10));
  EXPECT_FALSE(lease.ForgottenAt(lease.end + kLeaseMemory - microseconds(1)));
  EXPECT_TRUE(lease.ForgottenAt(lease.end + kLeaseMemory));
}

}  // namespace
}  // namespace dml
