// A folder for files on their way.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// A new folder that only its owner may enter; removed with all that is in it when the object is
/// destroyed. A process that is killed leaves it behind, under a name that starts with ".dml-oci-".
class WorkFolder {
 public:
  /// Below `parent`, which must be there. The errors of IoError (client/file_io.h).
  static absl::StatusOr<WorkFolder> Make(const std::filesystem::path& parent);

  const std::filesystem::path& path() const { return *path_; }

 private:
  struct Remove {
    void operator()(std::filesystem::path* path) const;
  };
  explicit WorkFolder(std::filesystem::path path)
      : path_(new std::filesystem::path(std::move(path))) {}

  std::unique_ptr<std::filesystem::path, Remove> path_;
};

}  // namespace dml
