#include "storage/library/sequencer.h"

#include "core/crypto/sha256.h"
#include "core/rules/rules.h"
#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {

struct Sequencer::Pending {
  explicit Pending(Command c) : command(std::move(c)) {}
  Command command;
  absl::StatusOr<Receipt> outcome = Internal(ErrorReason("NOT_DECIDED"), "not decided");
  bool decided = false;  // An outcome that does not wait for the commit.
  bool done = false;     // Guarded by the sequencer's mutex.
};

/// The batch being built, with what changes only once it is durable.
struct Sequencer::Group {
  std::unique_ptr<Batch> batch;
  TreeAppender appender;
  Timestamp last_time;
};

absl::Status SequencerOptions::Validate() const {
  if (max_queue == 0 || max_group == 0 || max_group_bytes == 0) {
    return InvalidArgument(ErrorReason("OPTION_INVALID"), "sequencer limits must be positive");
  }
  return absl::OkStatus();
}

Sequencer::Sequencer(Engine& engine, CheckpointSigner& signer, const JournalClock& clock,
                     SequencerOptions options)
    : engine_(engine), signer_(signer), clock_(clock), options_(options), thread_([this] {
        Run();
      }) {}

Sequencer::~Sequencer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status CheckNotReadOnly(bool read_only) {
  if (!read_only) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("LIBRARY_READ_ONLY"),
                            "the library is served read-only (readOnly of dmld's configuration): "
                            "nothing was changed");
}

absl::StatusOr<Receipt> Sequencer::Submit(Command command) {
  DML_RETURN_IF_ERROR(CheckNotReadOnly(options_.read_only));
  Pending pending(std::move(command));
  absl::MutexLock lock(&mutex_);
  if (stopping_) {
    return Unavailable(ErrorReason("SHUTTING_DOWN"), "the daemon is shutting down");
  }
  if (queue_.size() >= options_.max_queue) {
    return WithRetryAfter(
        ResourceExhausted(ErrorReason("QUEUE_FULL"), "{} commands wait already: try again later",
                          queue_.size()),
        std::chrono::milliseconds(200));
  }
  queue_.push_back(&pending);
  mutex_.Await(absl::Condition(&pending.done));
  return std::move(pending.outcome);
}

size_t Sequencer::queue_depth() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

