// Recent checkpoints with what witnesses say of them (core/trust/cosignature.h).
//
// Cosignatures come after the checkpoint, from outside, and prove themselves: they are kept beside
// the journal, in table meta under "journal.cosigned." and the size as 16 hex digits, each the note
// with all its lines. Owned by the Library. Thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/crypto/keys.h"
#include "core/trust/note.h"
#include "core/trust/trust_root.h"
#include "storage/engine/engine.h"

namespace dml {

class CosignedCheckpoints {
 public:
  /// How many checkpoints have their cosignatures kept, the newest ones: witnesses that come at
  /// different times must be able to meet at one.
  static constexpr size_t kMaxCheckpoints = 4;

  /// Of the log `origin` that signs with `key`. `engine` must outlive it.
  CosignedCheckpoints(Engine& engine, std::string origin, PublicKey key)
      : engine_(engine), origin_(std::move(origin)), key_(std::move(key)) {}

  /// Keeps the cosignature lines of a note, durable on return, one for each witness' key, whatever
  /// it calls itself: the latest that came. Witnesses are those whom the root names; where it names
  /// none, or there is no root, those whose keys came with the note, as `witness_keys`
  /// (core/trust/log_policy.h). Their lines must be good, and no others are kept.
  /// Returns the note with all lines that are kept of this checkpoint; what was there already
  /// changes nothing.
  ///   The errors of OpenCheckpoint for a note that this log did not sign, of ParseVerifierKey.
  ///   FAILED_PRECONDITION: CHECKPOINT_UNKNOWN, the journal has no such tree (a stolen key may have
  ///     signed it); CHECKPOINT_SUPERSEDED, there are cosignatures of enough newer ones.
  ///   INVALID_ARGUMENT (COSIGNATURE_MISSING): no line is a cosignature of a witness;
  ///     (COSIGNATURE_INVALID): one is of a time that is still to come;
  ///     (VERIFIER_KEY_INVALID): more keys than a note has signatures, or none of a witness;
  ///     PERMISSION_DENIED (COSIGNATURE_INVALID): such a line is not good.
  ///   RESOURCE_EXHAUSTED (COSIGNATURE_LIMIT): kMaxNoteSignatures lines, the log's among them.
  absl::StatusOr<std::string> Add(std::string_view note, const TrustRoot* root = nullptr,
                                  std::span<const std::string> witness_keys = {});

  /// The notes kept, newest first, of the key that signs now. A reader trusts nobody for being in
  /// them.
  absl::StatusOr<std::vector<std::string>> Newest() const;

  /// `note`, a checkpoint of this log, with the lines that are kept of it.
  absl::StatusOr<std::string> WithCosignatures(std::string note, uint64_t size) const;

 private:
  absl::Status CheckTree(const Note& note) const;

  Engine& engine_;
  const std::string origin_;
  const PublicKey key_;
  absl::Mutex adding_;
};

}  // namespace dml
