// Who relies on what that nothing refers to yet.
//
// An upload is told "this chunk is here already" long before a manifest names the blob that it
// becomes part of. A lease keeps collection away from such a chunk or blob meanwhile. Leases are in
// memory only: after a start nothing is collected until every lease that an earlier process could
// have given has run out (FreeSince). Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "core/base/digest.h"
#include "core/base/time.h"

namespace dml {

class LeaseTable {
 public:
  using Clock = std::function<Timestamp()>;

  /// Where more than `limit` things are leased, everything is until the table empties: memory stays
  /// bounded, and collection waits.
  LeaseTable(Clock clock, std::chrono::seconds duration, size_t limit = 2'000'000);

  /// A lease from now on, or a longer one.
  void Take(const Digest& what);
  /// Whether the chunk or blob must stay. True for everything until the first leases of this
  /// process's lifetime can have run out.
  bool Held(const Digest& what) const;

  std::chrono::seconds duration() const { return duration_; }

 private:
  void DropExpired(Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock clock_;
  const std::chrono::seconds duration_;
  const size_t limit_;

  mutable absl::Mutex mutex_;
  Timestamp all_held_until_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Timestamp> until_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<Timestamp, Digest>> order_ ABSL_GUARDED_BY(mutex_);  // By time; one each.
};

}  // namespace dml
