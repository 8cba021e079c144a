#include "core/gate/timing.h"

#include <random>

#include <gtest/gtest.h>

namespace dml {
namespace {

Timestamp At(std::string_view text) { return *ParseTime(text); }

TimingRule::Once Once(std::string_view from, std::string_view until, std::string reason = "") {
  return {{At(from), At(until)}, std::move(reason)};
}

std::string Next(const TimingRule& rule, std::string_view time) {
  const auto next = NextOpening(rule, At(time));
  return next.has_value() ? FormatTime(*next) : "never";
}

// Saturdays 22:00 to 02:00 UTC; 2027-01-02 is a Saturday.
TimingRule Saturdays() {
  TimingRule out;
  out.weekly = {{{Weekday::kSaturday}, 22 * 60, 2 * 60}};
  return out;
}

TEST(TimingTest, WithoutWindowsItIsOpen) {
  EXPECT_TRUE(IsOpen({}, At("2027-01-01T00:00:00Z")));
  EXPECT_EQ(OpenUntil({}, At("2027-01-01T00:00:00Z")), At("2027-01-01T00:00:00Z") + kTimingHorizon);
}

TEST(TimingTest, WindowsOpenAndClose) {
  const TimingRule rule = Saturdays();
  EXPECT_FALSE(IsOpen(rule, At("2027-01-02T21:59:59Z")));
  EXPECT_TRUE(IsOpen(rule, At("2027-01-02T22:00:00Z")));
  EXPECT_FALSE(IsOpen(rule, At("2027-01-03T02:00:00Z")));
  EXPECT_EQ(Next(rule, "2027-01-01T00:00:00Z"), "2027-01-02T22:00:00Z");
  EXPECT_EQ(Next(rule, "2027-01-02T23:00:00Z"), "2027-01-02T23:00:00Z") << "now";
  EXPECT_EQ(FormatTime(OpenUntil(rule, At("2027-01-02T23:00:00Z"))), "2027-01-03T02:00:00Z");
}

TEST(TimingTest, OneTimeWindowsComeBeside) {
  TimingRule rule = Saturdays();
  rule.once = {Once("2027-01-03T01:00:00Z", "2027-01-03T05:00:00Z")};
  EXPECT_TRUE(IsOpen(rule, At("2027-01-03T04:59:59Z")));
  EXPECT_EQ(FormatTime(OpenUntil(rule, At("2027-01-02T22:00:00Z"))), "2027-01-03T05:00:00Z");
  rule.weekly.clear();
  EXPECT_FALSE(IsOpen(rule, At("2027-01-02T22:00:00Z")));
  EXPECT_EQ(Next(rule, "2027-01-03T05:00:00Z"), "never") << "it came once";
}

TEST(TimingTest, AFreezeIsStronger) {
  TimingRule rule = Saturdays();
  rule.freezes = {Once("2027-01-02T23:00:00Z", "2027-01-03T01:00:00Z", "a"),
                  Once("2027-01-03T00:00:00Z", "2027-01-09T23:00:00Z", "b")};
  EXPECT_TRUE(IsOpen(rule, At("2027-01-02T22:59:59Z")));
  EXPECT_FALSE(IsOpen(rule, At("2027-01-02T23:00:00Z")));
  EXPECT_EQ(FormatTime(OpenUntil(rule, At("2027-01-02T22:00:00Z"))), "2027-01-02T23:00:00Z");
  EXPECT_EQ(FreezeAt(rule, At("2027-01-03T00:30:00Z"))->reason, "b") << "the one that ends last";
  EXPECT_EQ(FreezeAt(rule, At("2027-01-09T23:00:00Z")), nullptr);
  EXPECT_EQ(Next(rule, "2027-01-02T23:00:00Z"), "2027-01-09T23:00:00Z") << "within the window";
}

TEST(TimingTest, NeverIsToldWithinAYear) {
  TimingRule rule = Saturdays();
  rule.freezes = {Once("2027-01-01T00:00:00Z", "2029-01-01T00:00:00Z")};
  EXPECT_EQ(Next(rule, "2027-01-01T00:00:00Z"), "never");
  EXPECT_EQ(Next(rule, "2028-12-01T00:00:00Z"), "2029-01-06T22:00:00Z");
}

// Whatever the rule: the next opening is open, nothing is open before it, and it closes when told.
TEST(TimingTest, HoldsForAnyRule) {
  const uint32_t seed = 20'270'102;
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  const Timestamp start = At("2027-01-01T00:00:00Z");
  const auto hour = [&](int n) { return start + std::chrono::hours(n); };
  for (int round = 0; round < 300; ++round) {
    TimingRule rule;
    for (int i = below(3); i > 0; --i) {
      rule.weekly.push_back(
          {{static_cast<Weekday>(below(7))}, 60 * below(24), 60 * (1 + below(24))});
    }
    const auto once = [&] {
      const int from = below(600);
      return TimingRule::Once{{hour(from), hour(from + 1 + below(72))}, ""};
    };
    for (int i = below(3); i > 0; --i) rule.once.push_back(once());
    for (int i = below(4); i > 0; --i) rule.freezes.push_back(once());
    const int begin = below(400);
    const auto next = NextOpening(rule, hour(begin));
    for (int at = begin; at < begin + 200; ++at) {
      const bool open = IsOpen(rule, hour(at));
      if (!next.has_value() || hour(at) < *next) {
        ASSERT_FALSE(open) << "seed " << seed << " round " << round << " hour " << at;
      }
    }
    if (!next.has_value()) continue;
    ASSERT_TRUE(IsOpen(rule, *next)) << "seed " << seed << " round " << round;
    const Timestamp end = OpenUntil(rule, *next);
    ASSERT_GT(end, *next);
    for (Timestamp at = *next; at < end && at < *next + std::chrono::hours(300);
         at += std::chrono::hours(1)) {
      ASSERT_TRUE(IsOpen(rule, at)) << "seed " << seed << " round " << round;
    }
    if (end < *next + kTimingHorizon) {
      EXPECT_FALSE(IsOpen(rule, end)) << "seed " << seed << " round " << round;
    }
  }
}

}  // namespace
}  // namespace dml