void Sequencer::Run() {
  while (true) {
    std::vector<Pending*> group;
    while (!AwaitWork()) Reload().IgnoreError();  // Told to whoever comes next.
    {
      absl::MutexLock lock(&mutex_);
      if (queue_.empty()) return;
      while (!queue_.empty() && group.size() < options_.max_group) {
        group.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    Process(group);
    absl::MutexLock lock(&mutex_);
    for (Pending* pending : group) pending->done = true;
  }
}

// Until something waits, or it is time to stop. False: nothing came since a write failed, and it is
// time to try again, so that an entry that became durable then does not stay unsigned.
bool Sequencer::AwaitWork() {
  absl::MutexLock lock(&mutex_);
  auto wake = [this]()
                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !queue_.empty() || stopping_; };
  if (failed_) {
    return mutex_.AwaitWithTimeout(absl::Condition(&wake),
                                   absl::FromChrono(options_.retry_interval));
  }
  mutex_.Await(absl::Condition(&wake));
  return true;
}

// After a failed write the state on disk is unknown: it is read back, and everything before it is
// made durable by a synced write, before anything is decided on it.
absl::Status Sequencer::Reload() {
  auto touch = engine_.NewBatch();
  touch->Put(Table::kMeta, "sequencer.opened", "");
  DML_RETURN_IF_ERROR(engine_.Commit(std::move(touch), Durability::kSynced));
  auto snapshot = engine_.NewSnapshot();
  JournalView journal(*snapshot);
  DML_ASSIGN_OR_RETURN(uint64_t size, journal.Size());
  DML_ASSIGN_OR_RETURN(appender_, journal.Appender(size));
  last_time_ = Timestamp();
  if (size > 0) {
    DML_ASSIGN_OR_RETURN(StoredEntry last, journal.At(size - 1));
    last_time_ = last.entry.time;
  }
  DML_RETURN_IF_ERROR(signer_.Sign(size, appender_.Root()));
  loaded_ = true;
  failed_ = false;
  return absl::OkStatus();
}

void Sequencer::Process(std::vector<Pending*>& group) {
  auto fail_all = [&](const absl::Status& status) {
    for (Pending* pending : group) {
      if (!pending->decided) pending->outcome = status;
    }
  };
  auto tell = [&](const GroupCommit& told) {
    if (options_.observer != nullptr) options_.observer->Committed(told);
  };
  if (!loaded_) {
    if (absl::Status status = Reload(); !status.ok()) {
      tell({.commands = group.size(), .failed = true});
      return fail_all(status);
    }
  }
  Group state{engine_.NewBatch(), appender_, last_time_};
  for (Pending* pending : group) {
    pending->outcome = Place(*pending, state);
    if (!pending->outcome.ok()) {
      pending->decided = true;
      // A projection that failed half way leaves rows in the batch: nothing of it may be kept.
      if (pending->outcome.status().code() == absl::StatusCode::kDataLoss) {
        return fail_all(pending->outcome.status());
      }
    }
  }
  GroupCommit told{group.size(), state.appender.size() - appender_.size()};
  const absl::Status committed = CommitGroup(state, told);
  tell(told);
  if (!committed.ok()) return fail_all(committed);
  auto checkpoint = signer_.Latest();
  for (Pending* pending : group) {
    if (pending->outcome.ok()) pending->outcome->checkpoint = checkpoint;
  }
}

// Where the group has entries.
absl::Status Sequencer::CommitGroup(Group& state, GroupCommit& told) {
  if (told.entries == 0) return absl::OkStatus();
  const auto start = std::chrono::steady_clock::now();
  absl::Status status = engine_.Commit(std::move(state.batch), Durability::kSynced);
  const auto synced = std::chrono::steady_clock::now();
  told.sync = synced - start;
  if (status.ok()) {
    appender_ = state.appender;
    last_time_ = state.last_time;
    status = signer_.Sign(appender_.size(), appender_.Root());
    told.sign = std::chrono::steady_clock::now() - synced;
  }
  if (!status.ok()) {
    loaded_ = false;
    failed_ = true;
    told.failed = true;
  }
  return status;
}

absl::Status Sequencer::CheckStamps(const Command& command, const Reader& state) const {
  LibraryView view(state);
  for (const StampSeen& seen : command.decided_on) {
    DML_ASSIGN_OR_RETURN(uint64_t index, view.Stamp(seen.stamp));
    if (index != seen.index) {
      return WithRetryAfter(
          Aborted(ErrorReason("STATE_CHANGED"),
                  "{} changed at index {} while this was decided: decide again", seen.stamp, index),
          std::chrono::milliseconds(0));
    }
  }
  return absl::OkStatus();
}

absl::Status Sequencer::PutMetadata(const Command& command, Batch& batch) const {
  std::map<Digest, std::string_view> given;
  for (const std::string& bytes : command.metadata) given[Sha256(bytes)] = bytes;
  for (const BlobRef& ref : MetadataBlobs(command.payload)) {
    auto it = given.find(ref.digest);
    if (it == given.end()) {
      DML_RETURN_IF_ERROR(ReadMetadata(batch, ref).status());
      continue;
    }
    if (it->second.size() != ref.size) {
      return InvalidArgument(ErrorReason("METADATA_SIZE"), "metadata blob {} has {} bytes, not {}",
                             ref.digest.ToString(), it->second.size(), ref.size);
    }
    batch.Put(Table::kMetadata, ref.digest.raw(), it->second);
  }
  return absl::OkStatus();
}

absl::StatusOr<Receipt> Sequencer::Place(Pending& pending, Group& group) {
  const Command& command = pending.command;
  LibraryView view(*group.batch);
  if (!command.request_id.empty()) {
    DML_ASSIGN_OR_RETURN(auto before, view.FindRequest(command.author, command.request_id));
    if (before.has_value()) {
      if (before->payload != wire::PayloadDigest(command.payload)) {
        return AlreadyExists(ErrorReason("REQUEST_ID_REUSED"),
                             "request id {} was used for another request, at index {}",
                             command.request_id, before->index);
      }
      return Receipt{before->index, before->time, nullptr, true};
    }
  }
  DML_RETURN_IF_ERROR(CheckStamps(command, *group.batch));
  Entry entry;
  entry.index = group.appender.size();
  const auto* accepted = std::get_if<ClockAccepted>(&command.payload);
  DML_ASSIGN_OR_RETURN(entry.time, accepted != nullptr
                                       ? clock_.Accepted(accepted->time, group.last_time)
                                       : clock_.After(group.last_time));
  DML_RETURN_IF_ERROR(Decide(command.payload, view, entry.time));
  entry.author = command.author;
  entry.request_id = command.request_id;
  entry.payload = command.payload;
  DML_ASSIGN_OR_RETURN(std::string leaf, wire::EncodeEntry(entry));
  Receipt receipt{entry.index, entry.time, nullptr, false};
  if (command.validate_only) return receipt;

  DML_RETURN_IF_ERROR(PutMetadata(command, *group.batch));
  if (absl::Status status = ApplyEntry(entry, *group.batch, *group.batch); !status.ok()) {
    return DataLoss(ErrorReason("PROJECTION_FAILED"), "{}", Message(status));
  }
  AppendLeaf(leaf, group.appender, *group.batch);
  group.last_time = entry.time;
  return receipt;
}

}  // namespace dml
