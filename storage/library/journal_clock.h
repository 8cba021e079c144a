// The time of entries, and how far it may step forward.
//
// Leases end and documents expire by the journal's time, so that one wild clock would end all of
// them, for ever: an entry's time is never taken back. A step that is larger than a bound needs
// somebody who says that the clock is right (ClockAccepted). Time that passes while the library
// lives is no step, however long nothing is entered.
#pragma once

#include <chrono>
#include <functional>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/base/status.h"
#include "core/base/time.h"

namespace dml {

/// Thread-safe.
class JournalClock {
 public:
  using Now = std::function<Timestamp()>;
  /// Time since some moment, by a clock that nobody sets.
  using Elapsed = std::function<std::chrono::microseconds()>;

  /// How far an operator's word may be from the clock.
  static constexpr std::chrono::minutes kAgreement{5};

  /// `max_step` 0: any.
  explicit JournalClock(Now now, std::chrono::seconds max_step = std::chrono::seconds(0),
                        Elapsed elapsed = SteadyElapsed);

  /// Of an entry after one of `last`; never before that. FAILED_PRECONDITION
  /// (CLOCK_STEP_TOO_LARGE) where the clock is further ahead than the bound allows.
  absl::StatusOr<Timestamp> After(Timestamp last) const;

  /// Of the entry in which an operator says that it is `said` now. FAILED_PRECONDITION:
  /// CLOCK_DISAGREES where the clock says otherwise, CLOCK_IN_STEP where After has no objection.
  absl::StatusOr<Timestamp> Accepted(Timestamp said, Timestamp last) const;

  static std::chrono::microseconds SteadyElapsed();

 private:
  const Now now_;
  const std::chrono::seconds max_step_;
  const Elapsed elapsed_;

  mutable absl::Mutex mutex_;
  mutable Timestamp newest_ ABSL_GUARDED_BY(mutex_){};                     // The latest `last`,
  mutable std::chrono::microseconds newest_at_ ABSL_GUARDED_BY(mutex_){};  // and when it was seen.
};

}  // namespace dml
