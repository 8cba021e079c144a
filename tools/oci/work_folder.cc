#include "tools/oci/work_folder.h"

#include <cerrno>
#include <stdlib.h>
#include <system_error>

#include "client/file_io.h"

namespace dml {

namespace fs = std::filesystem;

absl::StatusOr<WorkFolder> WorkFolder::Make(const fs::path& parent) {
  std::string pattern = (parent / ".dml-oci-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return IoError(errno, "make a folder in", parent);
  return WorkFolder(pattern);
}

void WorkFolder::Remove::operator()(fs::path* path) const {
  std::error_code ignored;
  fs::remove_all(*path, ignored);
  delete path;
}

}  // namespace dml
