#include "storage/library/checkpoint_signer.h"

#include "core/os/file.h"

namespace dml {

CheckpointSigner::CheckpointSigner(std::string origin, PrivateKey key, std::filesystem::path file)
    : origin_(std::move(origin)), key_(std::move(key)), file_(std::move(file)) {}

// The journal holds all that was signed.
absl::Status CheckpointSigner::CheckAgainst(const JournalView& journal, uint64_t size,
                                            const SignedBefore& before) const {
  DML_ASSIGN_OR_RETURN(std::string note, ReadFile(file_, kMaxNoteBytes));
  auto signed_by_any = [&](const std::string& origin) {
    absl::StatusOr<Checkpoint> out = OpenCheckpoint(note, origin, public_key());
    for (const PublicKey& key : before.keys) {
      if (!out.ok()) out = OpenCheckpoint(note, origin, key);
    }
    return out;
  };
  absl::StatusOr<Checkpoint> signed_before = signed_by_any(origin_);
  if (!signed_before.ok() && !before.previous_origin.empty() &&
      signed_by_any(before.previous_origin).ok()) {
    return absl::OkStatus();
  }
  if (!signed_before.ok()) {
    return FailedPrecondition(ErrorReason("CHECKPOINT_FOREIGN"),
                              "{} does not hold a checkpoint of {} by this library's log key: {}; "
                              "restore the one that belongs to the database",
                              file_.string(), origin_, Message(signed_before.status()));
  }
  if (signed_before->size > size) {
    return FailedPrecondition(
        ErrorReason("JOURNAL_BEHIND_CHECKPOINT"),
        "{} entries were signed ({}), but the journal has {}: the database is older than what was "
        "promised, as after restoring a backup; clients would see a forked log: restore a newer "
        "one, or go on under a new name, see docs/operations.md, \"A restored backup\"",
        signed_before->size, file_.string(), size);
  }
  DML_ASSIGN_OR_RETURN(Digest then, journal.Root(signed_before->size));
  if (then != signed_before->root) {
    return FailedPrecondition(
        ErrorReason("JOURNAL_BEHIND_CHECKPOINT"),
        "the journal's root at size {} is {}, but {} was signed ({}): this is another history",
        signed_before->size, then.ToString(), signed_before->root.ToString(), file_.string());
  }
  return absl::OkStatus();
}

absl::Status CheckpointSigner::Open(const JournalView& journal, bool accept_missing,
                                    const SignedBefore& before) {
  DML_ASSIGN_OR_RETURN(uint64_t size, journal.Size());
  DML_ASSIGN_OR_RETURN(Digest root, journal.Root(size));
  if (file_.empty()) return Sign(size, root);
  std::error_code error;
  const bool missing = !std::filesystem::exists(file_, error) && !error;
  if (missing && size > 0 && !accept_missing) {
    return FailedPrecondition(
        ErrorReason("CHECKPOINT_MISSING"),
        "the journal has {} entries, but {} is gone, which tells whether that is all that was "
        "signed: restore it; if it is lost, start once with --accept-missing-checkpoint",
        size, file_.string());
  }
  if (!missing && accept_missing) {
    return FailedPrecondition(
        ErrorReason("CHECKPOINT_PRESENT"),
        "{} is there: start without --accept-missing-checkpoint, which is for one start only",
        file_.string());
  }
  if (!missing) DML_RETURN_IF_ERROR(CheckAgainst(journal, size, before));
  return Sign(size, root);
}

absl::Status CheckpointSigner::Sign(uint64_t size, const Digest& root) {
  if (auto latest = Latest(); latest != nullptr && size < latest->checkpoint.size) {
    return FailedPrecondition(ErrorReason("JOURNAL_BEHIND_CHECKPOINT"),
                              "size {} is below the {} that were signed", size,
                              latest->checkpoint.size);
  }
  auto next = std::make_shared<SignedCheckpoint>();
  next->checkpoint = Checkpoint{origin_, size, root};
  DML_ASSIGN_OR_RETURN(next->note, SignCheckpoint(next->checkpoint, key_));
  if (!file_.empty()) {
    DML_RETURN_IF_ERROR(
        ReplaceWithSpare(file_, file_.string() + ".spare", AsBytes(next->note), 0600));
  }
  absl::MutexLock lock(&mutex_);
  latest_ = std::move(next);
  return absl::OkStatus();
}

void CheckpointSigner::AwaitSize(uint64_t size, std::chrono::milliseconds time) const {
  absl::MutexLock lock(&mutex_);
  auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return latest_ != nullptr && latest_->checkpoint.size >= size;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::FromChrono(time));
}

std::shared_ptr<const SignedCheckpoint> CheckpointSigner::Latest() const {
  absl::MutexLock lock(&mutex_);
  return latest_;
}

}  // namespace dml
