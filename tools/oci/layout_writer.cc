#include "tools/oci/layout_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "client/file_io.h"
#include "core/crypto/sha256.h"
#include "tools/oci/layout_format.h"

namespace dml {

namespace fs = std::filesystem;

class LayoutSink {
 public:
  virtual ~LayoutSink() = default;
  virtual absl::Status WriteBytes(const std::string& name, std::string_view bytes) = 0;
  /// Takes the file; DATA_LOSS (BLOB_DIGEST_MISMATCH) where it is not `blob`.
  virtual absl::Status WriteFile(const std::string& name, const BlobRef& blob,
                                 const fs::path& path) = 0;
  /// Everything is on the disk afterwards.
  virtual absl::Status Close() = 0;
};

namespace {

constexpr size_t kBlockBytes = 1 << 20;

absl::StatusOr<FileDescriptor> OpenForReading(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return IoError(errno, "open", path);
  return file;
}

absl::StatusOr<FileDescriptor> CreateFile(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return IoError(errno, "make", path);
  return file;
}

absl::Status CheckBlob(const BlobRef& found, const BlobRef& blob, const fs::path& path) {
  if (found == blob) return absl::OkStatus();
  return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                  "{} has {} bytes and digest {}, not {} bytes and {}; export again", path.string(),
                  found.size, found.digest.ToString(), blob.size, blob.digest.ToString());
}

class FolderSink : public LayoutSink {
 public:
  explicit FolderSink(fs::path folder) : folder_(std::move(folder)) {}

  absl::Status Open() const {
    std::error_code error;
    fs::create_directories(folder_ / "blobs" / "sha256", error);
    if (error) return IoError(error.value(), "make the folder", folder_);
    return absl::OkStatus();
  }

  absl::Status WriteBytes(const std::string& name, std::string_view bytes) override {
    const fs::path path = folder_ / name;
    DML_ASSIGN_OR_RETURN(FileDescriptor file, CreateFile(path));
    return WriteAt(file, 0, bytes, path);
  }

  absl::Status WriteFile(const std::string& name, const BlobRef& blob,
                         const fs::path& path) override {
    DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenForReading(path));
    DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(file, path));
    DML_RETURN_IF_ERROR(CheckBlob(found, blob, path));
    if (::rename(path.c_str(), (folder_ / name).c_str()) != 0) {
      return IoError(errno, "move a file to", folder_ / name);
    }
    return absl::OkStatus();
  }

  absl::Status Close() override {
    FileDescriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || ::syncfs(folder.get()) != 0) return IoError(errno, "sync", folder_);
    return absl::OkStatus();
  }

 private:
  const fs::path folder_;
};

class TarSink : public LayoutSink {
 public:
  explicit TarSink(fs::path path) : path_(std::move(path)), tar_(archive_write_new()) {}

  absl::Status Open() {
    DML_ASSIGN_OR_RETURN(file_, CreateFile(path_));
    archive* tar = tar_.get();
    if (archive_write_set_format_pax_restricted(tar) != ARCHIVE_OK ||
        archive_write_open_fd(tar, file_.get()) != ARCHIVE_OK) {
      return Failed();
    }
    return absl::OkStatus();
  }

  absl::Status WriteBytes(const std::string& name, std::string_view bytes) override {
    DML_RETURN_IF_ERROR(StartEntry(name, bytes.size()));
    DML_RETURN_IF_ERROR(Append(bytes));
    return EndEntry();
  }

  absl::Status WriteFile(const std::string& name, const BlobRef& blob,
                         const fs::path& path) override {
    DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenForReading(path));
    DML_RETURN_IF_ERROR(StartEntry(name, blob.size));
    Sha256Hasher hasher;
    BlobRef found;
    std::string block;
    do {
      DML_RETURN_IF_ERROR(ReadAt(file, found.size, kBlockBytes, block, path));
      found.size += block.size();
      if (found.size > blob.size) break;
      hasher.Update(block);
      DML_RETURN_IF_ERROR(Append(block));
    } while (!block.empty());
    found.digest = hasher.Finish();
    DML_RETURN_IF_ERROR(CheckBlob(found, blob, path));
    std::error_code ignored;
    fs::remove(path, ignored);
    return EndEntry();
  }

  absl::Status Close() override {
    if (archive_write_close(tar_.get()) != ARCHIVE_OK) return Failed();
    if (::fsync(file_.get()) != 0) return IoError(errno, "sync", path_);
    return absl::OkStatus();
  }

 private:
  struct Free {
    void operator()(archive* tar) const { archive_write_free(tar); }
  };

  absl::Status Failed() { return IoError(archive_errno(tar_.get()), "write", path_); }

  // Neither times nor owners: the same content gives the same bytes.
  absl::Status StartEntry(const std::string& name, uint64_t size) {
    std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                   archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (archive_write_header(tar_.get(), entry.get()) != ARCHIVE_OK) return Failed();
    return absl::OkStatus();
  }

  absl::Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const la_ssize_t count = archive_write_data(tar_.get(), bytes.data(), bytes.size());
      if (count <= 0) return Failed();
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  absl::Status EndEntry() {
    return archive_write_finish_entry(tar_.get()) == ARCHIVE_OK ? absl::OkStatus() : Failed();
  }

  const fs::path path_;
  FileDescriptor file_;
  std::unique_ptr<archive, Free> tar_;  // Before file_ goes: it may write what is left.
};

