// Files below a folder by names that a stranger chose, and descriptors that close themselves.
// Internal to client/.
//
// Errors name the path; reasons as in core/os/file.h, and besides
//   FAILED_PRECONDITION (PATH_UNSAFE)  a part of the path is a link, or a file where a folder must
//   be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/digest.h"
#include "core/base/status.h"

namespace dml {

/// Owns an open file. -1: none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// The error of a system call that has just failed with `error` (an errno).
absl::Status IoError(int error, std::string_view doing, const std::filesystem::path& path);

/// Reads at most `size` bytes from an offset into `out`; fewer only at the end of the file.
absl::Status ReadAt(const FileDescriptor& file, uint64_t offset, size_t size, std::string& out,
                    const std::filesystem::path& path);
absl::Status WriteAt(const FileDescriptor& file, uint64_t offset, std::string_view bytes,
                     const std::filesystem::path& path);

/// Opens a regular file to read it; links are followed, a pipe or device is FILE_NOT_REGULAR.
absl::StatusOr<FileDescriptor> OpenRegular(const std::filesystem::path& path);

/// Digest and size of an open regular file, read from its start.
absl::StatusOr<BlobRef> HashFile(const FileDescriptor& file, const std::filesystem::path& path);

/// A folder, and what is below it: no name and no link leads out of it.
///
/// Names must have passed ValidateFilePath. Every part is opened on its own and never through a
/// link, so that a link that somebody put there is an error instead of a way out.
class SafeDirectory {
 public:
  /// `create`: makes the folder, and missing parents.
  static absl::StatusOr<SafeDirectory> Open(const std::filesystem::path& path, bool create);

  const std::filesystem::path& path() const { return path_; }

  /// A place in the tree: its folder, and the name in there.
  struct Place {
    FileDescriptor folder;
    std::string name;
    std::filesystem::path path;  // For messages.
  };
  /// NOT_FOUND (FILE_NOT_FOUND) where a folder on the way is missing and `create` is false.
  absl::StatusOr<Place> Find(std::string_view name, bool create) const;

  /// Opens a regular file; FILE_NOT_FOUND, PATH_UNSAFE where it is a link, FILE_NOT_REGULAR.
  static absl::StatusOr<FileDescriptor> OpenFile(const Place& place);

  /// The names of all that is not a folder, at any depth, and of the folders with nothing in them
  /// (ending in '/'), ascending. RESOURCE_EXHAUSTED
  /// (FOLDER_TOO_LARGE) for more than `max_files`.
  absl::StatusOr<std::vector<std::string>> List(size_t max_files) const;

 private:
  SafeDirectory(std::filesystem::path path, FileDescriptor folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}

  std::filesystem::path path_;
  FileDescriptor folder_;
};

}  // namespace dml
