#include "tools/oci/layout_tar.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <sys/stat.h>

#include "client/file_io.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "tools/oci/layout_format.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr ErrorReason kInvalid("LAYOUT_INVALID");
constexpr ErrorReason kTooLarge("LAYOUT_TOO_LARGE");
constexpr std::string_view kBlobFolder = "blobs/sha256/";
constexpr size_t kBlockBytes = 1 << 20;
constexpr uint64_t kMaxEntries = 1 << 20;

struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeReader>;

std::string_view Text(const char* text) { return text == nullptr ? "" : text; }

class Unpacker {
 public:
  Unpacker(fs::path tar, fs::path folder)
      : path_(std::move(tar)), folder_(std::move(folder)), tar_(archive_read_new()) {}

  absl::Status Run() {
    DML_RETURN_IF_ERROR(Open());
    std::error_code error;
    fs::create_directories(folder_ / kBlobFolder, error);
    if (error) return IoError(error.value(), "make the folder", folder_);
    for (uint64_t entries = 0;; ++entries) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(tar_.get(), &entry);
      if (result == ARCHIVE_EOF) return absl::OkStatus();
      if (result != ARCHIVE_OK) return Broken();
      if (entries == kMaxEntries) {
        return ResourceExhausted(kTooLarge, "{} has more than {} entries; export fewer variants",
                                 path_.string(), kMaxEntries);
      }
      DML_RETURN_IF_ERROR(ReadEntry(entry));
    }
  }

 private:
  absl::Status Open() {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file_.valid()) return IoError(errno, "open", path_);
    struct stat info;
    if (::fstat(file_.get(), &info) != 0) return IoError(errno, "open", path_);
    if (!S_ISREG(info.st_mode)) {
      return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                                "{} is neither a folder nor a regular file", path_.string());
    }
    size_ = static_cast<uint64_t>(info.st_size);
    // No filter: what is compressed is no tar archive here.
    if (archive_read_support_format_tar(tar_.get()) != ARCHIVE_OK ||
        archive_read_open_fd(tar_.get(), file_.get(), kBlockBytes) != ARCHIVE_OK) {
      return Broken();
    }
    return absl::OkStatus();
  }

  absl::Status Broken() const {
    return InvalidArgument(kInvalid, "cannot read {}: {}; is it a layout's tar file, and complete?",
                           path_.string(), Excerpt(Text(archive_error_string(tar_.get())), 256));
  }
  absl::Status Refused(std::string_view entry, std::string_view why) const {
    return InvalidArgument(kInvalid,
                           "{}, entry '{}': {}; a layout's tar file has oci-layout, "
                           "index.json and blobs/sha256/... and nothing else",
                           path_.string(), Excerpt(entry, 128), why);
  }

  static bool IsLayoutFolder(std::string_view name) {
    while (name.ends_with('/')) name.remove_suffix(1);
    return name == "." || name == "blobs" || name == "blobs/sha256";
  }

  absl::Status ReadEntry(archive_entry* entry) {
    const std::string full_name(Text(archive_entry_pathname(entry)));
    std::string_view name = full_name;
    if (name.starts_with("./") && name.size() > 2) name.remove_prefix(2);
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr) {
      return Refused(full_name, "links are not followed");
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) {
      if (IsLayoutFolder(full_name) || IsLayoutFolder(name)) return absl::OkStatus();
      return Refused(full_name, "an unknown folder");
    }
    if (archive_entry_filetype(entry) != AE_IFREG) return Refused(full_name, "no regular file");
    if (archive_entry_sparse_count(entry) > 0) return Refused(full_name, "it is sparse");
    const uint64_t size = static_cast<uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
    if (size > size_) return Refused(full_name, "it is longer than the whole file");
    if (name == "oci-layout") return ReadDocument(name, size, kMaxLayoutMarkerBytes);
    if (name == "index.json") return ReadDocument(name, size, kMaxIndexBytes);
    if (!name.starts_with(kBlobFolder)) return Refused(full_name, "an unknown name");
    absl::StatusOr<Digest> digest =
        Digest::Parse("sha256:" + std::string(name.substr(kBlobFolder.size())));
    if (!digest.ok()) return Refused(full_name, "the name of a blob is 64 hex digits");
    DML_ASSIGN_OR_RETURN(BlobRef found, WriteFile(name));
    if (found == BlobRef{*digest, size}) return absl::OkStatus();
    return DataLoss(ErrorReason("LAYOUT_BLOB_DAMAGED"),
                    "{}: the blob {} of {} bytes is damaged: found {} bytes with digest {}; copy "
                    "the file again",
                    path_.string(), digest->ToString(), size, found.size, found.digest.ToString());
  }

  absl::Status ReadDocument(std::string_view name, uint64_t size, uint64_t max_bytes) {
    if (size > max_bytes) {
      return ResourceExhausted(kTooLarge, "{}: {} has {} bytes; at most {}: export fewer variants",
                               path_.string(), name, size, max_bytes);
    }
    return WriteFile(name).status();
  }

  // The name is one of a layout's, so that it cannot lead out of the folder.
  absl::StatusOr<BlobRef> WriteFile(std::string_view name) {
    const fs::path path = folder_ / name;
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid() && errno == EEXIST) return Refused(name, "it is there twice");
    if (!file.valid()) return IoError(errno, "make", path);
    Sha256Hasher hasher;
    BlobRef found;
    while (true) {
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(tar_.get(), &block, &size, &offset);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return Broken();
      if (static_cast<uint64_t>(offset) != found.size) return Refused(name, "it is sparse");
      const std::string_view bytes(static_cast<const char*>(block), size);
      DML_RETURN_IF_ERROR(WriteAt(file, found.size, bytes, path));
      hasher.Update(bytes);
      found.size += size;
    }
    found.digest = hasher.Finish();
    return found;
  }

  const fs::path path_;
  const fs::path folder_;
  FileDescriptor file_;
  const Reader tar_;
  uint64_t size_ = 0;  // Of the tar file.
};

}  // namespace

absl::Status UnpackLayout(const fs::path& tar, const fs::path& folder) {
  return Unpacker(tar, folder).Run();
}

}  // namespace dml
