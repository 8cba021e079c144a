// When a timing rule lets releases go. Pure; any thread.
#pragma once

#include <optional>

#include "core/gate/release_rules.h"

namespace dml {

/// The freeze that a time is in, the one that ends last; null where it is in none. Borrowed.
const TimingRule::Once* FreezeAt(const TimingRule& rule, Timestamp time);

/// Whether releases may go at the time: in a window, if there are any, and in no freeze.
bool IsOpen(const TimingRule& rule, Timestamp time);

/// The first moment from `time` on when releases may go; nullopt where there is none in the next
/// `kTimingHorizon`.
inline constexpr std::chrono::hours kTimingHorizon{24 * 366};
std::optional<Timestamp> NextOpening(const TimingRule& rule, Timestamp time);

/// From a time when releases may go, the first moment when they may not; at most kTimingHorizon
/// later.
Timestamp OpenUntil(const TimingRule& rule, Timestamp time);

}  // namespace dml
