#include "core/os/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kGroupAndOthers = S_IRWXG | S_IRWXO;

// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  // close() may report what an earlier write could not.
  int Close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

std::string SystemText(int error) { return std::generic_category().message(error); }

// A path as one word of a shell command.
std::string ShellQuoted(const fs::path& path) {
  std::string out = "'";
  for (char c : path.string()) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

absl::Status CheckPrivate(const struct stat& info, const fs::path& path, const char* mode) {
  if (info.st_uid != ::geteuid()) {
    return FailedPrecondition(
        ErrorReason("FILE_NOT_PRIVATE"),
        "{} belongs to user {}, not to the current user {}; run 'chown {} {}' "
        "as root",
        path.string(), info.st_uid, ::geteuid(), ::geteuid(), ShellQuoted(path));
  }
  if ((info.st_mode & kGroupAndOthers) != 0) {
    return FailedPrecondition(
        ErrorReason("FILE_NOT_PRIVATE"),
        "{} has mode {:04o}, open to others than its owner; run 'chmod {} {}'", path.string(),
        info.st_mode & 07777, mode, ShellQuoted(path));
  }
  return absl::OkStatus();
}

absl::Status CheckRegular(const struct stat& info, const fs::path& path) {
  if (S_ISREG(info.st_mode)) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                            "{} is not a regular file (a folder, pipe or device); name a file",
                            path.string());
}

absl::Status TooLarge(const fs::path& path, uint64_t max_bytes) {
  return ResourceExhausted(ErrorReason("FILE_TOO_LARGE"),
                           "{} is larger than the {} bytes allowed here; name another file",
                           path.string(), max_bytes);
}

// Reads until the end, not until the size seen at first: the file may be growing, or be of a kind
// that does not tell its size.
absl::StatusOr<std::string> ReadAll(int fd, const fs::path& path, uint64_t size_hint,
                                    uint64_t max_bytes) {
  constexpr uint64_t kStep = 64 * 1024;
  if (size_hint > max_bytes) return TooLarge(path, max_bytes);
  std::string out;
  size_t used = 0;
  out.resize(size_hint + 1);  // One more, to see the end without growing.
  while (true) {
    if (used == out.size()) out.resize(used + std::max<uint64_t>(kStep, used / 2));
    ssize_t count = ::read(fd, out.data() + used, out.size() - used);
    if (count < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "read", path);
    }
    if (count == 0) break;
    used += static_cast<size_t>(count);
    if (used > max_bytes) return TooLarge(path, max_bytes);
  }
  out.resize(used);
  return out;
}

absl::StatusOr<std::string> OpenAndRead(const fs::path& path, uint64_t max_bytes, bool secret) {
  // O_NONBLOCK: opening a pipe must not wait for its other end; it means nothing for files.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return FileError(errno, "open", path);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return FileError(errno, "read", path);
  DML_RETURN_IF_ERROR(CheckRegular(info, path));
  if (secret) DML_RETURN_IF_ERROR(CheckPrivate(info, path, "600"));
  return ReadAll(file.get(), path, static_cast<uint64_t>(info.st_size), max_bytes);
}

// 0, or the error of the first step that failed.
int WriteAndSync(Descriptor& file, ByteSpan bytes, mode_t mode) {
  while (!bytes.empty()) {
    ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 || file.Close() != 0)
    return errno;
  return 0;
}

