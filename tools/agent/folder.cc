#include "tools/agent/folder.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/os/file.h"
#include "core/package/names.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kNoLinks = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kModeBits = 0755;  // Never set-user-id, never for others to write.

absl::Status Unsafe(const fs::path& path, std::string_view why) {
  return FailedPrecondition(ErrorReason("PATH_UNSAFE"), "{} {}; nothing of it is taken",
                            path.string(), why);
}

absl::Status BeneathError(int error, std::string_view doing, const fs::path& path) {
  if (error == EXDEV) return Unsafe(path, "leads out of its folder");
  return IoError(error, doing, path);
}

}  // namespace

absl::StatusOr<Folder> Folder::Open(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return IoError(errno, "open the folder", path);
  return Folder(path, std::move(fd));
}

absl::StatusOr<FileDescriptor> Folder::OpenBeneath(const std::string& name, int flags, mode_t mode,
                                                   uint64_t resolve) const {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  FileDescriptor out(
      static_cast<int>(::syscall(SYS_openat2, fd_.get(), name.c_str(), &how, sizeof(how))));
  if (!out.valid()) return BeneathError(errno, "open", path_ / name);
  return out;
}

absl::StatusOr<FileDescriptor> Folder::OpenParent(const std::string& name,
                                                  std::string& last) const {
  DML_RETURN_IF_ERROR(ValidateFilePath(name));
  const size_t slash = name.rfind('/');
  last = slash == name.npos ? name : name.substr(slash + 1);
  if (slash == name.npos) return OpenBeneath(".", O_RDONLY | O_DIRECTORY, 0, kNoLinks);
  const std::string parent = name.substr(0, slash);
  DML_RETURN_IF_ERROR(MakeFolder(parent));
  return OpenBeneath(parent, O_RDONLY | O_DIRECTORY, 0, kNoLinks);
}

absl::Status Folder::MakeFolder(const std::string& name) const {
  DML_RETURN_IF_ERROR(ValidateFilePath(name));
  for (size_t end = name.find('/');; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    const size_t slash = part.rfind('/');
    const std::string above = slash == part.npos ? "." : part.substr(0, slash);
    DML_ASSIGN_OR_RETURN(FileDescriptor parent,
                         OpenBeneath(above, O_RDONLY | O_DIRECTORY, 0, kNoLinks));
    const std::string last = slash == part.npos ? part : part.substr(slash + 1);
    if (::mkdirat(parent.get(), last.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return BeneathError(errno, "make the folder", path_ / part);
    }
    // What is there may be a file, or a link.
    DML_RETURN_IF_ERROR(OpenBeneath(part, O_RDONLY | O_DIRECTORY, 0, kNoLinks).status());
    if (end == name.npos) return absl::OkStatus();
  }
}

absl::StatusOr<FileDescriptor> Folder::MakeFile(const std::string& name, mode_t mode) const {
  std::string last;
  DML_RETURN_IF_ERROR(OpenParent(name, last).status());
  DML_ASSIGN_OR_RETURN(FileDescriptor file,
                       OpenBeneath(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, kNoLinks));
  if (::fchmod(file.get(), mode & kModeBits) != 0) {
    return IoError(errno, "set the rights of", path_ / name);
  }
  return file;
}

absl::StatusOr<FileDescriptor> Folder::OpenFile(const std::string& name) const {
  DML_RETURN_IF_ERROR(ValidateFilePath(name));
  DML_ASSIGN_OR_RETURN(FileDescriptor file,
                       OpenBeneath(name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, kNoLinks));
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return IoError(errno, "open", path_ / name);
  if (!S_ISREG(info.st_mode)) return Unsafe(path_ / name, "is no regular file");
  return file;
}

absl::Status Folder::MakeLink(const std::string& name, const std::string& target) const {
  if (target.empty() || target.front() == '/') {
    return Unsafe(path_ / name, "is a link with an absolute target");
  }
  std::string last;
  DML_ASSIGN_OR_RETURN(FileDescriptor parent, OpenParent(name, last));
  if (::symlinkat(target.c_str(), parent.get(), last.c_str()) != 0) {
    return BeneathError(errno, "make the link", path_ / name);
  }
  return absl::OkStatus();
}

absl::Status Folder::MakeSecondName(const std::string& name, const std::string& target) const {
  DML_RETURN_IF_ERROR(OpenFile(target).status());
  std::string last, target_last;
  DML_ASSIGN_OR_RETURN(FileDescriptor parent, OpenParent(name, last));
  DML_ASSIGN_OR_RETURN(FileDescriptor from, OpenParent(target, target_last));
  // Without AT_SYMLINK_FOLLOW a link is never followed.
  if (::linkat(from.get(), target_last.c_str(), parent.get(), last.c_str(), 0) != 0) {
    return BeneathError(errno, "make a second name", path_ / name);
  }
  return absl::OkStatus();
}

absl::Status Folder::CheckLinks(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const absl::Status status =
        OpenBeneath(name, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS).status();
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

absl::Status SyncTree(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const fs::file_type type = it->symlink_status().type();
    if (type == fs::file_type::directory) DML_RETURN_IF_ERROR(SyncFolder(it->path()));
    if (type != fs::file_type::regular) continue;
    FileDescriptor file(::open(it->path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid() || ::fsync(file.get()) != 0) return IoError(errno, "sync", it->path());
  }
  if (error) return IoError(error.value(), "sync", folder);
  return SyncFolder(folder);
}

absl::Status RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? IoError(error.value(), "remove", path) : absl::OkStatus();
}

absl::StatusOr<uint64_t> TreeBytes(const fs::path& folder) {
  uint64_t out = 0;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return out;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    struct stat info;
    // One that was removed meanwhile has no bytes.
    if (::lstat(it->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      out += static_cast<uint64_t>(info.st_size);
    }
  }
  if (error) return IoError(error.value(), "measure", folder);
  return out;
}

absl::Status SwitchLink(const fs::path& link, const std::string& target) {
  const fs::path fresh = link.parent_path() / (".dml-new-" + link.filename().string());
  DML_RETURN_IF_ERROR(RemoveTree(fresh));  // Of a switch that was killed.
  if (::symlink(target.c_str(), fresh.c_str()) != 0) return IoError(errno, "make the link", fresh);
  if (::rename(fresh.c_str(), link.c_str()) != 0) {
    const int error = errno;
    (void)RemoveTree(fresh);
    return IoError(error, "switch", link);
  }
  return SyncFolder(link.parent_path());
}

}  // namespace dml::agent
