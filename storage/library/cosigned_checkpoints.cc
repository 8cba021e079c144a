#include "storage/library/cosigned_checkpoints.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/trust/authority.h"
#include "core/trust/checkpoint.h"
#include "storage/journal/journal.h"

namespace dml {
namespace {

constexpr std::string_view kPrefix = "journal.cosigned.";
// The time, and an Ed25519 signature.
constexpr size_t kCosignatureBytes = 8 + 64;

std::string KeyOf(uint64_t size) { return fmt::format("{}{:016x}", kPrefix, size); }

bool SameKey(const NoteSignature& a, const NoteSignature& b) {
  return a.name == b.name && a.key_id == b.key_id;
}

// The lines that may be kept; see CosignedCheckpoints::Add.
absl::StatusOr<std::vector<NoteSignature>> Cosignatures(const Note& note, const TrustRoot* root) {
  const bool named = root != nullptr && root->roles.contains(SigningRole::kWitness);
  const std::vector<Witness> witnesses = named ? WitnessesOf(note, *root) : std::vector<Witness>();
  DML_RETURN_IF_ERROR(ReadCosignatures(note, witnesses).status());
  std::vector<NoteSignature> out;
  for (const NoteSignature& line : note.signatures) {
    if (line.signature.size() != kCosignatureBytes) continue;
    const bool known = std::any_of(witnesses.begin(), witnesses.end(), [&](const Witness& witness) {
      return line.name == witness.name &&
             line.key_id == NoteKeyId(witness.name, witness.key, NoteKeyType::kCosignature);
    });
    if (known || !named) out.push_back(line);
  }
  if (!out.empty()) return out;
  return InvalidArgument(ErrorReason("COSIGNATURE_MISSING"),
                         "the checkpoint has no cosignature{}; add one of type v1",
                         !named ? "" : " of a witness that the trust root names");
}

// Adds lines to a note that begins with the log's own, each key's latest.
absl::Status Merge(const std::vector<NoteSignature>& lines, Note& note) {
  for (const NoteSignature& line : lines) {
    const auto same = std::find_if(note.signatures.begin(), note.signatures.end(),
                                   [&](const NoteSignature& kept) { return SameKey(kept, line); });
    if (same != note.signatures.end()) {
      *same = line;
    } else if (note.signatures.size() < kMaxNoteSignatures) {
      note.signatures.push_back(line);
    } else {
      return ResourceExhausted(ErrorReason("COSIGNATURE_LIMIT"),
                               "the checkpoint has {} signatures, and no place for that of '{}'; "
                               "cosign the next one",
                               kMaxNoteSignatures, Excerpt(line.name));
    }
  }
  if (FormatNote(note).size() <= kMaxNoteBytes) return absl::OkStatus();
  return ResourceExhausted(ErrorReason("COSIGNATURE_LIMIT"),
                           "the checkpoint would be longer than {} bytes with these signatures",
                           kMaxNoteBytes);
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

absl::StatusOr<std::string> CosignedCheckpoints::Add(std::string_view note, const TrustRoot* root) {
  DML_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(note, origin_, key_));
  DML_ASSIGN_OR_RETURN(const Note given, ParseNote(note));
  DML_RETURN_IF_ERROR(CheckTree(given));
  DML_ASSIGN_OR_RETURN(const std::vector<NoteSignature> lines, Cosignatures(given, root));
  for (const NoteSignature& line : lines) {
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

absl::StatusOr<std::string> CosignedCheckpoints::WithCosignatures(std::string note,
                                                                  uint64_t size) const {
  DML_ASSIGN_OR_RETURN(std::optional<std::string> kept, engine_.Get(Table::kMeta, KeyOf(size)));
  return kept.has_value() ? *std::move(kept) : std::move(note);
}

}  // namespace dml
