// Who relies on what that nothing refers to yet.
//
// An upload is told "this chunk is here already" long before a manifest names the blob that it
// becomes part of. A lease keeps collection away from such a chunk or blob meanwhile. Leases are in
// memory only: after a start nothing is collected until every lease that an earlier process could
// have given has run out (AllHeldUntil). Thread-safe.
//
// Who relies on something takes the lease first and looks whether it is there then. Who removes
// something does so within a Removal: a Take of it waits until that is over, so that whoever looks
// afterwards sees the outcome. Either the lease comes first, and it stays, or the removal, and it
// is seen to be gone.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
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

  /// A lease from now on, or a longer one. Waits for a removal of it.
  void Take(const Digest& what);
  /// Whether the chunk or blob must stay. True for everything until the first leases of this
  /// process's lifetime can have run out.
  bool Held(const Digest& what) const;

  /// Until then everything is held.
  Timestamp AllHeldUntil() const;

  /// The removal of some things; ends when it is destroyed. Must not outlive the table.
  class Removal {
   public:
    explicit Removal(LeaseTable& table) : table_(table) {}
    ~Removal() { table_.EndRemoval(); }
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;

    /// Whether this one may be removed: the others are held.
    bool Has(const Digest& what) const { return table_.IsBeingRemoved(what); }

   private:
    LeaseTable& table_;
  };
  /// Begins the removal of those that are not held. One at a time: under ChunkStore::index_mutex.
  Removal Remove(std::span<const Digest> candidates);

  std::chrono::seconds duration() const { return duration_; }

 private:
  bool HeldLocked(const Digest& what, Timestamp now) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool IsBeingRemoved(const Digest& what) const;
  void EndRemoval();
  void DropExpired(Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock clock_;
  const std::chrono::seconds duration_;
  const size_t limit_;

  mutable absl::Mutex mutex_;
  Timestamp all_held_until_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<Digest> removing_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Timestamp> until_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<Timestamp, Digest>> order_ ABSL_GUARDED_BY(mutex_);  // By time; one each.
};

}  // namespace dml
