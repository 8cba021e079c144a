#include "client/trust_memory.h"

#include "core/os/file.h"

namespace dml {

absl::StatusOr<std::unique_ptr<TrustMemory>> TrustMemory::Create(const std::string& pinned,
                                                                 std::filesystem::path file) {
  std::unique_ptr<TrustMemory> out(new TrustMemory(std::move(file)));
  if (pinned.empty()) return out;
  RememberedRoot root;
  root.envelope = pinned;
  DML_ASSIGN_OR_RETURN(root.trusted, OpenPinnedRoot(pinned));
  std::error_code error;
  if (!out->file_.empty() && std::filesystem::exists(out->file_, error)) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(out->file_, kMaxEnvelopeBytes));
    absl::StatusOr<TrustedRoot> remembered = OpenPinnedRoot(text);
    if (!remembered.ok()) return Annotate(remembered.status(), out->file_.string());
    if (remembered->root.version == root.trusted.root.version &&
        remembered->digest != root.trusted.digest) {
      return DataLoss(ErrorReason("ROOT_FORKED"),
                      "{} holds another trust root {} than the one pinned; keep both, and ask the "
                      "holders of the root keys",
                      out->file_.string(), root.trusted.root.version);
    }
    if (remembered->root.version > root.trusted.root.version) {
      root = {*std::move(remembered), std::move(text)};
    }
  }
  absl::MutexLock lock(&out->mutex_);
  out->root_ = std::move(root);
  return out;
}

absl::StatusOr<RememberedRoot> TrustMemory::Newest() {
  absl::MutexLock lock(&mutex_);
  if (root_.has_value()) return *root_;
  return FailedPrecondition(
      ErrorReason("ROOT_REQUIRED"),
      "the profile pins no trust root, so nobody's signature can be judged: get the library's root "
      "from somebody you trust, and name its file as rootFile in the profile");
}

absl::StatusOr<RememberedRoot> TrustMemory::Walk(std::span<const std::string> envelopes,
                                                 Timestamp now) {
  DML_ASSIGN_OR_RETURN(RememberedRoot at, Newest());
  DML_ASSIGN_OR_RETURN(TrustedRoot walked, WalkRoots(at.trusted, envelopes, now));
  if (walked.root.version == at.trusted.root.version) return at;
  RememberedRoot next{std::move(walked), envelopes.back()};
  absl::MutexLock lock(&mutex_);
  if (root_->trusted.root.version < next.trusted.root.version) {
    if (!file_.empty()) {
      DML_RETURN_IF_ERROR(WriteFileAtomically(file_, AsBytes(next.envelope), 0600));
    }
    root_ = next;
  }
  return next;
}

}  // namespace dml
