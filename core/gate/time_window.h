// When something may happen: times of a week in a zone, and times that come once. Zones are IANA's,
// by the system's tzdata, whose version goes into what is decided by it. Pure but for reading that;
// any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "core/base/status.h"
#include "core/base/time.h"

namespace dml {

/// A time on a wall, without date: minutes after midnight, 0 to 1440 ("24:00").
using WallMinutes = int;

/// Monday is 0.
enum class Weekday { kMonday, kTuesday, kWednesday, kThursday, kFriday, kSaturday, kSunday };
std::string_view WeekdayName(Weekday day);  // "MONDAY", ...

/// Begins at `from` on each of the days and ends at `until`: on the same day, or where that is not
/// later, on the day after. By the wall, so that it is an hour shorter or longer in the night when
/// the clocks change. A wall time that is skipped then stands for the moment of the change; of one
/// that comes twice, the first begins a window and the second ends it.
struct WeeklyWindow {
  std::vector<Weekday> days;  // Ascending, distinct; at least one.
  WallMinutes from = 0;       // Below 1440.
  WallMinutes until = 0;      // Above 0.
  bool operator==(const WeeklyWindow&) const = default;
};

/// A span of time, its end not in it.
struct TimeSpan {
  Timestamp from;
  Timestamp until;
  auto operator<=>(const TimeSpan&) const = default;
};

/// A zone by its IANA name. A value.
class Zone {
 public:
  /// UTC.
  Zone() = default;
  /// INVALID_ARGUMENT (TIME_ZONE_UNKNOWN) where the system's tzdata has no such zone, or the name
  /// is more than a name ("../x", "/etc/localtime", "localtime").
  static absl::StatusOr<Zone> Load(std::string_view name);
  const std::string& name() const { return name_; }
  /// "2027-03-28 03:00:00 CEST (Europe/Berlin)"
  std::string Format(Timestamp time) const;
  const absl::TimeZone& get() const { return zone_; }
  bool operator==(const Zone& other) const { return name_ == other.name_; }

 private:
  std::string name_ = "UTC";
  absl::TimeZone zone_ = absl::UTCTimeZone();
};

/// The version of the system's tzdata, such as "2025b"; "unknown" where it does not say.
std::string TzdataVersion();

/// Reads "22:00", or "24:00"; nullopt for anything else.
std::optional<WallMinutes> ParseWallTime(std::string_view text);
std::string FormatWallTime(WallMinutes minutes);
/// Reads "2027-03-28T01:30:00" as a time on the zone's wall: one that is skipped stands for the
/// moment of the change, of one that comes twice the first is taken, or with `second` the second.
/// nullopt where it is no such text or no day of the calendar ("2027-02-29").
std::optional<Timestamp> ParseWallDateTime(std::string_view text, const Zone& zone, bool second);

/// The span of the window that `time` is in, or else the next one to begin; both within 15 days, as
/// every window comes once a week. Spans of one window that overlap or touch are one. nullopt only
/// where a window has no length (between two wall times that are both skipped) in all of them.
std::optional<TimeSpan> CurrentOrNextSpan(const WeeklyWindow& window, const Zone& zone,
                                          Timestamp time);

}  // namespace dml
