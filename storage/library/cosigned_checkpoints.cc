#include "storage/library/cosigned_checkpoints.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/trust/authority.h"
#include "core/trust/checkpoint.h"
#include "core/trust/log_policy.h"
#include "storage/journal/journal.h"
#include "storage/library/cosigned_cut.h"

namespace dml {
namespace {

constexpr std::string_view kPrefix = "journal.cosigned.";
// The time, and an Ed25519 signature.
constexpr size_t kCosignatureBytes = 8 + 64;

std::string KeyOf(uint64_t size) { return fmt::format("{}{:016x}", kPrefix, size); }

// Whose lines of this note may be kept.
struct Witnesses {
  std::vector<Witness> known;
  bool by_root = false;  // The root names them, and nobody else counts.
};

absl::StatusOr<Witnesses> FindWitnesses(const Note& note, const TrustRoot* root,
                                        std::span<const std::string> keys) {
  Witnesses out;
  out.by_root = root != nullptr && root->roles.contains(SigningRole::kWitness);
  if (out.by_root) {
    out.known = WitnessesOf(note, *root);
    return out;
  }
  if (keys.size() > kMaxNoteSignatures) {
    return InvalidArgument(ErrorReason("VERIFIER_KEY_INVALID"), "{} keys of witnesses; at most {}",
                           keys.size(), kMaxNoteSignatures);
  }
  for (const std::string& text : keys) {
    DML_ASSIGN_OR_RETURN(VerifierKey key, ParseVerifierKey(text));
    if (key.type != NoteKeyType::kCosignature) {
      return InvalidArgument(ErrorReason("VERIFIER_KEY_INVALID"),
                             "the key of '{}' is a log's; a witness has one of type 0x04 (dml log "
                             "vkey --key FILE --name NAME)",
                             Excerpt(key.name));
    }
    out.known.push_back({key.name, std::move(key.key), key.name});
  }
  return out;
}

// The id under which a key signs by some name.
bool IsOf(const NoteSignature& line, const PublicKey& key) {
  return line.key_id == NoteKeyId(line.name, key, NoteKeyType::kCosignature);
}

struct Line {
  NoteSignature signature;
  PublicKey key;
};

// The lines that may be kept, each key's latest; see CosignedCheckpoints::Add.
absl::StatusOr<std::vector<Line>> Cosignatures(const Note& note, const Witnesses& witnesses) {
  DML_RETURN_IF_ERROR(ReadCosignatures(note, witnesses.known).status());
  std::vector<Line> out;
  for (const NoteSignature& line : note.signatures) {
    if (line.signature.size() != kCosignatureBytes) continue;
    for (const Witness& witness : witnesses.known) {
      if (line.name != witness.name || !IsOf(line, witness.key)) continue;
      const auto same = std::ranges::find(out, witness.key, &Line::key);
      if (same == out.end()) {
        out.push_back({line, witness.key});
      } else if (CosignatureTime(same->signature) < CosignatureTime(line)) {
        same->signature = line;
      }
      break;
    }
  }
  if (!out.empty()) return out;
  return InvalidArgument(
      ErrorReason("COSIGNATURE_MISSING"), "the checkpoint has no cosignature of a witness that {}",
      witnesses.by_root ? "the trust root names: add one of type v1, or let the root name the "
                          "key (dml root add-key --role witness)"
                        : "is known: let the trust root name the key (dml root add-key --role "
                          "witness), or say with the checkpoint whose it is (dml log vkey)");
}

// Whether a line that is kept is this key's: ids have four bytes, of which two may be alike.
bool IsMadeBy(const NoteSignature& kept, const PublicKey& key, const std::string& text) {
  if (!IsOf(kept, key)) return false;
  const Witness witness{kept.name, key, ""};
  return ReadCosignatures({text, {kept}}, std::span(&witness, 1)).ok();
}

// Adds lines to a note that begins with the log's own. One key has one line (attack 4): whoever
// comes under another name takes the place of its own line, and nobody else's.
absl::Status Merge(const std::vector<Line>& lines, Note& note) {
  for (const Line& line : lines) {
    std::erase_if(note.signatures,
                  [&](const NoteSignature& kept) { return IsMadeBy(kept, line.key, note.text); });
    for (const NoteSignature& kept : note.signatures) {
      if (kept.name != line.signature.name || kept.key_id != line.signature.key_id) continue;
      return InvalidArgument(ErrorReason("COSIGNATURE_INVALID"),
                             "there is a line of another key with the name '{}' and the same id; "
                             "cosign under another name",
                             Excerpt(kept.name));
    }
    if (note.signatures.size() == kMaxNoteSignatures) {
      return ResourceExhausted(ErrorReason("COSIGNATURE_LIMIT"),
                               "the checkpoint has {} signatures, and no place for that of '{}'; "
                               "cosign the next one",
                               kMaxNoteSignatures, Excerpt(line.signature.name));
    }
    note.signatures.push_back(line.signature);
  }
  if (FormatNote(note).size() <= kMaxNoteBytes) return absl::OkStatus();
  return ResourceExhausted(ErrorReason("COSIGNATURE_LIMIT"),
                           "the checkpoint would be longer than {} bytes with these signatures",
                           kMaxNoteBytes);
}

// Leaves the log's line and those of witnesses whom the root names.
void DropStrangers(const TrustRoot& root, Note& note) {
  const std::vector<Witness> known = WitnessesOf(note, root);
  std::erase_if(note.signatures, [&](const NoteSignature& line) {
    return &line != &note.signatures.front() &&
           std::ranges::none_of(known, [&](const Witness& witness) {
             return line.name == witness.name && IsOf(line, witness.key);
           });
  });
}

}  // namespace

absl::Status CosignedCheckpoints::CheckTree(const Note& note) const {
  DML_ASSIGN_OR_RETURN(const Checkpoint claimed, ParseCheckpointBody(note.text));
  const auto snapshot = engine_.NewSnapshot();
  const absl::StatusOr<Digest> root = JournalView(*snapshot).Root(claimed.size);
  if (root.status().code() == absl::StatusCode::kDataLoss) return root.status();
  if (root.ok() && note.text == FormatCheckpointBody({origin_, claimed.size, *root})) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("CHECKPOINT_UNKNOWN"),
                            "the checkpoint of {} entries is signed with the key of this log, and "
                            "is not of this journal; keep it: whoever made it has the key",
                            claimed.size);
}

