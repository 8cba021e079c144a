// Signed notes and the checkpoints in them: a note has one form, so that writing what was read
// gives the very bytes; and nothing but what a key signed opens with it, cosignatures included.
#include <algorithm>

#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

constexpr std::string_view kOrigin = "library.example/journal";
constexpr std::string_view kWitness = "witness.example/w";
constexpr char kFreeText[] = "No checkpoint.\n\nBut a note.\n";

// The texts that SigningKey() has signed under kOrigin.
const std::vector<std::string>& SignedTexts() {
  static const auto* const texts = new std::vector<std::string>{
      ParseNote(GoldenSeed("trust/checkpoint.txt"))->text,
      ParseNote(GoldenSeed("trust/empty-checkpoint.txt"))->text, kFreeText};
  return *texts;
}

bool IsSigned(const std::string& text) { return std::ranges::count(SignedTexts(), text) > 0; }

// The golden checkpoint, cosigned by the same key as a witness.
std::string Cosigned() {
  Note note = *ParseNote(GoldenSeed("trust/checkpoint.txt"));
  note.signatures.push_back(
      *CosignNote(note.text, kWitness, SigningKey(), *ParseTime("2026-06-01T00:00:00Z")));
  return FormatNote(note);
}

bool CheckBody(std::string_view text) {
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpointBody(text);
  if (!checkpoint.ok()) return false;
  const std::string body = FormatCheckpointBody(*checkpoint);
  DML_HOLDS(text.starts_with(body));  // Lines of extensions may follow.
  const absl::StatusOr<Checkpoint> again = ParseCheckpointBody(body);
  DML_HOLDS(again.ok());
  DML_HOLDS(*again == *checkpoint);
  return true;
}

bool CheckCosignatures(const Note& note) {
  const PublicKey& key = SigningKey().public_key();
  const Witness witnesses[] = {{std::string(kWitness), key, "wim"},
                               {std::string(kOrigin), key, "log"}};
  const auto cosignatures = ReadCosignatures(note, witnesses);
  if (!cosignatures.ok() || cosignatures->empty()) return false;
  // A log's own signature is no cosignature, though the key is the same.
  DML_HOLDS(cosignatures->size() == 1 && cosignatures->front().witness == kWitness);
  DML_HOLDS(FormatTime(cosignatures->front().time) == "2026-06-01T00:00:00Z");
  DML_HOLDS(note.text == SignedTexts()[0]);
  return true;
}

}  // namespace

bool FuzzNote(std::string_view input) {
  CheckBody(input);
  const absl::StatusOr<Note> note = ParseNote(input);
  if (!note.ok()) {
    DML_HOLDS(Reason(note.status()) == "NOTE_INVALID");
    return false;
  }
  DML_HOLDS(input.size() <= kMaxNoteBytes);
  DML_HOLDS(!note->signatures.empty() && note->signatures.size() <= kMaxNoteSignatures);
  DML_HOLDS(FormatNote(*note) == input);
  for (const NoteSignature& signature : note->signatures) {
    DML_HOLDS(ValidateNoteKeyName(signature.name).ok());
  }
  CheckBody(note->text);
  CheckCosignatures(*note);
  const PublicKey& key = SigningKey().public_key();
  const absl::StatusOr<Note> verified = VerifyNote(input, {std::string(kOrigin), key});
  if (verified.ok()) DML_HOLDS(IsSigned(verified->text) && *verified == *note);
  const absl::StatusOr<Checkpoint> opened = OpenCheckpoint(input, kOrigin, key);
  if (!opened.ok()) return true;
  DML_HOLDS(verified.ok());
  DML_HOLDS(opened->origin == kOrigin);
  DML_HOLDS(note->text.starts_with(FormatCheckpointBody(*opened)));
  return true;
}

std::vector<std::string> NoteSeeds() {
  return {GoldenSeed("trust/checkpoint.txt"),
          GoldenSeed("trust/empty-checkpoint.txt"),
          Cosigned(),
          *SignNote(kFreeText, kOrigin, SigningKey()),
          *SignNote(SignedTexts()[0], "another.example/log", SigningKey()),
          SignedTexts()[0] + "an extension\n",
          "\n\n\xe2\x80\x94 n AAAAAAA=\n"};
}

}  // namespace dml::fuzz
