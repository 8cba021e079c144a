// The library: the journal, what is derived from it, and the one way to change it.
//
// Owned by the composition root; lives as long as the daemon. Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "storage/content/content_store.h"
#include "storage/engine/engine.h"
#include "storage/library/checkpoint_signer.h"
#include "storage/library/cosigned_checkpoints.h"
#include "storage/library/sequencer.h"

namespace dml {

struct LibraryOptions {
  std::string origin;                            // Of checkpoints.
  std::string first_origin;                      // As the first entry names it; "": the same.
  std::filesystem::path signed_checkpoint_file;  // "": in memory (tests).
  bool accept_missing_checkpoint = false;        // See CheckpointSigner::Open.
  SignedBefore signed_before;                    // What the file may hold.
  SequencerOptions sequencer;
  ContentOptions content;
  JournalClock::Now clock = WallClockNow;
  std::chrono::seconds max_clock_step{0};  // See JournalClock.
  /// An empty engine for a moment, for VerifyViews; empty: one in memory (tests).
  std::function<absl::StatusOr<std::unique_ptr<Engine>>()> scratch_engine;
};

/// The difference between the views and a fold of the journal; empty when they agree.
struct ViewComparison {
  uint64_t entries = 0;
  uint64_t rows = 0;
  std::vector<std::string> differing_keys;  // Hex, the first few.
};

class Library {
 public:
  /// Creates the first entry in an empty engine; brings the views up to the journal otherwise;
  /// FAILED_PRECONDITION (JOURNAL_BEHIND_CHECKPOINT, CHECKPOINT_MISSING, ORIGIN_MISMATCH) where it
  /// must not be served.
  static absl::StatusOr<std::unique_ptr<Library>> Open(std::unique_ptr<Engine> engine,
                                                       PrivateKey log_key, LibraryOptions options);

  /// See Sequencer::Submit.
  absl::StatusOr<Receipt> Commit(Command command) { return sequencer_->Submit(std::move(command)); }

  /// Commands that wait for the next group commit; for metrics and tests.
  size_t queue_depth() const { return sequencer_->queue_depth(); }

  /// OK, or FAILED_PRECONDITION (LIBRARY_READ_ONLY) where it was opened so that nothing changes.
  absl::Status CheckWritable() const { return CheckNotReadOnly(sequencer_->read_only()); }

  /// A consistent state to read from; holds resources while it lives.
  std::unique_ptr<Snapshot> Read() const { return engine_->NewSnapshot(); }

  /// The journal time that an entry after `state` would have by now: by it, seats are free again.
  /// The errors of JournalClock::After.
  absl::StatusOr<Timestamp> TimeOf(const Reader& state) const;

  ContentStore& content() { return content_; }
  Engine& engine() { return *engine_; }
  std::shared_ptr<const SignedCheckpoint> checkpoint() const { return signer_->Latest(); }
  /// Waits until a checkpoint of that size is there, or for that time.
  void AwaitCheckpoint(uint64_t size, std::chrono::milliseconds time) const {
    signer_->AwaitSize(size, time);
  }
  const std::string& origin() const { return signer_->origin(); }
  PublicKey log_key() const { return signer_->public_key(); }
  CosignedCheckpoints& cosigned() { return cosigned_; }

  /// Folds the whole journal into a scratch engine beside the traffic and compares row by row.
  /// `step` is called again and again with the entries done and all of them; an error ends the
  /// work.
  using VerifyStep = std::function<absl::Status(uint64_t done, uint64_t all)>;
  absl::StatusOr<ViewComparison> VerifyViews(const VerifyStep& step = {}) const;

 private:
  Library(std::unique_ptr<Engine> engine, std::unique_ptr<CheckpointSigner> signer,
          LibraryOptions options);

  const JournalClock clock_;
  const std::function<absl::StatusOr<std::unique_ptr<Engine>>()> scratch_engine_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<CheckpointSigner> signer_;
  ContentStore content_;
  CosignedCheckpoints cosigned_;
  std::unique_ptr<Sequencer> sequencer_;
};

/// Folds what the views lack of the journal. Nothing else may use the engine meanwhile.
absl::Status BringViewsUpToDate(Engine& engine);

/// Throws the views away and folds the journal anew. Nothing else may use the engine meanwhile; a
/// crash in between is finished by the next opening.
absl::Status RebuildViews(Engine& engine);

}  // namespace dml