absl::StatusOr<std::string> CosignedCheckpoints::Add(std::string_view note, const TrustRoot* root,
                                                     std::span<const std::string> witness_keys) {
  DML_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(note, origin_, key_));
  DML_ASSIGN_OR_RETURN(const Note given, ParseNote(note));
  DML_RETURN_IF_ERROR(CheckTree(given));
  DML_ASSIGN_OR_RETURN(const Witnesses witnesses, FindWitnesses(given, root, witness_keys));
  DML_ASSIGN_OR_RETURN(const std::vector<Line> lines, Cosignatures(given, witnesses));
  for (const auto& [line, key] : lines) {
    if (CosignatureTime(line) <= WallClockNow() + kMaxCosignatureSkew) continue;
    return InvalidArgument(ErrorReason("COSIGNATURE_INVALID"),
                           "witness '{}' has cosigned at a time that is still to come; its clock "
                           "is wrong, or ours",
                           Excerpt(line.name));
  }

  absl::MutexLock lock(&adding_);
  DML_ASSIGN_OR_RETURN(const std::vector<std::string> kept, Newest());
  auto batch = engine_.NewBatch();
  Note merged{given.text, {}};
  size_t newer = 0;
  std::vector<uint64_t> older;
  for (const std::string& text : kept) {
    DML_ASSIGN_OR_RETURN(Note other, ParseNote(text));
    DML_ASSIGN_OR_RETURN(const Checkpoint at, ParseCheckpointBody(other.text));
    if (at.size == checkpoint.size) merged = std::move(other);
    if (at.size > checkpoint.size) ++newer;
    if (at.size < checkpoint.size) older.push_back(at.size);
  }
  if (newer >= kMaxCheckpoints) {
    return FailedPrecondition(ErrorReason("CHECKPOINT_SUPERSEDED"),
                              "cosignatures of {} newer checkpoints are kept; cosign a newer one",
                              newer);
  }
  if (merged.signatures.empty()) {
    const uint32_t log_id = NoteKeyId(origin_, key_);
    const auto own = std::find_if(
        given.signatures.begin(), given.signatures.end(),
        [&](const NoteSignature& line) { return line.name == origin_ && line.key_id == log_id; });
    merged.signatures.push_back(*own);  // OpenCheckpoint has found it.
  }
  if (witnesses.by_root) DropStrangers(*root, merged);
  DML_RETURN_IF_ERROR(Merge(lines, merged));
  std::string out = FormatNote(merged);
  batch->Put(Table::kMeta, KeyOf(checkpoint.size), out);
  for (size_t place = newer + 1; const uint64_t size : older) {
    if (++place > kMaxCheckpoints) batch->Delete(Table::kMeta, KeyOf(size));
  }
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(batch), Durability::kSynced));
  return out;
}

absl::StatusOr<std::vector<std::string>> CosignedCheckpoints::Newest() const {
  const auto snapshot = engine_.NewSnapshot();
  const auto cursor = snapshot->NewCursor(Table::kMeta, PrefixRange(kPrefix));
  std::vector<std::string> out;
  const uint32_t log_id = NoteKeyId(origin_, key_);
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    DML_ASSIGN_OR_RETURN(const Note note, ParseNote(cursor->value()));
    if (note.signatures.front().key_id == log_id) out.emplace_back(cursor->value());
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return out;
}

absl::Status DropCosignedAbove(const Reader& reader, uint64_t size, Batch& batch) {
  const auto cursor = reader.NewCursor(Table::kMeta, PrefixRange(kPrefix));
  const std::string last = KeyOf(size);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    if (cursor->key() > last) batch.Delete(Table::kMeta, cursor->key());
  }
  return cursor->status();
}

absl::StatusOr<std::string> CosignedCheckpoints::WithCosignatures(std::string note,
                                                                  uint64_t size) const {
  DML_ASSIGN_OR_RETURN(std::optional<std::string> kept, engine_.Get(Table::kMeta, KeyOf(size)));
  return kept.has_value() ? *std::move(kept) : std::move(note);
}

}  // namespace dml