fs::path FolderOf(const fs::path& path) {
  fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// Without a trailing slash, so that the parent of "a/b/" is "a".
fs::path WithoutTrailingSlash(const fs::path& path) {
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

}  // namespace

absl::Status FileError(int error, std::string_view doing, const fs::path& path) {
  std::string name = path.string();
  switch (error) {
    case ENOENT:
      return NotFound(ErrorReason("FILE_NOT_FOUND"),
                      "cannot {} {}: it, or a folder on the way, does "
                      "not exist; check the path",
                      doing, name);
    case ENOTDIR:
      return FailedPrecondition(ErrorReason("FILE_NOT_DIRECTORY"),
                                "cannot {} {}: a part of the path "
                                "is not a folder; check the path",
                                doing, name);
    case EISDIR:
      return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                                "cannot {} {}: it is a folder; name a file", doing, name);
    case EACCES:
    case EPERM:
      return PermissionDenied(ErrorReason("FILE_PERMISSION_DENIED"),
                              "cannot {} {}: {}; run as its owner, or change its rights", doing,
                              name, SystemText(error));
    case EROFS:
      return FailedPrecondition(ErrorReason("FILE_READ_ONLY"),
                                "cannot {} {}: the file system is read-only; remount it, or name "
                                "another folder",
                                doing, name);
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(ErrorReason("DISK_FULL"),
                               "cannot {} {}: {}; free some space and try again", doing, name,
                               SystemText(error));
    default:
      return Internal(ErrorReason("FILE_IO_FAILED"),
                      "cannot {} {}: {}; check the disk and the "
                      "system log",
                      doing, name, SystemText(error));
  }
}

absl::Status SyncFolder(const fs::path& folder) {
  Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0 && ::fsync(descriptor.get()) == 0) return absl::OkStatus();
  return FileError(errno, "sync the folder", folder);
}

absl::StatusOr<std::string> ReadFile(const fs::path& path, uint64_t max_bytes) {
  return OpenAndRead(path, max_bytes, /*secret=*/false);
}

absl::StatusOr<std::string> ReadPrivateFile(const fs::path& path, uint64_t max_bytes) {
  return OpenAndRead(path, max_bytes, /*secret=*/true);
}

absl::Status WriteFileAtomically(const fs::path& path, ByteSpan bytes, mode_t mode) {
  fs::path folder = FolderOf(path);
  std::string temporary = (folder / ".dml-tmp-XXXXXX").string();
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return FileError(errno, "write", path);
  int error = WriteAndSync(file, bytes, mode);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return FileError(error, "write", path);
  }
  return SyncFolder(folder);
}

absl::Status ReplaceWithSpare(const fs::path& path, const fs::path& spare, ByteSpan bytes,
                              mode_t mode) {
  Descriptor file(::open(spare.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    DML_RETURN_IF_ERROR(WriteFileAtomically(path, bytes, mode));
    return WriteFileAtomically(spare, bytes, mode);
  }
  // Over what is there, so that its blocks are used again.
  if (::ftruncate(file.get(), static_cast<off_t>(bytes.size())) != 0) {
    return FileError(errno, "write", spare);
  }
  if (int error = WriteAndSync(file, bytes, mode); error != 0) {
    return FileError(error, "write", spare);
  }
  if (::renameat2(AT_FDCWD, spare.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
    return WriteFileAtomically(path, bytes, mode);
  }
  return SyncFolder(FolderOf(path));
}

absl::Status MakePrivateDirectory(const fs::path& given) {
  fs::path path = WithoutTrailingSlash(given);
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return FileError(errno, "open the folder", path);
    fs::path parent = FolderOf(path);
    if (parent != path && ::stat(parent.c_str(), &info) != 0 && errno == ENOENT) {
      DML_RETURN_IF_ERROR(MakePrivateDirectory(parent));
    }
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return SyncFolder(parent);
    // Another process may have been faster; what is there now is judged like an old folder.
    if (errno != EEXIST || ::stat(path.c_str(), &info) != 0) {
      return FileError(errno, "make the folder", path);
    }
  }
  if (!S_ISDIR(info.st_mode)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_DIRECTORY"),
                              "{} is there but is not a folder; move it away, or name another",
                              path.string());
  }
  return CheckPrivate(info, path, "700");
}

absl::Status RequirePrivateFile(const fs::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return FileError(errno, "read the rights of", path);
  DML_RETURN_IF_ERROR(CheckRegular(info, path));
  return CheckPrivate(info, path, "600");
}

}  // namespace dml
