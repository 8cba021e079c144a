// C2SP signed notes (c2sp.org/signed-note, v1.0.0) with Ed25519 keys.
//
//   <text, any lines, ending in newline>
//   <empty line>
//   — <key name> <base64(4-byte big-endian key id || signature)>      one or more such lines
//
// The signature covers the text with its last newline, not the empty line. The text ends at the
// last empty line of the note. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/keys.h"

namespace dml {

inline constexpr size_t kMaxNoteBytes = 64 * 1024;
inline constexpr size_t kMaxNoteSignatures = 16;

/// One signature line. Of an unknown key it may be anything: other kinds of signature (a witness's
/// cosignature) are kept as they are.
struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string signature;  // Raw bytes after the key id.
  bool operator==(const NoteSignature&) const = default;
};

/// A note as it was read: nothing in it may be believed before VerifyNote.
struct Note {
  std::string text;
  std::vector<NoteSignature> signatures;
  bool operator==(const Note&) const = default;
};

/// A key that a reader trusts, under a name.
struct NoteVerifier {
  std::string name;
  PublicKey key;  // Ed25519.
};

/// What a key's signature lines are: the same key is another one for each.
enum class NoteKeyType : uint8_t {
  kEd25519 = 0x01,      // Signatures over the text.
  kCosignature = 0x04,  // A witness's (core/trust/cosignature.h).
};

/// The first four bytes of SHA-256(name || 0x0A || type || 32-byte Ed25519 key), big-endian.
uint32_t NoteKeyId(std::string_view name, const PublicKey& key,
                   NoteKeyType type = NoteKeyType::kEd25519);

/// 1 to 255 bytes of UTF-8 without Unicode spaces, control characters and '+'. INVALID_ARGUMENT
/// (NOTE_INVALID) otherwise.
absl::Status ValidateNoteKeyName(std::string_view name);

/// At most kMaxNoteBytes, 1 to kMaxNoteSignatures signature lines, UTF-8 without control characters
/// other than newline, canonical base64. INVALID_ARGUMENT (NOTE_INVALID) otherwise.
absl::StatusOr<Note> ParseNote(std::string_view note);

std::string FormatNote(const Note& note);

/// Reads a note and checks the signatures of one key: at least one line must have its name and id,
/// and all such lines must be good. Lines of other keys are ignored and returned.
/// NOTE_INVALID as ParseNote; PERMISSION_DENIED: SIGNATURE_MISSING without a line of the key,
/// SIGNATURE_INVALID with a bad one; INVALID_ARGUMENT (KEY_UNSUPPORTED) where it is not Ed25519.
absl::StatusOr<Note> VerifyNote(std::string_view note, const NoteVerifier& verifier);

/// The note over `text`, which ends in newline, with one signature line. NOTE_INVALID where text or
/// name cannot be in a note, KEY_UNSUPPORTED where the key is not Ed25519.
absl::StatusOr<std::string> SignNote(std::string_view text, std::string_view name,
                                     const PrivateKey& key);

}  // namespace dml
