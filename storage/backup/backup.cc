#include "storage/backup/backup.h"

#include <algorithm>
#include <set>

#include "core/base/strict_json.h"
#include "core/crypto/random.h"
#include "core/os/file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr ErrorReason kDamaged("BACKUP_DAMAGED");
constexpr uint64_t kFormat = 1;
constexpr size_t kMaxNoteBytes = 16 << 10;
constexpr uint64_t kMaxFileBytes = 64 << 20;  // Of the files beside the database.

// What a data directory has beside database, keys and audit log. Keys are left out on purpose.
constexpr const char* kFiles[] = {"format",
                                  "origin",
                                  "signed-checkpoint",
                                  "signed-checkpoint.previous",
                                  "tls/ca.pem",
                                  "tls/server.pem",
                                  "client/admin.pem",
                                  "client/root.json",
                                  "client/log.pem",
                                  "client/log.next.pem",
                                  "principals/names.json"};

absl::Status CopyFile(const fs::path& from, const fs::path& to) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(from, kMaxFileBytes));
  DML_RETURN_IF_ERROR(MakePrivateDirectory(to.parent_path()));
  return WriteFileAtomically(to, AsBytes(text), 0600);
}

// Those that are there.
absl::Status CopyKnownFiles(const fs::path& from, const fs::path& to) {
  for (const char* name : kFiles) {
    std::error_code error;
    if (!fs::exists(from / name, error)) continue;
    DML_RETURN_IF_ERROR(CopyFile(from / name, to / name));
  }
  return absl::OkStatus();
}

// Files only grow and are closed one after another, so one of the same size is the same.
absl::Status CopyGrown(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::is_directory(from, error)) return absl::OkStatus();
  DML_RETURN_IF_ERROR(MakePrivateDirectory(to));
  fs::directory_iterator files(from, error);
  for (; !error && files != fs::directory_iterator(); files.increment(error)) {
    if (!files->is_regular_file(error)) continue;
    const fs::path copy = to / files->path().filename();
    std::error_code missing;
    const uintmax_t there = fs::file_size(copy, missing);
    if (!missing && there == files->file_size(error)) continue;
    DML_RETURN_IF_ERROR(CopyFile(files->path(), copy));
  }
  if (error) return FileError(error.value(), "list", from);
  return absl::OkStatus();
}

std::string LibraryLine(const std::string& origin) {
  return json{{"backupFormat", kFormat}, {"origin", origin}}.dump() + "\n";
}

absl::StatusOr<std::string> ReadLibraryLine(const fs::path& file, std::string_view text) {
  DML_ASSIGN_OR_RETURN(const json value, ParseStrictJson(text, kMaxNoteBytes, kDamaged));
  ObjectReader in(value, kDamaged);
  const uint64_t format = in.Unsigned("backupFormat", 1, UINT64_MAX);
  if (format > kFormat) {
    return FailedPrecondition(ErrorReason("BACKUP_NEWER"),
                              "{} has format {}, this version reads {}: use the version that wrote "
                              "it or a newer one",
                              file.parent_path().string(), format, kFormat);
  }
  std::string origin = in.String("origin", kMaxNoteBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  return origin;
}

bool IsEmptyFolder(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || fs::is_empty(folder, error);
}

}  // namespace

std::string FormatBackupNote(const BackupNote& note) {
  return json{{"origin", note.origin},
              {"entries", note.entries},
              {"root", note.root.ToString()},
              {"files", note.files},
              {"version", note.version}}
      .dump();
}

absl::StatusOr<BackupNote> ParseBackupNote(std::string_view text) {
  absl::StatusOr<json> value = ParseStrictJson(text, kMaxNoteBytes, kDamaged);
  if (!value.ok()) return DataLoss(kDamaged, "{}", Message(value.status()));
  ObjectReader in(*value, kDamaged);
  BackupNote out;
  out.origin = in.String("origin", kMaxNoteBytes);
  out.entries = in.Unsigned("entries", 0, UINT64_MAX);
  const std::string root = in.String("root", 100);
  out.files = in.String("files", 200);
  out.version = in.StringOr("version", 200, "");
  if (absl::Status status = in.Finish(); !status.ok()) {
    return DataLoss(kDamaged, "{}", Message(status));
  }
  const absl::StatusOr<Digest> digest = Digest::Parse(root);
  // The name becomes a path.
  const bool plain = std::ranges::all_of(out.files, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
  });
  if (!digest.ok() || !plain || out.files.empty()) {
    return DataLoss(kDamaged, "its note names no root or no folder of files");
  }
  out.root = *digest;
  return out;
}

BackupFolder::BackupFolder(fs::path folder, std::string origin,
                           std::unique_ptr<EngineBackups> databases)
    : folder_(std::move(folder)), origin_(std::move(origin)), databases_(std::move(databases)) {}

