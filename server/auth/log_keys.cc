#include "server/auth/log_keys.h"

#include <algorithm>
#include <utility>

#include "core/os/file.h"
#include "core/trust/checkpoint.h"
#include "server/auth/key_pair_files.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

absl::Status Lost(const IdentityFiles& files) {
  return FailedPrecondition(ErrorReason("LOG_KEY_MISSING"),
                            "{} is not there, but the journal has been signed with it; restore "
                            "it from a backup, or see docs/operations.md, \"Recovery\"",
                            files.log_key.string());
}

bool Names(const TrustRoot& root, const PrivateKey& key) {
  const auto role = root.roles.find(SigningRole::kLog);
  return role != root.roles.end() &&
         std::ranges::count(role->second.key_ids, key.public_key().id()) > 0;
}

}  // namespace

std::vector<PublicKey> LogKeys::All() const {
  std::vector<PublicKey> out;
  if (current.has_value()) out.push_back(current->public_key());
  if (next.has_value()) out.push_back(next->public_key());
  if (published.has_value()) out.push_back(*published);
  return out;
}

absl::StatusOr<LogKeys> EnsureLogKeys(const IdentityFiles& files) {
  LogKeys out;
  if (FileExists(files.next_log_key)) {
    DML_ASSIGN_OR_RETURN(out.next, ReadKeyFile(files.next_log_key));
  }
  if (!FileExists(files.log_key) && !FileExists(files.origin)) {
    DML_RETURN_IF_ERROR(EnsureKeyFile(files.log_key).status());
  }
  if (FileExists(files.log_key)) {
    DML_ASSIGN_OR_RETURN(out.current, ReadKeyFile(files.log_key));
    out.published = out.current->public_key();
    DML_RETURN_IF_ERROR(
        WriteFileAtomically(files.log_public_key, AsBytes(out.published->ToPem()), 0644));
    return out;
  }
  if (!out.next.has_value()) return Lost(files);
  if (FileExists(files.log_public_key)) {
    DML_ASSIGN_OR_RETURN(std::string pem, ReadFile(files.log_public_key, kMaxPemFileBytes));
    DML_ASSIGN_OR_RETURN(out.published, PublicKey::FromSpkiPem(pem));
  }
  return out;
}

absl::StatusOr<PrivateKey> ChooseLogKey(LogKeys& keys, const TrustRoot* root) {
  if (keys.current.has_value() && (root == nullptr || Names(*root, *keys.current))) {
    return *std::exchange(keys.current, std::nullopt);
  }
  if (keys.next.has_value() && root != nullptr && Names(*root, *keys.next)) {
    return *std::exchange(keys.next, std::nullopt);
  }
  if (!keys.current.has_value()) {
    return FailedPrecondition(
        ErrorReason("LOG_KEY_MISSING"),
        "the key of the journal is lost, and the trust root does not name the next one yet; set a "
        "root that does with dmld set-root (docs/operations.md, \"Recovery\")");
  }
  return FailedPrecondition(
      ErrorReason("LOG_KEY_NOT_IN_ROOT"),
      "the trust root does not name the key {} in the role log, with which this journal is signed; "
      "restore the key that it names (docs/operations.md, \"Recovery\")",
      keys.current->public_key().id().ToString());
}

absl::Status PromoteNextLogKey(const IdentityFiles& files) {
  if (!FileExists(files.next_log_key)) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(PrivateKey key, ReadKeyFile(files.next_log_key));
  std::error_code error;
  fs::rename(files.next_log_key, files.log_key, error);
  if (error) {
    return Internal(ErrorReason("FILE_RENAME_FAILED"), "cannot rename {} to {}: {}",
                    files.next_log_key.string(), files.log_key.string(), error.message());
  }
  fs::remove(files.next_log_public_key, error);
  return WriteFileAtomically(files.log_public_key, AsBytes(key.public_key().ToPem()), 0644);
}

absl::StatusOr<std::optional<Checkpoint>> LastSignedCheckpoint(const IdentityFiles& files) {
  if (!FileExists(files.signed_checkpoint)) return std::nullopt;
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(files.signed_checkpoint, kMaxNoteBytes));
  DML_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
  DML_ASSIGN_OR_RETURN(Checkpoint out, ParseCheckpointBody(note.text));
  return out;
}

absl::StatusOr<NextLogKey> MakeNextLogKey(const fs::path& data_dir) {
  const IdentityFiles files(data_dir);
  if (!FileExists(files.origin)) {
    return NotFound(ErrorReason("DATA_DIR_MISSING"), "{} holds no library; check --data-dir",
                    data_dir.string());
  }
  DML_ASSIGN_OR_RETURN(PrivateKey key, EnsureKeyFile(files.next_log_key));
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(files.next_log_public_key, AsBytes(key.public_key().ToPem()), 0644));
  NextLogKey out{key.public_key(), files.next_log_public_key, 0};
  DML_ASSIGN_OR_RETURN(const auto last, LastSignedCheckpoint(files));
  if (last.has_value()) out.signed_size = last->size;
  return out;
}

}  // namespace dml
