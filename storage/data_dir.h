// The daemon's data directory: its layout and its format version.
//
//   format              {"format":1}, the version of everything else here; written first
//   db/                 the database (storage/engine)
//   keys/               the daemon's private keys
//   tls/                certificates
//   principals/         names of principals, erasable (storage/library/principal_names.h)
//   scratch/            engines for a moment's work (Library::VerifyViews); emptied at the start
//   audit/              the audit log of refused calls (core/audit)
//   signed-checkpoint   the highest checkpoint ever signed, kept apart from the database
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "core/base/status.h"

namespace dml {

/// The format that this version writes, and the only one that it reads.
inline constexpr uint64_t kDataDirFormat = 1;

/// The paths of a data directory that was checked. A value; holds nothing open and no lock: the
/// database's own lock keeps a second daemon out.
class DataDir {
 public:
  /// Opens the directory, or makes it with mode 0700 where it is missing or empty; folders above
  /// it are made too. A crash in between is repaired by the next Open. Besides the errors of
  /// core/os/file.h (FILE_NOT_PRIVATE among them):
  ///   FAILED_PRECONDITION (DATA_DIR_FOREIGN)  not empty, and no format file: something else's
  ///   FAILED_PRECONDITION (DATA_DIR_NEWER)    written by a newer version
  ///   DATA_LOSS (DATA_DIR_DAMAGED)            the format file cannot be understood
  static absl::StatusOr<DataDir> Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path db() const { return path_ / "db"; }
  std::filesystem::path keys() const { return path_ / "keys"; }
  std::filesystem::path tls() const { return path_ / "tls"; }
  std::filesystem::path scratch() const { return path_ / "scratch"; }
  std::filesystem::path signed_checkpoint() const { return path_ / "signed-checkpoint"; }
  /// The last one under the name before, where the journal has moved to a new origin.
  std::filesystem::path previous_checkpoint() const { return path_ / "signed-checkpoint.previous"; }

 private:
  explicit DataDir(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace dml
