// Files that a layout holds as patches, made whole with what the library has.
#pragma once

#include <filesystem>
#include <functional>
#include <map>

#include "client/transfer.h"
#include "tools/oci/patch_format.h"

namespace dml {

/// Fetches each base that is copied from once, and keeps it until the end. Whose signatures a base
/// has is not asked: what is made of it counts only where its digest is right. One thread; `client`
/// must outlive it.
class PatchedFiles {
 public:
  /// An existing folder is made by `work_dir` when one is needed.
  PatchedFiles(Client& client, std::function<absl::StatusOr<std::filesystem::path>()> work_dir,
               ProgressFn progress)
      : client_(client), work_dir_(std::move(work_dir)), progress_(std::move(progress)) {}

  using Use = std::function<absl::Status(const BlobRef& file, const std::filesystem::path& path)>;

  /// Makes every file of the patch, one after another, and hands it to `use`, after which it goes.
  ///
  /// FAILED_PRECONDITION (LAYOUT_BLOB_LEFT_OUT) where the library does not have a base;
  /// INVALID_ARGUMENT (PATCH_INVALID) where what is made is not the file; those of PatchReader,
  /// of ReadStoredFile and of `use`.
  absl::Status Make(PatchReader patch, const Use& use);

 private:
  absl::Status MakeFile(PatchReader& patch, const BlobRef& file, const std::filesystem::path& path);
  absl::Status CopyFrom(const PatchBase& base, const PatchCopy& copy, const FileDescriptor& out,
                        uint64_t at, const std::filesystem::path& path);
  /// Where a base lies, fetched where it was not yet.
  absl::StatusOr<const std::filesystem::path*> Fetch(const PatchBase& base);

  Client& client_;
  const std::function<absl::StatusOr<std::filesystem::path>()> work_dir_;
  const ProgressFn progress_;
  std::map<BlobRef, std::filesystem::path> fetched_;
};

}  // namespace dml
