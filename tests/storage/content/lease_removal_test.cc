#include <thread>

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "storage/content/lease_table.h"

namespace dml {
namespace {

class LeaseRemovalTest : public ::testing::Test {
 protected:
  LeaseRemovalTest() { now_ += std::chrono::hours(1); }

  Timestamp now_ = FromMicros(1767225600000000);
  LeaseTable leases_{[this] { return now_; }, std::chrono::hours(1)};
  const Digest free_ = Sha256("free");
  const Digest held_ = Sha256("held");
};

TEST_F(LeaseRemovalTest, OnlyWhatIsNotHeldMayBeRemoved) {
  leases_.Take(held_);
  const Digest both[] = {free_, held_};
  const LeaseTable::Removal removal = leases_.Remove(both);
  EXPECT_TRUE(removal.Has(free_));
  EXPECT_FALSE(removal.Has(held_));
  EXPECT_FALSE(removal.Has(Sha256("not asked for")));
  leases_.Take(held_);  // Does not wait.
}

TEST_F(LeaseRemovalTest, NothingMayBeRemovedWhileAllIsHeld) {
  LeaseTable fresh([this] { return now_; }, std::chrono::hours(1));
  EXPECT_EQ(fresh.AllHeldUntil(), now_ + std::chrono::hours(1));
  EXPECT_FALSE(fresh.Remove(std::span(&free_, 1)).Has(free_));
  now_ += std::chrono::hours(1);
  EXPECT_TRUE(fresh.Remove(std::span(&free_, 1)).Has(free_));
}

TEST_F(LeaseRemovalTest, WhoTakesALeaseSeesTheEndOfTheRemoval) {
  bool there = true;
  bool seen = true;
  absl::Notification begun;
  std::thread looker;
  {
    const LeaseTable::Removal removal = leases_.Remove(std::span(&free_, 1));
    ASSERT_TRUE(removal.Has(free_));
    looker = std::thread([&] {
      begun.Notify();
      leases_.Take(free_);
      seen = there;
    });
    begun.WaitForNotification();
    there = false;
  }
  looker.join();
  EXPECT_FALSE(seen);
  EXPECT_TRUE(leases_.Held(free_));
}

}  // namespace
}  // namespace dml
