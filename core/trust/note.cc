#include "core/trust/note.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr std::string_view kLineStart = "\xe2\x80\x94 ";  // Em dash (U+2014), space.
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kMaxNameBytes = 255;

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("NOTE_INVALID"), format, std::forward<Args>(args)...);
}

// The UTF-8 forms of Unicode's White_Space characters above ASCII.
constexpr std::string_view kUnicodeSpaces[] = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

bool HasSpaceOrPlus(std::string_view name) {
  if (name.find_first_of(" +") != std::string_view::npos) return true;
  return std::any_of(std::begin(kUnicodeSpaces), std::end(kUnicodeSpaces),
                     [&](std::string_view space) { return name.find(space) != name.npos; });
}

bool IsNoteText(std::string_view text) {
  auto forbidden = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; };
  return IsValidUtf8(text) && std::none_of(text.begin(), text.end(), forbidden);
}

uint32_t ReadKeyId(std::string_view bytes) {
  uint32_t id = 0;
  for (size_t i = 0; i < kKeyIdBytes; ++i) id = (id << 8) | static_cast<uint8_t>(bytes[i]);
  return id;
}

std::string WriteKeyId(uint32_t id) {
  return {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8),
          static_cast<char>(id)};
}

// `line` is without its newline.
absl::StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (line.substr(0, kLineStart.size()) != kLineStart) {
    return Invalid("note: a line after the last empty line does not begin with '\xe2\x80\x94 '");
  }
  line.remove_prefix(kLineStart.size());
  size_t space = line.find(' ');
  if (space == std::string_view::npos) return Invalid("note: a signature line has no signature");
  std::string_view name = line.substr(0, space);
  DML_RETURN_IF_ERROR(ValidateNoteKeyName(name));
  std::optional<std::string> bytes = Base64Decode(line.substr(space + 1));
  if (!bytes.has_value() || bytes->size() <= kKeyIdBytes) {
    return Invalid("note: the signature of '{}' is not base64 of a key id and a signature",
                   Excerpt(name));
  }
  return NoteSignature{std::string(name), ReadKeyId(*bytes), bytes->substr(kKeyIdBytes)};
}

absl::Status CheckEd25519(const PublicKey& key) {
  if (key.algorithm() == KeyAlgorithm::kEd25519) return absl::OkStatus();
  return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                         "a note is signed with an Ed25519 key, and {} is {}; use another key",
                         key.id().hex(), KeyAlgorithmName(key.algorithm()));
}

}  // namespace

uint32_t NoteKeyId(std::string_view name, const PublicKey& key, NoteKeyType type) {
  const std::string separator = {'\n', static_cast<char>(type)};
  Digest digest = Sha256({AsBytes(name), AsBytes(separator), AsBytes(key.raw_ed25519())});
  return ReadKeyId(digest.raw());
}

absl::Status ValidateNoteKeyName(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && IsValidUtf8(name) &&
      !HasControlCharacters(name) && !HasSpaceOrPlus(name)) {
    return absl::OkStatus();
  }
  return Invalid("note: key name '{}' is not 1 to 255 bytes of UTF-8 without spaces and '+'",
                 Excerpt(name));
}

absl::StatusOr<Note> ParseNote(std::string_view note) {
  if (note.size() > kMaxNoteBytes) {
    return Invalid("note: {} bytes are more than {}", note.size(), kMaxNoteBytes);
  }
  if (!IsNoteText(note)) return Invalid("note: not UTF-8, or with control characters");
  size_t split = note.rfind("\n\n");
  if (split == std::string_view::npos) return Invalid("note: no empty line before the signatures");
  Note out{std::string(note.substr(0, split + 1)), {}};
  std::string_view lines = note.substr(split + 2);
  if (lines.empty() || lines.back() != '\n') return Invalid("note: the last line is cut off");
  while (!lines.empty()) {
    if (out.signatures.size() == kMaxNoteSignatures) {
      return Invalid("note: more than {} signatures", kMaxNoteSignatures);
    }
    size_t end = lines.find('\n');
    DML_ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(lines.substr(0, end)));
    out.signatures.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return out;
}

std::string FormatNote(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    std::string bytes = WriteKeyId(signature.key_id) + signature.signature;
    out += fmt::format("{}{} {}\n", kLineStart, signature.name, Base64Encode(AsBytes(bytes)));
  }
  return out;
}

absl::StatusOr<Note> VerifyNote(std::string_view note, const NoteVerifier& verifier) {
  DML_RETURN_IF_ERROR(CheckEd25519(verifier.key));
  DML_ASSIGN_OR_RETURN(Note out, ParseNote(note));
  uint32_t key_id = NoteKeyId(verifier.name, verifier.key);
  bool found = false;
  for (const NoteSignature& signature : out.signatures) {
    if (signature.name != verifier.name || signature.key_id != key_id) continue;
    DML_RETURN_IF_ERROR(verifier.key.Verify(AsBytes(out.text), AsBytes(signature.signature)));
    found = true;
  }
  if (!found) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "the note has no signature of key '{}' ({:08x}); get one that has",
                            Excerpt(verifier.name), key_id);
  }
  return out;
}

absl::StatusOr<std::string> SignNote(std::string_view text, std::string_view name,
                                     const PrivateKey& key) {
  DML_RETURN_IF_ERROR(CheckEd25519(key.public_key()));
  DML_RETURN_IF_ERROR(ValidateNoteKeyName(name));
  if (text.empty() || text.back() != '\n' || !IsNoteText(text)) {
    return Invalid("note: the text must be UTF-8 without control characters and end in newline");
  }
  DML_ASSIGN_OR_RETURN(std::string signature, key.Sign(AsBytes(text)));
  std::string note =
      FormatNote({std::string(text),
                  {{std::string(name), NoteKeyId(name, key.public_key()), std::move(signature)}}});
  if (note.size() > kMaxNoteBytes) {
    return Invalid("note: {} bytes are more than {}", note.size(), kMaxNoteBytes);
  }
  return note;
}

}  // namespace dml
