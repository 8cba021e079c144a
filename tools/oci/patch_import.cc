#include "tools/oci/patch_import.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include "client/connection.h"
#include "client/verify.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBlockBytes = 1 << 20;

absl::Status BaseMissing(const PatchBase& base, std::string_view why) {
  return FailedPrecondition(
      ErrorReason("LAYOUT_BLOB_LEFT_OUT"),
      "of a file only the changes are in the layout, because the inventory that it was exported "
      "with says that this library has file {} of {}: {}; export again without --since, or with "
      "an inventory of this library",
      base.file.digest.ToString(), base.variant.ResourceName(), why);
}

}  // namespace

absl::Status PatchedFiles::Make(PatchReader patch, const Use& use) {
  DML_ASSIGN_OR_RETURN(fs::path folder, work_dir_());
  const fs::path path = folder / "patched";
  for (const BlobRef& file : patch.header().files) {
    DML_RETURN_IF_ERROR(MakeFile(patch, file, path));
    DML_RETURN_IF_ERROR(use(file, path));
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  return patch.Next().status();  // That it ends here.
}

absl::Status PatchedFiles::MakeFile(PatchReader& patch, const BlobRef& file, const fs::path& path) {
  FileDescriptor out(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out.valid()) return IoError(errno, "make", path);
  uint64_t at = 0;
  while (true) {
    DML_ASSIGN_OR_RETURN(std::optional<PatchStep> step, patch.Next());
    if (!step.has_value()) break;
    if (const auto* insert = std::get_if<PatchInsert>(&*step)) {
      DML_RETURN_IF_ERROR(WriteAt(out, at, insert->raw, path));
      at += insert->raw.size();
      continue;
    }
    const PatchCopy& copy = std::get<PatchCopy>(*step);
    DML_RETURN_IF_ERROR(CopyFrom(patch.header().bases[copy.base], copy, out, at, path));
    at += copy.length;
  }
  DML_ASSIGN_OR_RETURN(BlobRef made, HashFile(out, path));
  if (made == file) return absl::OkStatus();
  return InvalidArgument(ErrorReason("PATCH_INVALID"),
                         "a patch makes {} of {} bytes instead of the file {} of {}; export again",
                         made.digest.ToString(), made.size, file.digest.ToString(), file.size);
}

absl::Status PatchedFiles::CopyFrom(const PatchBase& base, const PatchCopy& copy,
                                    const FileDescriptor& out, uint64_t at, const fs::path& path) {
  DML_ASSIGN_OR_RETURN(const fs::path* from, Fetch(base));
  DML_ASSIGN_OR_RETURN(FileDescriptor source, OpenRegular(*from));
  std::string block;
  for (uint64_t done = 0; done < copy.length; done += block.size()) {
    DML_RETURN_IF_ERROR(ReadAt(source, copy.offset + done,
                               std::min<uint64_t>(kBlockBytes, copy.length - done), block, *from));
    if (block.empty()) return BaseMissing(base, "it was changed while it was read");
    DML_RETURN_IF_ERROR(WriteAt(out, at + done, block, path));
  }
  return absl::OkStatus();
}

absl::StatusOr<const fs::path*> PatchedFiles::Fetch(const PatchBase& base) {
  auto found = fetched_.find(base.file);
  if (found != fetched_.end()) return &found->second;
  DML_ASSIGN_OR_RETURN(fs::path path, work_dir_());
  path /= "base-" + base.file.digest.hex();
  FileDescriptor out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out.valid()) return IoError(errno, "make", path);
  ProgressReporter progress(base.file.size, progress_);
  uint64_t at = 0;
  const absl::Status read = ReadStoredFile(
      client_.connection(), base.variant, base.file, progress, [&](std::string_view raw) {
        const uint64_t begin = std::exchange(at, at + raw.size());
        return WriteAt(out, begin, raw, path);
      });
  if (read.code() == absl::StatusCode::kNotFound || Reason(read) == "PAYLOAD_COLLECTED") {
    return BaseMissing(base, Message(read));
  }
  DML_RETURN_IF_ERROR(read);
  return &fetched_.emplace(base.file, std::move(path)).first->second;
}

}  // namespace dml
