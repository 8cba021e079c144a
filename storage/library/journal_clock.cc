#include "storage/library/journal_clock.h"

#include <algorithm>

namespace dml {

JournalClock::JournalClock(Now now, std::chrono::seconds max_step, Elapsed elapsed)
    : now_(std::move(now)), max_step_(max_step), elapsed_(std::move(elapsed)) {}

std::chrono::microseconds JournalClock::SteadyElapsed() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

absl::StatusOr<Timestamp> JournalClock::After(Timestamp last) const {
  const Timestamp now = now_();
  if (max_step_.count() == 0) return std::max(now, last);
  absl::MutexLock lock(&mutex_);
  if (last > newest_) {
    newest_ = last;
    newest_at_ = elapsed_();
  }
  const Timestamp latest = newest_ + (elapsed_() - newest_at_) + max_step_;
  if (now <= latest) return std::max(now, last);
  return FailedPrecondition(
      ErrorReason("CLOCK_STEP_TOO_LARGE"),
      "the clock of the library says {}, and the last entry is of {}: nothing is entered, as "
      "leases "
      "would end by a clock that is wrong; set it right, or if it is right and the library stood "
      "still, say so with dml admin accept-clock",
      FormatTime(now), FormatTime(newest_));
}

absl::StatusOr<Timestamp> JournalClock::Accepted(Timestamp said, Timestamp last) const {
  const Timestamp now = now_();
  if (std::chrono::abs(now - said) > kAgreement) {
    return FailedPrecondition(ErrorReason("CLOCK_DISAGREES"),
                              "you say that it is {}, and the clock of the library says {}: set "
                              "the one right that is wrong",
                              FormatTime(said), FormatTime(now));
  }
  if (After(last).ok()) {
    return FailedPrecondition(ErrorReason("CLOCK_IN_STEP"),
                              "the clock is not ahead of the journal: nothing is to be accepted");
  }
  return std::max(now, last);
}

}  // namespace dml
