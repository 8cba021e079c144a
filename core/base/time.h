// Journal time: microseconds since 1970-01-01 UTC, assigned once by the committing writer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace dml {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

inline int64_t ToMicros(Timestamp time) { return time.time_since_epoch().count(); }
inline Timestamp FromMicros(int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

/// The wall clock, in microseconds.
inline Timestamp WallClockNow() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// RFC 3339 in UTC with seconds: "2026-03-01T12:00:00Z".
std::string FormatTime(Timestamp time);

/// Reads an RFC 3339 date-time with upper-case letters and at most nine digits of a second, of
/// which microseconds are kept. nullopt for any other text.
std::optional<Timestamp> ParseTime(std::string_view text);

}  // namespace dml
