// The memory of a client: which history the log has shown so far.
//
// A log that signs two histories, or forgets, is found out by whoever remembers the last checkpoint
// and demands a proof of consistency (RFC 6962 section 2.1.2) with each new one. The state file is
// the signed note itself, so that it proves on its own what the log has said.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "client/log_pin.h"
#include "core/trust/checkpoint.h"

namespace dml {

/// Thread-safe. Several processes may share a state file: it is read anew for each checkpoint,
/// replaced as a whole, and only under a lock (flock on "<state file>.lock").
class LogVerifier {
 public:
  /// Asks for the proof that the tree of `second` leaves starts with the tree of `first`.
  using FetchProof =
      std::function<absl::StatusOr<std::vector<Digest>>(uint64_t first, uint64_t second)>;

  /// `pin`: of an Ed25519 key; with a start size where a trusted root names it, see Rekey.
  /// `state_file` "": remembers only while it lives. A missing folder is
  /// made, for its owner alone.
  /// INVALID_ARGUMENT (LOG_KEY_INVALID); FAILED_PRECONDITION (LOG_STATE_INVALID) where the state
  /// file holds no checkpoint of that log and, without a root, of that key; the errors of
  /// core/os/file.h.
  static absl::StatusOr<std::unique_ptr<LogVerifier>> Create(LogPin pin,
                                                             std::filesystem::path state_file);

  /// A trusted root says how the log is called, with which key it signs, and from how many entries
  /// on it is believed. What is remembered of another key is set aside as evidence, "<state
  /// file>.evidence-<id>-retired": whoever stole that key may have signed any size. So is what is
  /// remembered under a former origin, which may have entries that the new one lost.
  absl::Status Rekey(LogPin pin);

  /// The checkpoint in a signed note, once it is shown to be consistent with the one remembered;
  /// a longer one is remembered instead. A shorter one is fine where a proof shows that the
  /// remembered log starts with it (a replayed receipt, answers that overtook each other).
  /// The first checkpoint ever is taken as it is.
  ///
  /// The errors of OpenCheckpoint for a note that the log did not sign; PERMISSION_DENIED
  /// (CHECKPOINT_NOT_BELIEVED) for one below the root's start size. DATA_LOSS with both notes
  /// kept beside the state file as "<state file>.evidence-<id>-{remembered,offered}":
  ///   LOG_FORKED     same size, other root; or the proof does not hold.
  ///   LOG_WENT_BACK  the note is shorter, and the server says that it has no longer log.
  /// Errors of `fetch` otherwise: nothing is known then, and nothing remembered.
  absl::StatusOr<Checkpoint> Accept(std::string_view note, const FetchProof& fetch);

  /// The checkpoint remembered; nullopt before the first.
  absl::StatusOr<std::optional<Checkpoint>> Remembered();

 private:
  struct Memory {
    std::string note;  // "": nothing yet.
    Checkpoint checkpoint;
  };

  LogVerifier(LogPin pin, std::filesystem::path state_file)
      : state_file_(std::move(state_file)), pin_(std::move(pin)) {}

  absl::StatusOr<Memory> Load() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Memory> LoadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Remembers `next` unless something else than `seen` is remembered by now: false then.
  absl::StatusOr<bool> Replace(const Memory& seen, const Memory& next) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckConsistent(const Memory& seen, const Memory& next, const FetchProof& fetch);
  absl::Status Accuse(ErrorReason reason, const Memory& seen, const Memory& next,
                      std::string_view what);

  absl::Status SetAsideLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::filesystem::path state_file_;
  absl::Mutex mutex_;
  LogPin pin_ ABSL_GUARDED_BY(mutex_);
  Memory memory_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
