#include "storage/engine/rocksdb_backup.h"

#include <rocksdb/utilities/backup_engine.h>

#include "core/os/file.h"
#include "storage/engine/rocksdb_access.h"
#include "storage/engine/rocksdb_status.h"

namespace dml {
namespace {

// Copying leaves the disk to the traffic.
constexpr uint64_t kBytesPerSecond = 128 << 20;

rocksdb::BackupEngineOptions OptionsOf(const std::filesystem::path& folder) {
  rocksdb::BackupEngineOptions options(folder.string());
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  options.backup_rate_limit = kBytesPerSecond;
  options.max_background_operations = 1;
  return options;
}

EngineBackup From(const rocksdb::BackupInfo& info) {
  return {info.backup_id, Timestamp(std::chrono::seconds(info.timestamp)), info.size,
          info.number_files, info.app_metadata};
}

absl::Status Told(const rocksdb::Status& status, std::string_view doing,
                  const std::filesystem::path& folder, uint32_t number) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNotFound()) {
    return NotFound(ErrorReason("BACKUP_NOT_FOUND"), "{} holds no whole backup {}", folder.string(),
                    number);
  }
  if (status.IsCorruption()) {
    return DataLoss(ErrorReason("BACKUP_DAMAGED"),
                    "backup {} in {} is damaged ({}): take another one", number, folder.string(),
                    status.ToString());
  }
  return FromRocksStatus(status, doing, folder.string());
}

}  // namespace

EngineBackups::EngineBackups(std::filesystem::path folder,
                             std::unique_ptr<rocksdb::BackupEngine> made)
    : folder_(std::move(folder)), engine_(std::move(made)) {}

EngineBackups::~EngineBackups() = default;

absl::StatusOr<std::unique_ptr<EngineBackups>> EngineBackups::Open(
    const std::filesystem::path& folder) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  rocksdb::BackupEngine* made = nullptr;
  const rocksdb::IOStatus status =
      rocksdb::BackupEngine::Open(OptionsOf(folder), rocksdb::Env::Default(), &made);
  DML_RETURN_IF_ERROR(Told(status, "open backups", folder, 0));
  return std::unique_ptr<EngineBackups>(
      new EngineBackups(folder, std::unique_ptr<rocksdb::BackupEngine>(made)));
}

absl::StatusOr<EngineBackup> EngineBackups::Create(Engine& engine, const std::string& note,
                                                   const std::function<void()>& progress) {
  rocksdb::DB* db = DatabaseOf(engine);
  if (db == nullptr) {
    return FailedPrecondition(ErrorReason("BACKUP_UNSUPPORTED"),
                              "this engine has no files that could be backed up");
  }
  rocksdb::CreateBackupOptions options;
  // The log is not copied: what is not in files yet is written to one first.
  options.flush_before_backup = true;
  if (progress) options.progress_callback = progress;
  rocksdb::BackupID number = 0;
  DML_RETURN_IF_ERROR(Told(engine_->CreateNewBackupWithMetadata(options, db, note, &number),
                           "back up", folder_, number));
  rocksdb::BackupInfo info;
  DML_RETURN_IF_ERROR(Told(engine_->GetBackupInfo(number, &info), "back up", folder_, number));
  return From(info);
}

std::vector<EngineBackup> EngineBackups::List() const {
  std::vector<rocksdb::BackupInfo> infos;
  engine_->GetBackupInfo(&infos);
  std::vector<EngineBackup> out;
  for (const rocksdb::BackupInfo& info : infos) out.push_back(From(info));
  return out;
}

absl::Status EngineBackups::Verify(uint32_t number) const {
  return Told(engine_->VerifyBackup(number, true), "verify a backup", folder_, number);
}

absl::Status EngineBackups::Restore(uint32_t number, const std::filesystem::path& database) const {
  return Told(engine_->RestoreDBFromBackup(number, database.string(), database.string()), "restore",
              folder_, number);
}

absl::Status EngineBackups::Keep(uint32_t newest) {
  DML_RETURN_IF_ERROR(Told(engine_->PurgeOldBackups(newest), "drop old backups", folder_, newest));
  return Told(engine_->GarbageCollect(), "drop old backups", folder_, newest);
}

}  // namespace dml