absl::Status Exists(const fs::path& target) {
  return AlreadyExists(ErrorReason("FILE_EXISTS"),
                       "{} is there already; name a file or folder that is not", target.string());
}

template <typename Sink>
absl::StatusOr<std::unique_ptr<LayoutSink>> OpenSink(const fs::path& path) {
  auto sink = std::make_unique<Sink>(path);
  DML_RETURN_IF_ERROR(sink->Open());
  DML_RETURN_IF_ERROR(sink->WriteBytes("oci-layout", FormatLayoutMarker()));
  return absl::StatusOr<std::unique_ptr<LayoutSink>>(std::move(sink));
}

std::string BlobName(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

}  // namespace

LayoutWriter::LayoutWriter(fs::path target, WorkFolder work, std::unique_ptr<LayoutSink> sink)
    : target_(std::move(target)), work_(std::move(work)), sink_(std::move(sink)) {
  scratch_ = work_.path() / "scratch";
}
LayoutWriter::LayoutWriter(LayoutWriter&&) noexcept = default;
LayoutWriter::~LayoutWriter() = default;

absl::StatusOr<LayoutWriter> LayoutWriter::Create(const fs::path& target) {
  std::error_code error;
  fs::path absolute = fs::absolute(target, error).lexically_normal();
  if (error) return IoError(error.value(), "find", target);
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "layout/"
  if (fs::exists(fs::symlink_status(absolute, error))) return Exists(target);
  DML_ASSIGN_OR_RETURN(WorkFolder work, WorkFolder::Make(absolute.parent_path()));
  const fs::path layout = work.path() / "layout";
  DML_ASSIGN_OR_RETURN(std::unique_ptr<LayoutSink> sink, absolute.extension() == ".tar"
                                                             ? OpenSink<TarSink>(layout)
                                                             : OpenSink<FolderSink>(layout));
  LayoutWriter out(std::move(absolute), std::move(work), std::move(sink));
  if (!fs::create_directory(out.scratch_, error)) {
    return IoError(error.value(), "make the folder", out.scratch_);
  }
  return out;
}

absl::StatusOr<BlobRef> LayoutWriter::AddBytes(std::string_view bytes) {
  const BlobRef blob{Sha256(bytes), bytes.size()};
  if (Has(blob.digest)) return blob;
  DML_RETURN_IF_ERROR(sink_->WriteBytes(BlobName(blob.digest), bytes));
  blobs_.insert(blob.digest);
  blob_bytes_ += blob.size;
  return blob;
}

absl::Status LayoutWriter::AddFile(const BlobRef& blob, const fs::path& path) {
  if (Has(blob.digest)) {
    std::error_code ignored;
    fs::remove(path, ignored);  // Taken all the same: its place is free afterwards.
    return absl::OkStatus();
  }
  DML_RETURN_IF_ERROR(sink_->WriteFile(BlobName(blob.digest), blob, path));
  blobs_.insert(blob.digest);
  blob_bytes_ += blob.size;
  return absl::OkStatus();
}

absl::Status LayoutWriter::Finish(std::string_view index_json) {
  DML_RETURN_IF_ERROR(sink_->WriteBytes("index.json", index_json));
  DML_RETURN_IF_ERROR(sink_->Close());
  const fs::path layout = work_.path() / "layout";
  if (::renameat2(AT_FDCWD, layout.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  if (error == EEXIST) return Exists(target_);
  // Some file systems cannot do that (EINVAL): then the look above has to do.
  if (error != EINVAL || ::rename(layout.c_str(), target_.c_str()) != 0) {
    return IoError(error, "give the layout its name", target_);
  }
  return absl::OkStatus();
}

}  // namespace dml
