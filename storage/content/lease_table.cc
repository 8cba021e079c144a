#include "storage/content/lease_table.h"

namespace dml {

LeaseTable::LeaseTable(Clock clock, std::chrono::seconds duration, size_t limit)
    : clock_(std::move(clock)),
      duration_(duration),
      limit_(limit),
      all_held_until_(clock_() + duration_) {}

void LeaseTable::Take(const Digest& what) {
  const Timestamp now = clock_();
  absl::MutexLock lock(&mutex_);
  auto free = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !removing_.contains(what); };
  mutex_.Await(absl::Condition(&free));
  DropExpired(now);
  const Timestamp until = now + duration_;
  auto [it, added] = until_.try_emplace(what, until);
  it->second = until;
  if (!added) return;
  if (until_.size() > limit_) {
    until_.clear();
    order_.clear();
    all_held_until_ = until;
    return;
  }
  order_.emplace_back(until, what);
}

bool LeaseTable::Held(const Digest& what) const {
  const Timestamp now = clock_();
  absl::MutexLock lock(&mutex_);
  return HeldLocked(what, now);
}

bool LeaseTable::HeldLocked(const Digest& what, Timestamp now) const {
  if (now < all_held_until_) return true;
  auto it = until_.find(what);
  return it != until_.end() && now < it->second;
}

Timestamp LeaseTable::AllHeldUntil() const {
  absl::MutexLock lock(&mutex_);
  return all_held_until_;
}

LeaseTable::Removal LeaseTable::Remove(std::span<const Digest> candidates) {
  const Timestamp now = clock_();
  absl::MutexLock lock(&mutex_);
  for (const Digest& what : candidates) {
    if (!HeldLocked(what, now)) removing_.insert(what);
  }
  return Removal(*this);
}

bool LeaseTable::IsBeingRemoved(const Digest& what) const {
  absl::MutexLock lock(&mutex_);
  return removing_.contains(what);
}

void LeaseTable::EndRemoval() {
  absl::MutexLock lock(&mutex_);
  removing_.clear();
}

void LeaseTable::DropExpired(Timestamp now) {
  while (!order_.empty() && order_.front().first <= now) {
    const Digest what = order_.front().second;
    order_.pop_front();
    auto it = until_.find(what);
    if (it == until_.end()) continue;
    if (it->second <= now) {
      until_.erase(it);
    } else {
      order_.emplace_back(it->second, what);  // Renewed meanwhile.
    }
  }
}

}  // namespace dml