absl::StatusOr<BackupFolder> BackupFolder::Open(const fs::path& folder,
                                                const std::optional<std::string>& origin) {
  const fs::path file = folder / "library";
  absl::StatusOr<std::string> text = ReadFile(file, kMaxNoteBytes);
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  std::string of;
  if (text.ok()) {
    DML_ASSIGN_OR_RETURN(of, ReadLibraryLine(file, *text));
    if (origin.has_value() && of != *origin) {
      return FailedPrecondition(ErrorReason("BACKUP_FOREIGN"),
                                "{} holds backups of {}, not of {}: name another folder",
                                folder.string(), of, *origin);
    }
  } else if (!origin.has_value()) {
    return NotFound(ErrorReason("BACKUP_NOT_FOUND"), "{} holds no backups", folder.string());
  } else if (!IsEmptyFolder(folder)) {
    return FailedPrecondition(ErrorReason("BACKUP_FOREIGN"),
                              "{} holds something, but no backups: name an empty or new folder",
                              folder.string());
  } else {
    of = *origin;
    DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
    DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(LibraryLine(of)), 0600));
  }
  DML_ASSIGN_OR_RETURN(auto databases, EngineBackups::Open(folder / "database"));
  return BackupFolder(folder, std::move(of), std::move(databases));
}

absl::StatusOr<std::string> BackupFolder::CopyFiles(const BackupSource& source) const {
  const std::string name = fmt::format("{:016x}-{}", source.entries, RandomHex(4));
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder_ / "files" / name));
  DML_RETURN_IF_ERROR(CopyKnownFiles(source.data_dir, folder_ / "files" / name));
  DML_RETURN_IF_ERROR(CopyGrown(source.data_dir / "audit", folder_ / "audit"));
  DML_RETURN_IF_ERROR(SyncFolder(folder_ / "files"));
  return name;
}

absl::StatusOr<Backup> BackupFolder::Make(const BackupSource& source) {
  BackupNote note{source.origin, source.entries, source.root, "", source.version};
  DML_ASSIGN_OR_RETURN(note.files, CopyFiles(source));
  absl::StatusOr<EngineBackup> made = databases_->Create(*source.engine, FormatBackupNote(note));
  if (!made.ok()) {
    std::error_code ignored;
    fs::remove_all(folder_ / "files" / note.files, ignored);
    return made.status();
  }
  return Backup{made->number, made->time, made->bytes, std::move(note)};
}

absl::StatusOr<std::vector<Backup>> BackupFolder::List() const {
  std::vector<Backup> out;
  for (EngineBackup& made : databases_->List()) {
    absl::StatusOr<BackupNote> note = ParseBackupNote(made.note);
    if (note.ok()) out.push_back({made.number, made.time, made.bytes, *std::move(note)});
  }
  return out;
}

absl::StatusOr<Backup> BackupFolder::Find(uint32_t number) const {
  DML_ASSIGN_OR_RETURN(std::vector<Backup> all, List());
  if (number == 0 && !all.empty()) return std::move(all.back());
  for (Backup& backup : all) {
    if (backup.number == number) return std::move(backup);
  }
  return NotFound(ErrorReason("BACKUP_NOT_FOUND"), "{} holds no whole backup{}", folder_.string(),
                  number == 0 ? "" : fmt::format(" {}", number));
}

absl::Status BackupFolder::Verify(const Backup& backup) const {
  std::error_code error;
  if (!fs::exists(folder_ / "files" / backup.note.files / "origin", error)) {
    return DataLoss(kDamaged, "backup {} in {} lacks its files: take another one", backup.number,
                    folder_.string());
  }
  return databases_->Verify(backup.number);
}

absl::Status BackupFolder::CopyTo(const Backup& backup, const fs::path& data_dir) const {
  DML_RETURN_IF_ERROR(databases_->Restore(backup.number, data_dir / "db"));
  DML_RETURN_IF_ERROR(CopyKnownFiles(folder_ / "files" / backup.note.files, data_dir));
  return CopyGrown(folder_ / "audit", data_dir / "audit");
}

absl::Status BackupFolder::Keep(uint32_t newest) {
  DML_RETURN_IF_ERROR(databases_->Keep(newest));
  DML_ASSIGN_OR_RETURN(const std::vector<Backup> left, List());
  std::set<std::string> named;
  for (const Backup& backup : left) named.insert(backup.note.files);
  std::error_code error;
  fs::directory_iterator folders(folder_ / "files", error);
  std::vector<fs::path> gone;
  for (; !error && folders != fs::directory_iterator(); folders.increment(error)) {
    if (!named.contains(folders->path().filename().string())) gone.push_back(folders->path());
  }
  for (const fs::path& folder : gone) fs::remove_all(folder, error);
  if (error) return FileError(error.value(), "drop old backups of", folder_);
  return absl::OkStatus();
}

}  // namespace dml
