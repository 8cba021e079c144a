#include "core/base/time.h"

#include <algorithm>
#include <ctime>

#include <absl/time/time.h>
#include <fmt/chrono.h>

namespace dml {
namespace {

// Whether the text has the form; '0' in it stands for any digit.
bool HasForm(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char f) { return f == '0' ? c >= '0' && c <= '9' : c == f; });
}

}  // namespace

std::string FormatTime(Timestamp time) {
  // As seconds: fmt would make a time point into nanoseconds, which end in the year 2262.
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

// absl reads more than RFC 3339, so the form comes first.
std::optional<Timestamp> ParseTime(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (!HasForm(text.substr(0, kForm.size()), kForm)) return std::nullopt;
  std::string_view zone = text.substr(kForm.size());
  if (zone.starts_with('.')) {
    size_t end = std::min(zone.find_first_not_of("0123456789", 1), zone.size());
    if (end < 2 || end > 10) return std::nullopt;
    zone.remove_prefix(end);
  }
  if (zone != "Z" && !HasForm(zone, "+00:00") && !HasForm(zone, "-00:00")) return std::nullopt;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &error)) return std::nullopt;
  return FromMicros(absl::ToUnixMicros(time));
}

}  // namespace dml
