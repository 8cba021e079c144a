#include "storage/backup/backups.h"

#include <spdlog/spdlog.h>

namespace dml {

Backups::Backups(Library& library, BackupsOptions options)
    : library_(library), options_(std::move(options)), thread_([this] { Run(); }) {}

Backups::~Backups() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Backups::Start(BackupWork work) {
  absl::MutexLock lock(&mutex_);
  if (asked_.has_value() || state_.running) return;
  asked_ = work;
  state_.running = true;
  state_.start_time = WallClockNow();
}

Backups::State Backups::state() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

absl::StatusOr<std::vector<Backup>> Backups::List() {
  {
    absl::MutexLock lock(&mutex_);
    if (state_.running) return known_;
  }
  absl::MutexLock folder_lock(&folder_mutex_);
  absl::StatusOr<BackupFolder> folder = BackupFolder::Open(options_.folder, std::nullopt);
  if (absl::IsNotFound(folder.status())) return std::vector<Backup>();
  DML_RETURN_IF_ERROR(folder.status());
  DML_ASSIGN_OR_RETURN(std::vector<Backup> all, folder->List());
  absl::MutexLock lock(&mutex_);
  known_ = all;
  return all;
}

absl::Status Backups::MakeOne(const BackupWork& work) {
  absl::MutexLock folder_lock(&folder_mutex_);
  DML_ASSIGN_OR_RETURN(BackupFolder folder, BackupFolder::Open(options_.folder, library_.origin()));
  // Before the database is copied: what this promises, the copy has.
  const auto signed_checkpoint = library_.checkpoint();
  DML_ASSIGN_OR_RETURN(const Backup made,
                       folder.Make({.data_dir = options_.data_dir,
                                    .engine = &library_.engine(),
                                    .origin = library_.origin(),
                                    .entries = signed_checkpoint->checkpoint.size,
                                    .root = signed_checkpoint->checkpoint.root,
                                    .version = options_.version}));
  if (work.verify) DML_RETURN_IF_ERROR(folder.Verify(made));
  if (work.keep > 0) DML_RETURN_IF_ERROR(folder.Keep(work.keep));
  spdlog::info("backup {} is made: {} entries, {} bytes{}", made.number, made.note.entries,
               made.bytes, work.verify ? ", verified" : "");
  DML_ASSIGN_OR_RETURN(std::vector<Backup> all, folder.List());
  absl::MutexLock lock(&mutex_);
  known_ = std::move(all);
  return absl::OkStatus();
}

void Backups::Run() {
  while (true) {
    BackupWork work;
    {
      absl::MutexLock lock(&mutex_);
      auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || asked_.has_value();
      };
      mutex_.Await(absl::Condition(&awake));
      if (stopping_) return;
      work = *asked_;
      asked_.reset();
    }
    const absl::Status status = MakeOne(work);
    if (!status.ok()) spdlog::error("a backup failed: {}", Message(status));
    absl::MutexLock lock(&mutex_);
    state_.running = false;
    state_.error = status;
    if (status.ok()) state_.finish_time = WallClockNow();
  }
}

}  // namespace dml
