#include "core/gate/time_window.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                                   "FRIDAY", "SATURDAY", "SUNDAY"};
constexpr int kMinutesOfDay = 24 * 60;
constexpr int kDaysAhead = 15;
constexpr char kTzdata[] = "/usr/share/zoneinfo/tzdata.zi";

Timestamp FromAbsl(absl::Time time) { return FromMicros(absl::ToUnixMicros(time)); }
absl::Time ToAbsl(Timestamp time) { return absl::FromUnixMicros(ToMicros(time)); }

// The moment when the wall of a zone shows a time: see ParseWallDateTime. absl says of a skipped
// time when the clocks change (trans), and of a repeated one both moments (pre, post).
Timestamp AtWall(absl::CivilSecond wall, const Zone& zone, bool second) {
  const absl::TimeZone::TimeInfo info = zone.get().At(wall);
  switch (info.kind) {
    case absl::TimeZone::TimeInfo::SKIPPED:
      return FromAbsl(info.trans);
    case absl::TimeZone::TimeInfo::REPEATED:
      return FromAbsl(second ? info.post : info.pre);
    case absl::TimeZone::TimeInfo::UNIQUE:
      break;
  }
  return FromAbsl(info.pre);
}

absl::CivilSecond OnDay(absl::CivilDay day, WallMinutes minutes) {
  return absl::CivilSecond(absl::CivilMinute(day) + minutes);
}

bool IsDigits(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char f) { return f == '0' ? c >= '0' && c <= '9' : c == f; });
}

int NumberAt(std::string_view text, size_t at, size_t length) {
  int out = 0;
  for (const char c : text.substr(at, length)) out = out * 10 + (c - '0');
  return out;
}

// Only what names a zone of the data base: absl would open any file, and know the machine's own.
bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > 64 || name == "localtime") return false;
  if (!(name.front() >= 'A' && name.front() <= 'Z')) return false;
  return name.find("..") == name.npos && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

}  // namespace

std::string_view WeekdayName(Weekday day) { return kDays[static_cast<size_t>(day)]; }

absl::StatusOr<Zone> Zone::Load(std::string_view name) {
  Zone out;
  out.name_ = name;
  const bool is_utc = name == "UTC";
  if (!is_utc && (!IsZoneName(name) || !absl::LoadTimeZone(out.name_, &out.zone_))) {
    return InvalidArgument(ErrorReason("TIME_ZONE_UNKNOWN"),
                           "'{}' is no time zone of tzdata {}; write one such as Europe/Berlin",
                           Excerpt(name), TzdataVersion());
  }
  return out;
}

std::string Zone::Format(Timestamp time) const {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", ToAbsl(time), zone_) + " (" + name_ + ")";
}

std::string TzdataVersion() {
  constexpr std::string_view kPrefix = "# version ";
  std::ifstream file(kTzdata);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with(kPrefix)) return "unknown";
  return Excerpt(std::string_view(line).substr(kPrefix.size()), 16);
}

std::optional<WallMinutes> ParseWallTime(std::string_view text) {
  if (!IsDigits(text, "00:00")) return std::nullopt;
  const int hours = NumberAt(text, 0, 2);
  const int minutes = NumberAt(text, 3, 2);
  if (minutes > 59 || hours > 24 || (hours == 24 && minutes > 0)) return std::nullopt;
  return hours * 60 + minutes;
}

std::string FormatWallTime(WallMinutes minutes) {
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::optional<Timestamp> ParseWallDateTime(std::string_view text, const Zone& zone, bool second) {
  if (!IsDigits(text, "0000-00-00T00:00:00")) return std::nullopt;
  const int year = NumberAt(text, 0, 4);
  const int month = NumberAt(text, 5, 2);
  const int day = NumberAt(text, 8, 2);
  const int hour = NumberAt(text, 11, 2);
  const int minute = NumberAt(text, 14, 2);
  const int sec = NumberAt(text, 17, 2);
  const absl::CivilSecond wall(year, month, day, hour, minute, sec);
  // What is out of range is carried over, so that another time comes out.
  if (wall.year() != year || wall.month() != month || wall.day() != day || wall.hour() != hour ||
      wall.minute() != minute || wall.second() != sec) {
    return std::nullopt;
  }
  return AtWall(wall, zone, second);
}

std::optional<TimeSpan> CurrentOrNextSpan(const WeeklyWindow& window, const Zone& zone,
                                          Timestamp time) {
  const absl::CivilDay today = absl::ToCivilDay(ToAbsl(time), zone.get());
  const int last = window.until > window.from ? window.until : window.until + kMinutesOfDay;
  std::optional<TimeSpan> out;
  for (int ahead = -2; ahead <= kDaysAhead; ++ahead) {
    const absl::CivilDay day = today + ahead;
    const auto weekday = static_cast<Weekday>(absl::GetWeekday(day));
    if (!std::ranges::binary_search(window.days, weekday)) continue;
    const TimeSpan span = {AtWall(OnDay(day, window.from), zone, /*second=*/false),
                           AtWall(OnDay(day, last), zone, /*second=*/true)};
    if (span.until <= span.from) continue;
    if (out.has_value() && span.from <= out->until) {
      out->until = std::max(out->until, span.until);
    } else if (out.has_value() && time < out->until) {
      return out;
    } else {
      out = span;
    }
  }
  return out.has_value() && time < out->until ? out : std::nullopt;
}

}  // namespace dml
