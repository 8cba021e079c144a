#include "storage/backup/restore.h"

#include "core/merkle/merkle.h"
#include "core/os/file.h"
#include "storage/data_dir.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/journal/journal.h"
#include "storage/library/journal_prefix.h"
#include "storage/library/library.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

absl::Status RequireFree(const fs::path& data_dir) {
  std::error_code error;
  if (!fs::exists(data_dir, error) ||
      (fs::is_directory(data_dir, error) && fs::is_empty(data_dir, error) && !error)) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("DATA_DIR_FOREIGN"),
                            "{} is not empty: a backup is restored into an empty or new directory",
                            data_dir.string());
}

// The tree over the entries themselves, whatever nodes are stored.
absl::Status ProveJournal(const Reader& state, const Backup& backup) {
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(const uint64_t size, journal.Size());
  TreeAppender tree;
  if (size >= backup.note.entries) {
    while (tree.size() < backup.note.entries) {
      DML_ASSIGN_OR_RETURN(const std::string leaf, journal.Leaf(tree.size()));
      tree.Append(LeafHash(AsBytes(leaf)), [](NodeId, const Digest&) {});
    }
    if (tree.Root() == backup.note.root) return absl::OkStatus();
  }
  return DataLoss(ErrorReason("BACKUP_DAMAGED"),
                  "backup {} promises {} entries with root {}, and its database has {} entries "
                  "with root {} there: take another one",
                  backup.number, backup.note.entries, backup.note.root.ToString(), size,
                  tree.Root().ToString());
}

absl::Status Finish(const fs::path& folder, const RestoreRequest& request, RestoreReport& report) {
  RocksEngineOptions options;
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenRocksEngine(folder / "db", options));
  DML_RETURN_IF_ERROR(ProveJournal(*engine->NewSnapshot(), report.backup));
  DML_ASSIGN_OR_RETURN(report.entries, JournalView(*engine->NewSnapshot()).Size());
  if (request.last_index.has_value()) report.entries = *request.last_index + 1;
  DML_RETURN_IF_ERROR(CutJournal(*engine, report.entries));
  DML_ASSIGN_OR_RETURN(report.root, JournalView(*engine->NewSnapshot()).Root(report.entries));
  return absl::OkStatus();
}

absl::Status Rename(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);  // Over an empty folder, too.
  if (error) return FileError(error.value(), "rename to the data directory", from);
  return SyncFolder(fs::absolute(to).parent_path());
}

}  // namespace

absl::StatusOr<RestoreReport> RestoreBackup(const RestoreRequest& request) {
  DML_RETURN_IF_ERROR(RequireFree(request.data_dir));
  DML_ASSIGN_OR_RETURN(const BackupFolder backups,
                       BackupFolder::Open(request.backups, std::nullopt));
  RestoreReport report;
  DML_ASSIGN_OR_RETURN(report.backup, backups.Find(request.number));
  DML_RETURN_IF_ERROR(backups.Verify(report.backup));
  const fs::path folder = request.data_dir.string() + ".restoring";
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return FileError(error.value(), "remove", folder);
  {
    DML_ASSIGN_OR_RETURN(const DataDir made, DataDir::Open(folder));
    DML_RETURN_IF_ERROR(backups.CopyTo(report.backup, folder));
    if (fs::exists(made.signed_checkpoint(), error)) {
      fs::rename(made.signed_checkpoint(), folder / "signed-checkpoint.backup", error);
      if (error) return FileError(error.value(), "rename", made.signed_checkpoint());
    }
  }
  DML_RETURN_IF_ERROR(Finish(folder, request, report));
  DML_RETURN_IF_ERROR(Rename(folder, request.data_dir));
  return report;
}

}  // namespace dml
