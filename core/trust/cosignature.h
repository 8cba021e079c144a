// Cosignatures of witnesses (c2sp.org/tlog-cosignature, cosignature/v1): a witness says that it saw
// a checkpoint at a time, and that it is consistent with all that it saw of that log before.
//
// One line of the checkpoint's note each, of key type 0x04: an 8-byte big-endian time in seconds
// since 1970-01-01 UTC, then an Ed25519 signature over
//
//   cosignature/v1
//   time <that time in decimal>
//   <the text of the note>
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/trust/note.h"

namespace dml {

/// A witness that a reader trusts. Several of one holder count once.
struct Witness {
  std::string name;  // Of its key, in signature lines.
  PublicKey key;     // Ed25519.
  std::string holder;
};

/// How far ahead of a reader's clock a cosignature may be.
inline constexpr std::chrono::minutes kMaxCosignatureSkew{5};

struct Cosignature {
  std::string witness;
  std::string holder;
  Timestamp time;
  bool operator==(const Cosignature&) const = default;
};

/// The line with which a witness cosigns a note's text. The time is cut to seconds.
/// KEY_UNSUPPORTED for other keys than Ed25519; NOTE_INVALID where the name is no key name;
/// INVALID_ARGUMENT (COSIGNATURE_INVALID) for a time before 1970.
absl::StatusOr<NoteSignature> CosignNote(std::string_view text, std::string_view name,
                                         const Signer& key, Timestamp time);

/// The good cosignatures of trusted witnesses, one for each witness (its latest), by name. Lines of
/// others count as absent. PERMISSION_DENIED (COSIGNATURE_INVALID) where a line of a trusted
/// witness is not good: it was made for something else.
absl::StatusOr<std::vector<Cosignature>> ReadCosignatures(const Note& note,
                                                          std::span<const Witness> witnesses);

/// That at least `threshold` different holders have cosigned the note, none before `not_before`;
/// one after `not_after` counts as absent, since a clock that is wrong proves nothing to be fresh.
/// PERMISSION_DENIED (WITNESSES_MISSING) saying which ones have; the errors of ReadCosignatures.
/// A threshold of 0 demands nothing.
absl::Status RequireWitnesses(const Note& note, std::span<const Witness> witnesses,
                              uint32_t threshold, Timestamp not_before,
                              Timestamp not_after = Timestamp::max());

/// " since 2026-01-31T00:00:00Z", for messages; "" for a time that demands nothing.
std::string Since(Timestamp not_before);

/// The time that a line says, where it has the form of a cosignature. Nobody's word yet.
std::optional<Timestamp> CosignatureTime(const NoteSignature& line);

}  // namespace dml
