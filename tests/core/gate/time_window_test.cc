#include "core/gate/time_window.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;
using enum Weekday;

Zone ZoneOf(std::string_view name) {
  auto zone = Zone::Load(name);
  EXPECT_TRUE(zone.ok()) << zone.status();
  return *zone;
}

Timestamp At(std::string_view text) { return *ParseTime(text); }

// "2027-03-27T21:00:00Z/2027-03-28T01:00:00Z", or "none".
std::string SpanOf(const WeeklyWindow& window, std::string_view zone, std::string_view time) {
  const auto span = CurrentOrNextSpan(window, ZoneOf(zone), At(time));
  return span.has_value() ? FormatTime(span->from) + "/" + FormatTime(span->until) : "none";
}

WeeklyWindow Window(std::vector<Weekday> days, std::string_view from, std::string_view until) {
  return {std::move(days), *ParseWallTime(from), *ParseWallTime(until)};
}

TEST(TimeWindowTest, StartIsInclusiveAndEndExclusive) {
  const WeeklyWindow window = Window({kSaturday}, "22:00", "23:00");
  const std::string first = "2027-01-02T22:00:00Z/2027-01-02T23:00:00Z";
  EXPECT_EQ(SpanOf(window, "UTC", "2027-01-02T21:59:59Z"), first);
  EXPECT_EQ(SpanOf(window, "UTC", "2027-01-02T22:00:00Z"), first);
  EXPECT_EQ(SpanOf(window, "UTC", "2027-01-02T22:59:59Z"), first);
  EXPECT_EQ(SpanOf(window, "UTC", "2027-01-02T23:00:00Z"),
            "2027-01-09T22:00:00Z/2027-01-09T23:00:00Z");
}

TEST(TimeWindowTest, GoesOnAfterMidnight) {
  const WeeklyWindow window = Window({kSaturday}, "22:00", "02:00");
  const std::string night = "2027-01-02T22:00:00Z/2027-01-03T02:00:00Z";
  EXPECT_EQ(SpanOf(window, "UTC", "2027-01-03T01:59:59Z"), night);
  EXPECT_EQ(SpanOf(Window({kSunday}, "22:00", "24:00"), "UTC", "2027-01-03T22:00:00Z"),
            "2027-01-03T22:00:00Z/2027-01-04T00:00:00Z");
  EXPECT_EQ(SpanOf(Window({kMonday}, "05:00", "05:00"), "UTC", "2027-01-04T06:00:00Z"),
            "2027-01-04T05:00:00Z/2027-01-05T05:00:00Z")
      << "a whole day";
}

TEST(TimeWindowTest, DaysThatTouchAreOneSpan) {
  EXPECT_EQ(SpanOf(Window({kSaturday, kSunday}, "00:00", "24:00"), "UTC", "2027-01-03T12:00:00Z"),
            "2027-01-02T00:00:00Z/2027-01-04T00:00:00Z");
}

// Berlin: 2027-03-28 02:00 CET becomes 03:00 CEST, 2027-10-31 03:00 CEST becomes 02:00 CET.
TEST(TimeWindowTest, TheNightInSpringIsAnHourShorter) {
  EXPECT_EQ(SpanOf(Window({kSaturday}, "22:00", "04:00"), "Europe/Berlin", "2027-03-27T12:00:00Z"),
            "2027-03-27T21:00:00Z/2027-03-28T02:00:00Z");
  // 02:30 does not come: the window begins, or ends, when the clocks change.
  EXPECT_EQ(SpanOf(Window({kSunday}, "02:30", "05:00"), "Europe/Berlin", "2027-03-27T12:00:00Z"),
            "2027-03-28T01:00:00Z/2027-03-28T03:00:00Z");
  EXPECT_EQ(SpanOf(Window({kSunday}, "00:30", "02:30"), "Europe/Berlin", "2027-03-27T12:00:00Z"),
            "2027-03-27T23:30:00Z/2027-03-28T01:00:00Z");
  // All of it does not come: the next one is a week later.
  EXPECT_EQ(SpanOf(Window({kSunday}, "02:10", "02:50"), "Europe/Berlin", "2027-03-27T12:00:00Z"),
            "2027-04-04T00:10:00Z/2027-04-04T00:50:00Z");
}

TEST(TimeWindowTest, TheNightInAutumnIsAnHourLonger) {
  EXPECT_EQ(SpanOf(Window({kSaturday}, "22:00", "04:00"), "Europe/Berlin", "2027-10-30T12:00:00Z"),
            "2027-10-30T20:00:00Z/2027-10-31T03:00:00Z");
  // 02:30 comes twice: the first begins a window, the second ends it.
  EXPECT_EQ(SpanOf(Window({kSunday}, "02:30", "05:00"), "Europe/Berlin", "2027-10-30T12:00:00Z"),
            "2027-10-31T00:30:00Z/2027-10-31T04:00:00Z");
  EXPECT_EQ(SpanOf(Window({kSunday}, "01:00", "02:30"), "Europe/Berlin", "2027-10-30T12:00:00Z"),
            "2027-10-30T23:00:00Z/2027-10-31T01:30:00Z");
}

