#include "client/log_verifier.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include <sys/file.h>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "core/os/file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

// Exclusive among processes for as long as it lives.
class FileLock {
 public:
  static absl::StatusOr<FileLock> Take(const fs::path& path) {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
      int result;
      do {
        result = ::flock(fd, LOCK_EX);
      } while (result != 0 && errno == EINTR);
      if (result == 0) return FileLock(fd);
    }
    std::string text = std::generic_category().message(errno);
    if (fd >= 0) ::close(fd);
    return FailedPrecondition(ErrorReason("LOG_STATE_LOCK_FAILED"),
                              "cannot lock {}: {}; name a state file in a folder that this user "
                              "may write",
                              path.string(), text);
  }
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

fs::path WithSuffix(const fs::path& path, std::string_view suffix) {
  fs::path out = path;
  out += suffix;
  return out;
}

// Whether the server has said that it cannot prove it, as opposed to not having answered.
bool IsRefusal(absl::StatusCode code) {
  return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kOutOfRange ||
         code == absl::StatusCode::kNotFound || code == absl::StatusCode::kFailedPrecondition;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogVerifier>> LogVerifier::Create(LogPin pin, fs::path state_file) {
  if (pin.key.algorithm() != KeyAlgorithm::kEd25519) {
    return InvalidArgument(ErrorReason("LOG_KEY_INVALID"),
                           "the log key of {} is no Ed25519 public key; take the one that the "
                           "library's operator gives out",
                           pin.origin);
  }
  if (!state_file.empty() && state_file.has_parent_path()) {
    std::error_code error;
    if (!fs::exists(state_file.parent_path(), error)) {
      DML_RETURN_IF_ERROR(MakePrivateDirectory(state_file.parent_path()));
    }
  }
  std::unique_ptr<LogVerifier> out(new LogVerifier(pin, std::move(state_file)));
  if (pin.start_size.has_value()) {
    DML_RETURN_IF_ERROR(out->Rekey(std::move(pin)));
  } else {
    DML_RETURN_IF_ERROR(out->Load().status());
  }
  return out;
}

absl::Status LogVerifier::Rekey(LogPin pin) {
  absl::MutexLock lock(&mutex_);
  pin_ = std::move(pin);
  return SetAsideLocked();
}

// Notes of other keys; a file that holds no note at all is nobody's evidence, and an error.
absl::Status LogVerifier::SetAsideLocked() {
  memory_ = {};  // Read anew, or known by no one else.
  if (state_file_.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(FileLock file_lock, FileLock::Take(WithSuffix(state_file_, ".lock")));
  const absl::StatusOr<std::string> text = ReadPrivateFile(state_file_, kMaxNoteBytes);
  if (text.status().code() == absl::StatusCode::kNotFound) return absl::OkStatus();
  DML_RETURN_IF_ERROR(text.status());
  const absl::StatusOr<Note> note = ParseNote(*text);
  auto is_of = [&](const std::string& name) { return note->text.starts_with(name + "\n"); };
  const bool of_log =
      note.ok() && (is_of(pin_.origin) || std::ranges::any_of(pin_.former_origins, is_of));
  if (!of_log || OpenCheckpoint(*text, pin_.origin, pin_.key).ok()) return LoadLocked().status();
  const std::string id = Sha256(AsBytes(*text)).hex().substr(0, 16);
  DML_RETURN_IF_ERROR(WriteFileAtomically(WithSuffix(state_file_, ".evidence-" + id + "-retired"),
                                          AsBytes(*text), 0600));
  std::error_code error;
  fs::remove(state_file_, error);
  if (!error) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("LOG_STATE_INVALID"), "cannot remove {}: {}",
                            state_file_.string(), error.message());
}

absl::StatusOr<LogVerifier::Memory> LogVerifier::Load() {
  absl::MutexLock lock(&mutex_);
  return LoadLocked();
}

absl::StatusOr<LogVerifier::Memory> LogVerifier::LoadLocked() {
  if (state_file_.empty()) return memory_;
  absl::StatusOr<std::string> note = ReadPrivateFile(state_file_, kMaxNoteBytes);
  if (note.status().code() == absl::StatusCode::kNotFound) return memory_;
  DML_RETURN_IF_ERROR(note.status());
  if (*note == memory_.note) return memory_;
  absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(*note, pin_.origin, pin_.key);
  if (!checkpoint.ok()) {
    return FailedPrecondition(ErrorReason("LOG_STATE_INVALID"),
                              "{} holds no checkpoint of {} signed by the pinned key: {}; if the "
                              "library's log was changed on purpose, move the file away",
                              state_file_.string(), pin_.origin, Message(checkpoint.status()));
  }
  memory_ = {*std::move(note), *std::move(checkpoint)};
  return memory_;
}

absl::StatusOr<bool> LogVerifier::Replace(const Memory& seen, const Memory& next) {
  absl::MutexLock lock(&mutex_);
  if (state_file_.empty()) {
    if (memory_.note != seen.note) return false;
    memory_ = next;
    return true;
  }
  DML_ASSIGN_OR_RETURN(FileLock file_lock, FileLock::Take(WithSuffix(state_file_, ".lock")));
  DML_ASSIGN_OR_RETURN(Memory current, LoadLocked());
  if (current.note != seen.note) return false;
  // Also on a full disk, when an operator needs it most.
  DML_RETURN_IF_ERROR(
      ReplaceWithSpare(state_file_, WithSuffix(state_file_, ".spare"), AsBytes(next.note), 0600));
  memory_ = next;
  return true;
}

absl::Status LogVerifier::Accuse(ErrorReason reason, const Memory& seen, const Memory& next,
                                 std::string_view what) {
  std::string kept = "no state file is configured, so that no evidence was kept";
  if (!state_file_.empty()) {
    std::string id = Sha256({AsBytes(seen.note), AsBytes(next.note)}).hex().substr(0, 16);
    fs::path first = WithSuffix(state_file_, ".evidence-" + id + "-remembered");
    fs::path second = WithSuffix(state_file_, ".evidence-" + id + "-offered");
    absl::Status written = WriteFileAtomically(first, AsBytes(seen.note), 0600);
    if (written.ok()) written = WriteFileAtomically(second, AsBytes(next.note), 0600);
    kept = written.ok() ? fmt::format("both signed checkpoints are kept in {} and {}",
                                      first.string(), second.string())
                        : fmt::format("the evidence could not be kept: {}", Message(written));
  }
  return DataLoss(reason,
                  "the log {} {}: remembered is size {} root {}, offered is size {} root {}; {}; "
                  "trust nothing from this library until its operator has explained it",
                  next.checkpoint.origin, what, seen.checkpoint.size, seen.checkpoint.root.hex(),
                  next.checkpoint.size, next.checkpoint.root.hex(), kept);
}

absl::Status LogVerifier::CheckConsistent(const Memory& seen, const Memory& next,
                                          const FetchProof& fetch) {
  constexpr ErrorReason kForked("LOG_FORKED");
  if (seen.note.empty()) return absl::OkStatus();
  const Checkpoint& old_one = seen.checkpoint;
  const Checkpoint& new_one = next.checkpoint;
  if (old_one.size == new_one.size) {
    if (old_one.root == new_one.root) return absl::OkStatus();
    return Accuse(kForked, seen, next, "has signed two histories");
  }
  bool forward = old_one.size < new_one.size;
  const Checkpoint& shorter = forward ? old_one : new_one;
  const Checkpoint& longer = forward ? new_one : old_one;
  // Every tree starts with the empty one; but a server that offers it must still have the rest, so
  // that going back to nothing is found out by asking for the proof of the remembered tree itself.
  if (shorter.size == 0 && forward) return absl::OkStatus();
  uint64_t first = shorter.size == 0 ? longer.size : shorter.size;
  absl::StatusOr<std::vector<Digest>> proof = fetch(first, longer.size);
  if (!proof.ok()) {
    if (forward || !IsRefusal(proof.status().code())) return proof.status();
    return Accuse(ErrorReason("LOG_WENT_BACK"), seen, next, "went back");
  }
  if (shorter.size == 0) return absl::OkStatus();
  if (!VerifyConsistency(shorter.size, shorter.root, longer.size, longer.root, *proof).ok()) {
    return Accuse(kForked, seen, next, "gives no proof that one history continues the other");
  }
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> LogVerifier::Accept(std::string_view note, const FetchProof& fetch) {
  Memory next;
  {
    absl::MutexLock lock(&mutex_);
    DML_ASSIGN_OR_RETURN(next.checkpoint, OpenCheckpoint(note, pin_.origin, pin_.key));
    const uint64_t start_size = pin_.start_size.value_or(0);
    if (next.checkpoint.size < start_size) {
      return PermissionDenied(ErrorReason("CHECKPOINT_NOT_BELIEVED"),
                              "the checkpoint has size {}, and the trust root believes the log's "
                              "key from {} on",
                              next.checkpoint.size, start_size);
    }
  }
  next.note = std::string(note);
  while (true) {
    DML_ASSIGN_OR_RETURN(Memory seen, Load());
    DML_RETURN_IF_ERROR(CheckConsistent(seen, next, fetch));
    if (!seen.note.empty() && next.checkpoint.size <= seen.checkpoint.size) break;
    // Another thread or process may have remembered more meanwhile: then that one counts, too.
    DML_ASSIGN_OR_RETURN(bool replaced, Replace(seen, next));
    if (replaced) break;
  }
  return next.checkpoint;
}

absl::StatusOr<std::optional<Checkpoint>> LogVerifier::Remembered() {
  DML_ASSIGN_OR_RETURN(Memory memory, Load());
  if (memory.note.empty()) return std::optional<Checkpoint>();
  return std::optional<Checkpoint>(memory.checkpoint);
}

}  // namespace dml
