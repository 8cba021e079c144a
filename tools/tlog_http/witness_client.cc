#include "tools/tlog_http/witness_client.h"

#include <charconv>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kMaxAnswer = 16 * 1024;
// Somebody else may have it cosign in between, each time.
constexpr int kMaxTries = 4;

std::string Request(uint64_t old_size, const std::vector<Digest>& proof, const Note& note) {
  std::string out = fmt::format("old {}\n", old_size);
  for (const Digest& hash : proof) out += Base64Encode(hash.bytes()) + "\n";
  return out + "\n" + FormatNote(note);
}

// "<size>\n", as the answer 409 tells what was cosigned last.
std::optional<uint64_t> ReadSize(std::string_view body) {
  if (!body.ends_with('\n')) return std::nullopt;
  body.remove_suffix(1);
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), size);
  const bool whole = error == std::errc() && end == body.data() + body.size();
  if (!whole || body != std::to_string(size)) return std::nullopt;
  return size;
}

absl::Status Disagrees(const Witness& witness, const Checkpoint& checkpoint) {
  return DataLoss(
      ErrorReason("WITNESS_DISAGREES"),
      "witness '{}' says that the {} entries of {} do not continue what it has "
      "cosigned: one of you was shown another history; keep the checkpoint, and ask the "
      "witness' operator for theirs",
      witness.holder, checkpoint.size, checkpoint.origin);
}

absl::Status Refused(const Witness& witness, const HttpReply& answer) {
  const char* const why = answer.status == 404   ? "does not know this log"
                          : answer.status == 403 ? "does not know the key that signs this log"
                                                 : "does not take the checkpoint";
  return FailedPrecondition(ErrorReason("WITNESS_REFUSED"),
                            "witness '{}' {} (status {}{}{}); ask its operator", witness.holder,
                            why, answer.status, answer.body.empty() ? "" : ": ",
                            Excerpt(answer.body, 200));
}

absl::StatusOr<std::vector<NoteSignature>> ReadLines(const Witness& witness, const Note& note,
                                                     const std::string& body) {
  // Lines are read as those of the note that they belong to.
  DML_ASSIGN_OR_RETURN(Note answered, ParseNote(note.text + "\n" + body));
  DML_ASSIGN_OR_RETURN(const auto good, ReadCosignatures(answered, {&witness, 1}));
  if (good.empty()) {
    return PermissionDenied(ErrorReason("COSIGNATURE_MISSING"),
                            "the answer of witness '{}' has no line of its key; is it the key of "
                            "that witness?",
                            witness.holder);
  }
  const uint32_t id = NoteKeyId(witness.name, witness.key, NoteKeyType::kCosignature);
  std::erase_if(answered.signatures, [&](const NoteSignature& line) {
    return line.name != witness.name || line.key_id != id;
  });
  return std::move(answered.signatures);
}

}  // namespace

absl::StatusOr<std::vector<NoteSignature>> AskWitness(HttpLog& witness_at, const Witness& witness,
                                                      const Note& note,
                                                      const Checkpoint& checkpoint,
                                                      const ConsistencyOf& consistency) {
  uint64_t old_size = 0;
  std::vector<Digest> proof;
  for (int tried = 0; tried < kMaxTries; ++tried) {
    DML_ASSIGN_OR_RETURN(
        HttpReply answer,
        witness_at.Post("add-checkpoint", Request(old_size, proof, note), kMaxAnswer));
    if (answer.status == 200) return ReadLines(witness, note, answer.body);
    if (answer.status == 422) return Disagrees(witness, checkpoint);
    if (answer.status == 429 || answer.status >= 500) {
      return Unavailable(ErrorReason("HTTP_UNAVAILABLE"),
                         "witness '{}' answers {}; try again later", witness.holder, answer.status);
    }
    if (answer.status != 409) return Refused(witness, answer);
    const std::optional<uint64_t> has = ReadSize(answer.body);
    if (!has.has_value()) return Refused(witness, answer);
    if (*has > checkpoint.size) {
      return FailedPrecondition(ErrorReason("WITNESS_AHEAD"),
                                "witness '{}' has cosigned {} entries, and the checkpoint has {}; "
                                "ask again with a newer one",
                                witness.holder, *has, checkpoint.size);
    }
    // The same size, refused again: it has another root for it.
    if (*has == old_size) {
      return old_size == 0 ? Refused(witness, answer) : Disagrees(witness, checkpoint);
    }
    old_size = *has;
    proof.clear();
    if (old_size != 0 && old_size != checkpoint.size) {
      DML_ASSIGN_OR_RETURN(proof, consistency(old_size, checkpoint.size));
    }
  }
  return Unavailable(ErrorReason("HTTP_UNAVAILABLE"),
                     "witness '{}' has cosigned something newer at each try; try again",
                     witness.holder);
}

}  // namespace dml