TEST(TimeWindowTest, LeapDays) {
  // 2028-02-29 is a Tuesday.
  EXPECT_EQ(SpanOf(Window({kTuesday}, "10:00", "11:00"), "UTC", "2028-02-28T12:00:00Z"),
            "2028-02-29T10:00:00Z/2028-02-29T11:00:00Z");
  EXPECT_TRUE(ParseWallDateTime("2028-02-29T12:00:00", Zone(), false).has_value());
  EXPECT_FALSE(ParseWallDateTime("2027-02-29T12:00:00", Zone(), false).has_value());
  EXPECT_FALSE(ParseWallDateTime("2100-02-29T12:00:00", Zone(), false).has_value());
}

TEST(TimeWindowTest, TimesOnTheWall) {
  const Zone berlin = ZoneOf("Europe/Berlin");
  const auto read = [&](std::string_view text, bool second) {
    const auto time = ParseWallDateTime(text, berlin, second);
    return time.has_value() ? FormatTime(*time) : "none";
  };
  EXPECT_EQ(read("2027-01-01T12:00:00", false), "2027-01-01T11:00:00Z");
  EXPECT_EQ(read("2027-07-01T12:00:00", false), "2027-07-01T10:00:00Z");
  EXPECT_EQ(read("2027-03-28T02:30:00", false), "2027-03-28T01:00:00Z");
  EXPECT_EQ(read("2027-10-31T02:30:00", false), "2027-10-31T00:30:00Z");
  EXPECT_EQ(read("2027-10-31T02:30:00", true), "2027-10-31T01:30:00Z");
  for (const char* bad :
       {"", "2027-01-01", "2027-01-01T24:00:00", "2027-01-01T12:60:00", "2027-13-01T12:00:00",
        "2027-00-01T12:00:00", "2027-01-32T12:00:00", "2027-01-01T12:00:00Z", "2027-01-01 12:00:00",
        "2027-01-01T12:00:0x", "2027-01-01T12:00:60"}) {
    EXPECT_EQ(read(bad, false), "none") << bad;
  }
}

TEST(TimeWindowTest, WallTimes) {
  EXPECT_EQ(ParseWallTime("00:00"), 0);
  EXPECT_EQ(ParseWallTime("24:00"), 1440);
  EXPECT_EQ(FormatWallTime(*ParseWallTime("09:05")), "09:05");
  for (const char* bad : {"", "9:05", "09:60", "24:01", "25:00", "09:05:00", " 9:05", "-1:00"}) {
    EXPECT_FALSE(ParseWallTime(bad).has_value()) << bad;
  }
}

TEST(TimeWindowTest, ZonesAreNamesOfTheDataBase) {
  EXPECT_EQ(ZoneOf("America/New_York").name(), "America/New_York");
  EXPECT_THAT(ZoneOf("Europe/Berlin").Format(At("2027-07-01T10:00:00Z")),
              HasSubstr("2027-07-01 12:00:00 CEST (Europe/Berlin)"));
  for (const char* bad :
       {"", "Berlin", "Europe/Nowhere", "../etc/localtime", "/etc/localtime", "localtime",
        "Europe/../Europe/Berlin", "utc", "file:Europe/Berlin", "Europe/Berlin\n"}) {
    EXPECT_EQ(Reason(Zone::Load(bad).status()), "TIME_ZONE_UNKNOWN") << bad;
  }
  EXPECT_NE(TzdataVersion(), "unknown");
}

// Against a naive reader that asks of each quarter of an hour what the wall shows then.
TEST(TimeWindowTest, AgreesWithTheWall) {
  const uint32_t seed = 20'270'328;
  std::mt19937 random(seed);
  const char* const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                               "Asia/Kathmandu", "America/St_Johns"};
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  for (int round = 0; round < 200; ++round) {
    const Zone zone = ZoneOf(zones[below(5)]);
    // Hours that no clock change touches, so that the wall tells each moment once.
    WeeklyWindow window;
    window.days = {static_cast<Weekday>(below(7))};
    window.from = (8 + below(4)) * 60;
    window.until = window.from + 15 * (1 + below(20));
    const Timestamp begin = At("2027-01-01T00:00:00Z") + std::chrono::minutes(15 * below(35'000));
    Timestamp next = begin;
    const auto is_in = [&](Timestamp time) {
      const absl::CivilMinute wall =
          absl::ToCivilMinute(absl::FromUnixMicros(ToMicros(time)), zone.get());
      const int minutes = wall.hour() * 60 + wall.minute();
      return static_cast<int>(absl::GetWeekday(wall)) == static_cast<int>(window.days[0]) &&
             minutes >= window.from && minutes < window.until;
    };
    while (!is_in(next)) next += std::chrono::minutes(15);
    const auto span = CurrentOrNextSpan(window, zone, begin);
    ASSERT_TRUE(span.has_value()) << "seed " << seed << " round " << round;
    if (next == begin) {
      EXPECT_LE(span->from, begin) << "seed " << seed << " round " << round;
    } else {
      EXPECT_EQ(FormatTime(span->from), FormatTime(next)) << "seed " << seed << " round " << round;
    }
    EXPECT_TRUE(is_in(span->until - std::chrono::minutes(15))) << zone.name();
    EXPECT_FALSE(is_in(span->until)) << zone.name();
  }
}

}  // namespace
}  // namespace dml
