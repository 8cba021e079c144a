#include "tools/oci/patch_import.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include "core/package/manifest.h"

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
  auto [variant, is_new] = fetched_.try_emplace(base.variant);
  if (is_new) {
    DML_ASSIGN_OR_RETURN(fs::path folder, work_dir_());
    folder /= "base-" + std::to_string(fetched_.size());
    absl::StatusOr<DownloadResult> done =
        DownloadVariant(client_, base.variant, folder, {.allow_withdrawn = true}, progress_);
    if (done.ok()) {
      for (const ManifestFile& file : done->manifest.files) {
        variant->second.emplace(file.blob, folder / file.path);
      }
    } else if (done.status().code() == absl::StatusCode::kNotFound ||
               Reason(done.status()) == "PAYLOAD_COLLECTED") {
      return BaseMissing(base, Message(done.status()));
    } else {
      return done.status();
    }
  }
  auto file = variant->second.find(base.file);
  if (file == variant->second.end()) return BaseMissing(base, "that has no such file here");
  return &file->second;
}

}  // namespace dml
