#include "server/runtime/file_watch.h"

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(FileWatchTest, LooksAgainAndAgain) {
  int looks = 0;
  absl::Notification third;
  {
    FileWatch watch(std::chrono::milliseconds(1), [&] {
      if (++looks == 3) third.Notify();
    });
    third.WaitForNotification();
  }
  EXPECT_GE(looks, 3);
}

TEST(FileWatchTest, LooksWhenAskedTo) {
  int looks = 0;
  absl::Notification first;
  absl::Notification second;
  {
    FileWatch watch(std::chrono::hours(1), [&] {
      ++looks;
      if (looks == 1) first.Notify();
      if (looks == 2) second.Notify();
    });
    watch.LookNow();
    first.WaitForNotification();
    watch.LookNow();
    second.WaitForNotification();
  }
  EXPECT_EQ(looks, 2);
}

TEST(FileWatchTest, EndsWithoutLooking) {
  int looks = 0;
  {
    FileWatch watch(std::chrono::hours(1), [&] { ++looks; });
  }
  EXPECT_EQ(looks, 0);
}

}  // namespace
}  // namespace dml
