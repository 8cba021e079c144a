#include "storage/engine/rocksdb_row_file.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include <rocksdb/env.h>

#include "storage/engine/rocksdb_status.h"

namespace dml {
namespace {

class RocksRowFile : public RowFile {
 public:
  RocksRowFile(std::string path, const rocksdb::Options& options,
               rocksdb::ColumnFamilyHandle* family)
      : path_(std::move(path)),
        env_(options.env),
        // Without "invalidate_page_cache": what was just uploaded is what is pulled next.
        writer_(rocksdb::EnvOptions(options), options, family, false) {}
  ~RocksRowFile() override {
    if (!path_.empty()) env_->DeleteFile(path_).PermitUncheckedError();
  }

  absl::Status Open() { return Wrap(writer_.Open(path_), "begin a pack"); }
  absl::Status Add(std::string_view key, std::string_view value) override {
    return Wrap(writer_.Put(key, value), "write a pack");
  }
  absl::Status Ingest(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family);

 private:
  absl::Status Wrap(const rocksdb::Status& status, std::string_view doing) const {
    // An order that is not ascending is this program's fault and no sign of an old database.
    if (status.IsInvalidArgument()) {
      return Internal(ErrorReason("STORAGE_FAILED"), "{}: {}", doing, status.ToString());
    }
    return FromRocksStatus(status, doing, path_);
  }

  std::string path_;  // Empty once the file belongs to the database.
  rocksdb::Env* const env_;
  rocksdb::SstFileWriter writer_;
};

absl::Status RocksRowFile::Ingest(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::ExternalSstFileInfo info;
  DML_RETURN_IF_ERROR(Wrap(writer_.Finish(&info), "complete a pack"));
  rocksdb::IngestExternalFileArg arg;
  arg.column_family = family;
  arg.external_files = {path_};
  arg.files_checksums = {info.file_checksum};
  arg.files_checksum_func_names = {info.file_checksum_func_name};
  arg.options.move_files = true;
  arg.options.snapshot_consistency = false;  // Else it fails while any snapshot is held.
  arg.options.allow_global_seqno = false;
  arg.options.write_global_seqno = false;
  arg.options.verify_file_checksum = false;  // Computed while writing: the file is not read again.
  arg.options.fail_if_not_bottommost_level = true;
  rocksdb::Status status = db.IngestExternalFiles({arg});
  if (status.IsInvalidArgument() || status.IsTryAgain()) {
    return FailedPrecondition(ErrorReason("RANGE_NOT_EMPTY"),
                              "rows of a pack are there already: {}", status.ToString());
  }
  DML_RETURN_IF_ERROR(FromRocksStatus(status, "take over a pack", path_));
  path_.clear();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StagingFolder>> StagingFolder::Open(
    const std::string& database_path, const rocksdb::DBOptions& options) {
  rocksdb::Env& env = *options.env;
  const std::string path = database_path + "-staging";
  rocksdb::Status status = env.CreateDirIfMissing(path);
  std::error_code error;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (status.ok() && error) status = rocksdb::Status::IOError(path, error.message());
  std::vector<std::string> names;
  if (status.ok()) status = env.GetChildren(path, &names);
  for (const std::string& name : names) {
    if (status.ok() && name.ends_with(".sst")) status = env.DeleteFile(path + "/" + name);
  }
  DML_RETURN_IF_ERROR(FromRocksStatus(status, "empty the folder for new packs", path));
  auto folder = std::unique_ptr<StagingFolder>(new StagingFolder(path, options));
  return folder;
}

absl::StatusOr<std::unique_ptr<RowFile>> StagingFolder::NewFile(
    rocksdb::ColumnFamilyHandle* family) {
  rocksdb::ColumnFamilyDescriptor descriptor;
  DML_RETURN_IF_ERROR(FromRocksStatus(family->GetDescriptor(&descriptor), "begin a pack", path_));
  rocksdb::Options options(options_, descriptor.options);
  options.rate_limiter = nullptr;  // Somebody waits for it: not background work.
  auto file =
      std::make_unique<RocksRowFile>(fmt::format("{}/{}.sst", path_, next_++), options, family);
  DML_RETURN_IF_ERROR(file->Open());
  return file;
}

absl::Status StagingFolder::Ingest(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                                   std::unique_ptr<RowFile> file) {
  auto* own = dynamic_cast<RocksRowFile*>(file.get());
  if (own == nullptr) {
    return Internal(ErrorReason("ROW_FILE_FOREIGN"), "a file of another engine was ingested");
  }
  return own->Ingest(db, family);
}

}  // namespace dml
