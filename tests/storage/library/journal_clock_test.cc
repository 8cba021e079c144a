#include "storage/library/journal_clock.h"

#include <gtest/gtest.h>

#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kStart = *ParseTime("2026-01-05T00:00:00Z");

class JournalClockTest : public ::testing::Test {
 protected:
  JournalClock Bounded() {
    return JournalClock([this] { return now_; }, days(30), [this] { return elapsed_; });
  }
  // Both clocks go on.
  void Pass(std::chrono::microseconds time) {
    now_ += time;
    elapsed_ += time;
  }

  Timestamp now_ = kStart;
  std::chrono::microseconds elapsed_ = hours(7);
};

TEST_F(JournalClockTest, TimeNeverDecreases) {
  const JournalClock clock = Bounded();
  EXPECT_EQ(*clock.After(kStart - hours(1)), kStart);
  now_ -= days(3);
  EXPECT_EQ(*clock.After(kStart), kStart);
}

TEST_F(JournalClockTest, AStepBeyondTheBoundIsRefused) {
  const JournalClock clock = Bounded();
  ASSERT_TRUE(clock.After(kStart).ok());
  now_ += days(30);
  EXPECT_EQ(*clock.After(kStart), now_);
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(Reason(clock.After(kStart).status()), "CLOCK_STEP_TOO_LARGE");
  now_ = kStart + hours(1);  // Set right.
  EXPECT_EQ(*clock.After(kStart), now_);
}

TEST_F(JournalClockTest, TimeThatPassesIsNoStep) {
  const JournalClock clock = Bounded();
  ASSERT_TRUE(clock.After(kStart).ok());
  Pass(days(400));
  EXPECT_EQ(*clock.After(kStart), now_) << "nothing was entered meanwhile";
  now_ += days(31);
  EXPECT_FALSE(clock.After(kStart).ok());
  // What is entered counts from then on.
  EXPECT_TRUE(clock.After(kStart + days(402)).ok());
}

TEST_F(JournalClockTest, WithoutABoundAnythingGoes) {
  const JournalClock clock([this] { return now_; });
  ASSERT_TRUE(clock.After(kStart).ok());
  now_ += days(100'000);
  EXPECT_EQ(*clock.After(kStart), now_);
}

TEST_F(JournalClockTest, AnOperatorsWordMustAgreeWithTheClockAndBeNeeded) {
  const JournalClock clock = Bounded();
  EXPECT_EQ(Reason(clock.Accepted(now_, kStart).status()), "CLOCK_IN_STEP");
  now_ += days(90);
  EXPECT_EQ(Reason(clock.Accepted(kStart, kStart).status()), "CLOCK_DISAGREES");
  EXPECT_EQ(Reason(clock.Accepted(now_ + minutes(5) + hours(1), kStart).status()),
            "CLOCK_DISAGREES");
  EXPECT_EQ(*clock.Accepted(now_ - minutes(5), kStart), now_);
}

// One wild clock must not end every lease.
TEST_F(JournalClockTest, AWildClockEntersNothingUntilAnOperatorSaysThatItIsRight) {
  LibraryOptions options;
  options.origin = "dml.test/library";
  options.clock = [this] { return now_; };
  options.max_clock_step = days(30);
  auto library = Library::Open(NewMemoryEngine(), testing::LogKey(), options);
  ASSERT_TRUE(library.ok()) << library.status();
  auto commit = [&](EntryPayload payload) {
    Command command;
    command.author = "pat";
    command.payload = std::move(payload);
    return (*library)->Commit(std::move(command));
  };
  ASSERT_TRUE(commit(NamespaceCreated{"acme", "", {}}).ok());
  now_ += days(20'000);
  EXPECT_EQ(Reason(commit(NamespaceCreated{"other", "", {}}).status()), "CLOCK_STEP_TOO_LARGE");
  EXPECT_EQ(Reason((*library)->TimeOf(*(*library)->Read()).status()), "CLOCK_STEP_TOO_LARGE")
      << "nor does a lease look as if it had ended";
  EXPECT_EQ(Reason(commit(ClockAccepted{kStart}).status()), "CLOCK_DISAGREES");
  now_ = kStart + days(45);
  const auto accepted = commit(ClockAccepted{now_ - minutes(1)});
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->time, now_);
  EXPECT_EQ(Reason(commit(ClockAccepted{now_}).status()), "CLOCK_IN_STEP");
  EXPECT_TRUE(commit(NamespaceCreated{"other", "", {}}).ok());
}

}  // namespace
}  // namespace dml
