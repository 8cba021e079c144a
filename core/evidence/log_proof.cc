#include "core/evidence/log_proof.h"

#include <charconv>

#include "core/base/text.h"
#include "core/merkle/merkle.h"
#include "core/trust/note.h"
#include "core/wire/entry.h"

namespace dml {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kMaxHashes = 64;

absl::Status Invalid(std::string_view what) {
  return InvalidArgument(ErrorReason("LOG_PROOF_INVALID"),
                         "the proof that the entry is in its log: {}; have it made again", what);
}

absl::Status Wrong(std::string_view what) {
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "the log: {}", what);
}

// Takes a line with its end off the front; false where there is none.
bool TakeLine(std::string_view& text, std::string_view& line) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool TakeField(std::string_view& text, std::string_view name, std::string_view& value) {
  if (!TakeLine(text, value) || !value.starts_with(name)) return false;
  value.remove_prefix(name.size());
  return true;
}

bool ParseIndex(std::string_view text, uint64_t& index) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  return error == std::errc() && end == text.data() + text.size() &&
         (text.size() == 1 || text.front() != '0');
}

}  // namespace

absl::StatusOr<LogProof> ParseLogProof(std::string_view text) {
  if (text.size() > kMaxLogProofBytes) {
    return Invalid(fmt::format("{} bytes; at most {}", text.size(), kMaxLogProofBytes));
  }
  LogProof out;
  std::string_view line;
  if (!TakeLine(text, line) || line != kHeader) {
    return Invalid(fmt::format("the first line is not {}", kHeader));
  }
  if (!TakeField(text, kExtra, line)) return Invalid("no line 'extra' with the entry");
  std::optional<std::string> leaf = Base64Decode(line);
  if (!leaf.has_value() || leaf->size() > kMaxEntryBytes) {
    return Invalid("the entry is no base64, or too long");
  }
  out.leaf = *std::move(leaf);
  if (!TakeField(text, kIndex, line) || !ParseIndex(line, out.index)) {
    return Invalid("no line 'index' with a number");
  }
  while (true) {
    if (!TakeLine(text, line)) return Invalid("it ends before the checkpoint");
    if (line.empty()) break;
    if (out.hashes.size() == kMaxHashes) return Invalid("more hashes than any tree needs");
    std::optional<std::string> raw = Base64Decode(line);
    if (!raw.has_value() || raw->size() != Digest::kSize) return Invalid("a hash that is none");
    DML_ASSIGN_OR_RETURN(out.hashes.emplace_back(), Digest::FromBytes(*raw));
  }
  out.checkpoint_note = std::string(text);
  return out;
}

std::string FormatLogProof(const LogProof& proof) {
  std::string out = fmt::format("{}\n{}{}\n{}{}\n", kHeader, kExtra,
                                Base64Encode(AsBytes(proof.leaf)), kIndex, proof.index);
  for (const Digest& hash : proof.hashes) out += Base64Encode(hash.bytes()) + "\n";
  return out + "\n" + proof.checkpoint_note;
}

absl::StatusOr<LoggedEntry> VerifyLogProof(const LogProof& proof, const PublicKey* log_key) {
  LoggedEntry out;
  absl::StatusOr<Note> note = ParseNote(proof.checkpoint_note);
  if (!note.ok()) return Wrong(Message(note.status()));
  absl::StatusOr<Checkpoint> claimed = ParseCheckpointBody(note->text);
  if (!claimed.ok()) return Wrong(Message(claimed.status()));
  out.checkpoint = *std::move(claimed);
  if (log_key != nullptr) {
    absl::Status opened =
        OpenCheckpoint(proof.checkpoint_note, out.checkpoint.origin, *log_key).status();
    if (!opened.ok()) {
      return Wrong(fmt::format("its checkpoint of {} is not signed by the key given: {}",
                               Excerpt(out.checkpoint.origin), Message(opened)));
    }
  }
  absl::Status included = VerifyInclusion(LeafHash(AsBytes(proof.leaf)), proof.index,
                                          out.checkpoint.size, proof.hashes, out.checkpoint.root);
  if (!included.ok()) {
    return Wrong(fmt::format("entry {} is not in it: {}", proof.index, Message(included)));
  }
  absl::StatusOr<Entry> entry = wire::DecodeEntry(proof.leaf);
  if (!entry.ok()) return Wrong(Message(entry.status()));
  if (entry->index != proof.index) {
    return Wrong(fmt::format("the entry calls itself {}, not {}", entry->index, proof.index));
  }
  out.entry = *std::move(entry);
  return out;
}

absl::Status CheckPublishes(const LoggedEntry& logged, const VariantName& variant,
                            const BlobRef& manifest, const BlobRef& spec) {
  const auto* published = std::get_if<VersionPublished>(&logged.entry.payload);
  if (published != nullptr && published->variant == variant && published->manifest == manifest &&
      published->spec == spec) {
    return absl::OkStatus();
  }
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"),
                  "{}: the entry of the log is another one: {}", variant.ResourceName(),
                  Excerpt(EntrySummary(logged.entry.payload), 512));
}

}  // namespace dml
