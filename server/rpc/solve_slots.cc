#include "server/rpc/solve_slots.h"

namespace dml {

absl::StatusOr<SolveSlots::Slot> SolveSlots::Take(const std::string& principal) {
  absl::MutexLock lock(&mutex_);
  const auto own = taken_by_.find(principal);
  const int owned = own == taken_by_.end() ? 0 : own->second;
  const int share = slots_ - slots_ / 4;
  if (taken_ == slots_ || owned == share) {
    return WithRetryAfter(
        ResourceExhausted(ErrorReason("TOO_MANY_SEARCHES"),
                          "{} searches are under way, {} of them yours; at most {}, and {} of one "
                          "principal; try again shortly",
                          taken_, owned, slots_, share),
        std::chrono::seconds(1));
  }
  ++taken_;
  ++taken_by_[principal];
  return Slot(shared_from_this(), principal);
}

int SolveSlots::taken() const {
  absl::MutexLock lock(&mutex_);
  return taken_;
}

void SolveSlots::GiveBack(const std::string& principal) {
  absl::MutexLock lock(&mutex_);
  --taken_;
  const auto own = taken_by_.find(principal);
  if (--own->second == 0) taken_by_.erase(own);
}

}  // namespace dml
