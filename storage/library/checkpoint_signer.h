// Signs checkpoints, and never one of a journal that is not durable or that went back.
//
// The highest signed size and root are kept in a second, synced file (DataDir::signed_checkpoint),
// outside the database: a database that is behind it (a restored backup) must not sign another
// history under the same name. It is written before the first entry, so that a journal with entries
// always has one, and over space of its own, so that what could be committed can be signed. Owned
// by the Library; Sign is called by the sequencer only, Latest by anyone.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/crypto/keys.h"
#include "core/trust/checkpoint.h"
#include "storage/journal/journal.h"

namespace dml {

/// Whose signature may be in the file.
struct SignedBefore {
  std::vector<PublicKey> keys;  // Besides the key that signs now.
  // A journal that goes on under a new name: the one before, which promised other entries. What was
  // signed under it binds no more.
  std::string previous_origin;
};

struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string note;  // The signed note, for clients.
};

class CheckpointSigner {
 public:
  /// `file` empty: kept in memory only (tests). `key` signs under the name `origin`.
  CheckpointSigner(std::string origin, PrivateKey key, std::filesystem::path file);

  /// Reads the file and compares with the journal, then signs that. FAILED_PRECONDITION, and
  /// nothing may be served: JOURNAL_BEHIND_CHECKPOINT where the journal has fewer entries than were
  /// signed or another root at that size; CHECKPOINT_MISSING where it has entries and there is no
  /// file. `accept_missing` takes the journal as it is where the file is missing;
  /// CHECKPOINT_PRESENT where it is not, so that nobody starts like that for ever;
  /// CHECKPOINT_FOREIGN where the file is signed neither by the key that signs now, nor as `before`
  /// says.
  absl::Status Open(const JournalView& journal, bool accept_missing,
                    const SignedBefore& before = {});

  /// Signs, keeps the signature durably, then makes it the latest. The journal's entries must be
  /// durable. FAILED_PRECONDITION where size is below the latest.
  absl::Status Sign(uint64_t size, const Digest& root);

  std::shared_ptr<const SignedCheckpoint> Latest() const;
  /// Waits until a tree of that size is signed, or for that time.
  void AwaitSize(uint64_t size, std::chrono::milliseconds time) const;
  const std::string& origin() const { return origin_; }
  PublicKey public_key() const { return key_.public_key(); }

 private:
  absl::Status CheckAgainst(const JournalView& journal, uint64_t size,
                            const SignedBefore& before) const;

  const std::string origin_;
  const PrivateKey key_;
  const std::filesystem::path file_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const SignedCheckpoint> latest_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
