// Checkpoints of the journal (c2sp.org/tlog-checkpoint): a commitment to a Merkle tree's size and
// root hash, in a signed note.
//
//   <origin>                            schema-less URL, equal to the name of the log's key
//   <size>                              decimal, no leading zeros
//   <root hash>                         base64 of 32 bytes (RFC 6962)
//   [extension lines, not empty]        ignored when read, never written
//
// Whoever signs checkpoints sees to it that all are consistent. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/digest.h"
#include "core/crypto/keys.h"
#include "core/trust/note.h"

namespace dml {

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;  // Number of leaves.
  Digest root;        // Of the empty tree: SHA-256 of nothing.
  bool operator==(const Checkpoint&) const = default;
};

/// The text that is signed, without extension lines.
std::string FormatCheckpointBody(const Checkpoint& checkpoint);

/// Reads the text of a note. INVALID_ARGUMENT (CHECKPOINT_INVALID) where a line is missing, empty
/// or not in the one canonical form, or where a tree of size 0 has another root than the empty one.
absl::StatusOr<Checkpoint> ParseCheckpointBody(std::string_view text);

/// The signed note, key name = origin. NOTE_INVALID where the origin is not a key name,
/// CHECKPOINT_INVALID where size and root contradict each other, KEY_UNSUPPORTED for other keys
/// than Ed25519.
absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& key);

/// The checkpoint in a note that the log `origin` signed with `key`. Errors as VerifyNote and
/// ParseCheckpointBody; PERMISSION_DENIED (CHECKPOINT_ORIGIN_UNEXPECTED) for another log's.
absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::string_view origin,
                                          const PublicKey& key);

}  // namespace dml
