#include "client/file_io.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include <sys/stat.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = 1 << 20;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: opening a pipe must not wait for its other end; it means nothing for files.
constexpr int kFileFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// What open has just answered, where it is a regular file.
absl::StatusOr<FileDescriptor> CheckRegular(FileDescriptor file, const fs::path& path) {
  if (!file.valid()) return IoError(errno, "open", path);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return IoError(errno, "open", path);
  if (!S_ISREG(info.st_mode)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "{} is not a regular file (a folder, pipe or device); move it away",
                              path.string());
  }
  return file;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status IoError(int error, std::string_view doing, const fs::path& path) {
  std::string name = path.string();
  std::string text = std::generic_category().message(error);
  switch (error) {
    case ENOENT:
      return NotFound(ErrorReason("FILE_NOT_FOUND"), "cannot {} {}: it does not exist", doing,
                      name);
    case EEXIST:
      return AlreadyExists(ErrorReason("FILE_EXISTS"),
                           "cannot {} {}: there is one already; move it away, or overwrite it",
                           doing, name);
    case ELOOP:
    case ENOTDIR:
      return FailedPrecondition(ErrorReason("PATH_UNSAFE"),
                                "cannot {} {}: it is a link, or a file where a folder must be; "
                                "remove it, or name another folder",
                                doing, name);
    case EACCES:
    case EPERM:
      return PermissionDenied(ErrorReason("FILE_PERMISSION_DENIED"),
                              "cannot {} {}: {}; change its rights or its owner", doing, name,
                              text);
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(ErrorReason("DISK_FULL"),
                               "cannot {} {}: {}; free some space and try again", doing, name,
                               text);
    default:
      return Internal(ErrorReason("FILE_IO_FAILED"), "cannot {} {}: {}; check the disk", doing,
                      name, text);
  }
}

absl::Status ReadAt(const FileDescriptor& file, uint64_t offset, size_t size, std::string& out,
                    const fs::path& path) {
  out.resize(size);
  size_t done = 0;
  while (done < size) {
    ssize_t count =
        ::pread(file.get(), out.data() + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError(errno, "read", path);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  out.resize(done);
  return absl::OkStatus();
}

absl::Status WriteAt(const FileDescriptor& file, uint64_t offset, std::string_view bytes,
                     const fs::path& path) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = ::pwrite(file.get(), bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError(errno, "write", path);
    done += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileDescriptor> OpenRegular(const fs::path& path) {
  return CheckRegular(FileDescriptor(::open(path.c_str(), kFileFlags)), path);
}

absl::StatusOr<BlobRef> HashFile(const FileDescriptor& file, const fs::path& path) {
  Sha256Hasher hasher;
  BlobRef out;
  std::string block;
  do {
    DML_RETURN_IF_ERROR(ReadAt(file, out.size, kBlockBytes, block, path));
    hasher.Update(block);
    out.size += block.size();
  } while (!block.empty());
  out.digest = hasher.Finish();
  return out;
}

absl::StatusOr<SafeDirectory> SafeDirectory::Open(const fs::path& path, bool create) {
  if (create) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return IoError(error.value(), "make the folder", path);
  }
  // The folder itself is the caller's choice and may be reached through links.
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return IoError(errno, "open the folder", path);
  return SafeDirectory(path, std::move(folder));
}

absl::StatusOr<SafeDirectory::Place> SafeDirectory::Find(std::string_view name, bool create) const {
  Place out;
  out.path = path_ / name;
  out.folder = FileDescriptor(::fcntl(folder_.get(), F_DUPFD_CLOEXEC, 0));
  if (!out.folder.valid()) return IoError(errno, "open the folder", path_);
  while (true) {
    size_t slash = name.find('/');
    std::string part(name.substr(0, slash));
    if (slash == std::string_view::npos) {
      out.name = std::move(part);
      return out;
    }
    if (create && ::mkdirat(out.folder.get(), part.c_str(), 0777) != 0 && errno != EEXIST) {
      return IoError(errno, "make the folders of", out.path);
    }
    FileDescriptor next(::openat(out.folder.get(), part.c_str(), kFolderFlags));
    if (!next.valid()) return IoError(errno, "open the folders of", out.path);
    out.folder = std::move(next);
    name.remove_prefix(slash + 1);
  }
}

absl::StatusOr<FileDescriptor> SafeDirectory::OpenFile(const Place& place) {
  FileDescriptor file(::openat(place.folder.get(), place.name.c_str(), kFileFlags | O_NOFOLLOW));
  return CheckRegular(std::move(file), place.path);
}

absl::StatusOr<std::vector<std::string>> SafeDirectory::List(size_t max_files) const {
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator it(path_, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code kind_error;
    const bool folder = it->symlink_status(kind_error).type() == fs::file_type::directory;
    if (folder && !fs::is_empty(it->path(), kind_error) && !kind_error) continue;
    if (out.size() == max_files) {
      return ResourceExhausted(ErrorReason("FOLDER_TOO_LARGE"),
                               "{} holds more than {} files; name a folder with nothing else in it",
                               path_.string(), max_files);
    }
    out.push_back(it->path().lexically_relative(path_).generic_string() + (folder ? "/" : ""));
  }
  if (error) return IoError(error.value(), "list the folder", path_);
  std::ranges::sort(out);
  return out;
}

}  // namespace dml
