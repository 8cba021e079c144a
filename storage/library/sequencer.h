// The sequencer: the single thread through which every change of state goes.
//
// It drains its queue, decides each command against the state that the commands before it left
// (core/rules), appends the entries, folds them into the views, and commits journal, tree, views
// and cursor in one synced batch for the whole group. Only then is the checkpoint signed and every
// caller woken. A crash at any point leaves either all of a group or none of it.
//
// Nothing slow happens here: signatures are checked, documents parsed and heavy decisions made
// before, on snapshots; of those only the version stamps are checked again.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/rules/command.h"
#include "storage/engine/engine.h"
#include "storage/library/checkpoint_signer.h"
#include "storage/library/commit_observer.h"
#include "storage/library/journal_clock.h"

namespace dml {

/// What became of a command.
struct Receipt {
  uint64_t index = 0;  // Of its entry. For validate_only: where it would have gone.
  Timestamp time;
  std::shared_ptr<const SignedCheckpoint> checkpoint;  // Covers the entry.
  bool replayed = false;  // The request id had been carried out before, with the same payload.
};

struct SequencerOptions {
  size_t max_queue = 4096;           // Commands waiting; more are refused with RetryInfo.
  size_t max_group = 256;            // Commands in one batch.
  size_t max_group_bytes = 8 << 20;  // A group ends once its batch is this large.
  std::chrono::milliseconds retry_interval{5000};  // After a failure, for what is not signed yet.
  bool read_only = false;                          // Submit refuses everything.
  CommitObserver* observer = nullptr;  // Must outlive the sequencer; null: nobody is told.
  absl::Status Validate() const;
};

/// FAILED_PRECONDITION (LIBRARY_READ_ONLY) where `read_only`: what is said of every change then.
absl::Status CheckNotReadOnly(bool read_only);

class Sequencer {
 public:
  /// `engine`, `signer` and `clock` must outlive it; the views must be complete and the signer
  /// open.
  Sequencer(Engine& engine, CheckpointSigner& signer, const JournalClock& clock,
            SequencerOptions options);
  /// Refuses what comes, finishes what waits.
  ~Sequencer();

  /// Blocks until the entry is durable and covered by a signed checkpoint. Errors: those of the
  /// rules and of JournalClock; ABORTED (STATE_CHANGED) where a stamp moved; ALREADY_EXISTS
  /// (REQUEST_ID_REUSED); FAILED_PRECONDITION (LIBRARY_READ_ONLY) where it was opened so;
  /// RESOURCE_EXHAUSTED with RetryInfo (QUEUE_FULL, DISK_FULL); UNAVAILABLE where the write failed:
  /// the outcome is then unknown, and a retry with the same request id tells it.
  absl::StatusOr<Receipt> Submit(Command command);

  /// Commands that wait for the next group.
  size_t queue_depth() const;

  /// Whether it was opened so that nothing changes.
  bool read_only() const { return options_.read_only; }

 private:
  struct Pending;
  struct Group;

  void Run();
  bool AwaitWork();
  void Process(std::vector<Pending*>& group);
  absl::Status CommitGroup(Group& state, GroupCommit& told);
  absl::StatusOr<Receipt> Place(Pending& pending, Group& group);
  absl::Status CheckStamps(const Command& command, const Reader& state) const;
  absl::Status PutMetadata(const Command& command, Batch& batch) const;
  absl::Status Reload();

  Engine& engine_;
  CheckpointSigner& signer_;
  const JournalClock& clock_;
  const SequencerOptions options_;

  // Of the sequencer's thread alone.
  bool loaded_ = false;
  bool failed_ = false;  // A write did, and what is durable may not be signed yet.
  TreeAppender appender_;
  Timestamp last_time_;

  mutable absl::Mutex mutex_;
  std::deque<Pending*> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // Last: starts when all else is there.
};

}  // namespace dml
