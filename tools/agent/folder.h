// A folder that is filled with what strangers made: no name and no link leads out of it, nothing in
// it is a device or gains rights. Blocking; one thread at a time.
//
// Every name is resolved by the kernel beneath the folder and through no link (openat2,
// RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), besides being a good one (ValidateFilePath). Errors as
// in client/file_io.h; PATH_UNSAFE for what would lead out.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "client/file_io.h"

namespace dml::agent {

class Folder {
 public:
  /// The folder must be there; `path` itself may lead through links.
  static absl::StatusOr<Folder> Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  /// A new file, its folders made where they are missing. Of `mode` the bits 0755 count.
  /// ALREADY_EXISTS (FILE_EXISTS) where there is one.
  absl::StatusOr<FileDescriptor> MakeFile(const std::string& name, mode_t mode) const;
  absl::StatusOr<FileDescriptor> OpenFile(const std::string& name) const;
  /// One that is there is as good.
  absl::Status MakeFolder(const std::string& name) const;
  /// A symbolic link. PATH_UNSAFE for an absolute target; whether a relative one leads out, only
  /// CheckLinks knows.
  absl::Status MakeLink(const std::string& name, const std::string& target) const;
  /// A second name of a regular file of this folder.
  absl::Status MakeSecondName(const std::string& name, const std::string& target) const;

  /// That each link of those names leads to something in here, or to nothing. Once nothing is made
  /// any more: what a link leads to depends on others.
  absl::Status CheckLinks(const std::vector<std::string>& names) const;

 private:
  Folder(std::filesystem::path path, FileDescriptor fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}
  absl::StatusOr<FileDescriptor> OpenBeneath(const std::string& name, int flags, mode_t mode,
                                             uint64_t resolve) const;
  // The folder in which `name` is, made where it is missing, and its last part.
  absl::StatusOr<FileDescriptor> OpenParent(const std::string& name, std::string& last) const;

  std::filesystem::path path_;
  FileDescriptor fd_;
};

/// Makes all below a folder durable, and the folder. The errors of core/os/file.h.
absl::Status SyncTree(const std::filesystem::path& folder);

/// Removes a file or a folder with all in it; what is not there is as good. Links are removed, not
/// followed.
absl::Status RemoveTree(const std::filesystem::path& path);

/// Bytes of all regular files below a folder; one that is not there has none.
absl::StatusOr<uint64_t> TreeBytes(const std::filesystem::path& folder);

/// Makes `link` a symbolic link to `target` in one step, whatever it was before; durable.
absl::Status SwitchLink(const std::filesystem::path& link, const std::string& target);

}  // namespace dml::agent
