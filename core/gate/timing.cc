#include "core/gate/timing.h"

#include <algorithm>

namespace dml {
namespace {

bool Holds(const TimeSpan& span, Timestamp time) { return span.from <= time && time < span.until; }

bool HasWindows(const TimingRule& rule) { return !rule.weekly.empty() || !rule.once.empty(); }

// The window that a time is in and that ends last, freezes left aside; nullopt where it is in none.
std::optional<TimeSpan> WindowAt(const TimingRule& rule, Timestamp time) {
  std::optional<TimeSpan> out;
  const auto offer = [&](const TimeSpan& span) {
    if (Holds(span, time) && (!out.has_value() || span.until > out->until)) out = span;
  };
  for (const TimingRule::Once& once : rule.once) offer(once.span);
  for (const WeeklyWindow& weekly : rule.weekly) {
    if (const auto span = CurrentOrNextSpan(weekly, rule.zone, time)) offer(*span);
  }
  return out;
}

// When the next window after `time`, in which none is open, begins.
std::optional<Timestamp> NextWindow(const TimingRule& rule, Timestamp time) {
  std::optional<Timestamp> out;
  const auto offer = [&](Timestamp from) {
    if (from > time && (!out.has_value() || from < *out)) out = from;
  };
  for (const TimingRule::Once& once : rule.once) offer(once.span.from);
  for (const WeeklyWindow& weekly : rule.weekly) {
    if (const auto span = CurrentOrNextSpan(weekly, rule.zone, time)) offer(span->from);
  }
  return out;
}

}  // namespace

const TimingRule::Once* FreezeAt(const TimingRule& rule, Timestamp time) {
  const TimingRule::Once* out = nullptr;
  for (const TimingRule::Once& freeze : rule.freezes) {
    if (!Holds(freeze.span, time)) continue;
    if (out == nullptr || freeze.span.until > out->span.until) out = &freeze;
  }
  return out;
}

bool IsOpen(const TimingRule& rule, Timestamp time) {
  if (FreezeAt(rule, time) != nullptr) return false;
  return !HasWindows(rule) || WindowAt(rule, time).has_value();
}

// Each round goes to where a freeze ends or a window begins, so that it comes to an end.
std::optional<Timestamp> NextOpening(const TimingRule& rule, Timestamp time) {
  const Timestamp last = time + kTimingHorizon;
  while (time <= last) {
    if (const TimingRule::Once* freeze = FreezeAt(rule, time); freeze != nullptr) {
      time = freeze->span.until;
      continue;
    }
    if (IsOpen(rule, time)) return time;
    const std::optional<Timestamp> next = NextWindow(rule, time);
    if (!next.has_value()) return std::nullopt;
    time = *next;
  }
  return std::nullopt;
}

Timestamp OpenUntil(const TimingRule& rule, Timestamp time) {
  const Timestamp last = time + kTimingHorizon;
  Timestamp end = last;
  for (const TimingRule::Once& freeze : rule.freezes) {
    if (freeze.span.from > time) end = std::min(end, freeze.span.from);
  }
  if (!HasWindows(rule)) return end;
  // One window may end within another.
  Timestamp open = time;
  while (open < end) {
    const std::optional<TimeSpan> window = WindowAt(rule, open);
    if (!window.has_value()) return open;
    open = window->until;
  }
  return end;
}

}  // namespace dml
