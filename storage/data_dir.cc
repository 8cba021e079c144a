#include "storage/data_dir.h"

#include <string>
#include <system_error>

#include "core/base/bytes.h"
#include "core/base/strict_json.h"
#include "core/os/file.h"

namespace dml {
namespace {

constexpr size_t kMaxFormatBytes = 4096;
constexpr ErrorReason kDamaged("DATA_DIR_DAMAGED");

// What may lie in a directory that counts as empty: the rest of a format file whose writing a
// crash interrupted (core/os/file.h), and the folder that every ext4 file system has at its top.
bool IsIgnored(const std::string& name) {
  return name.starts_with(".dml-tmp-") || name == "lost+found";
}

absl::Status RequireEmpty(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::directory_iterator files(path, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    std::string name = files->path().filename().string();
    if (IsIgnored(name)) continue;
    return FailedPrecondition(ErrorReason("DATA_DIR_FOREIGN"),
                              "{} holds '{}' but no file 'format', so it is no data directory: "
                              "name an empty or new directory",
                              path.string(), name);
  }
  if (error) {
    return Unavailable(ErrorReason("STORAGE_IO"), "cannot list {}: {}; check the disk",
                       path.string(), error.message());
  }
  return absl::OkStatus();
}

// The version is read before anything else is judged: a newer file may have other members.
absl::StatusOr<uint64_t> ParseFormat(std::string_view text) {
  DML_ASSIGN_OR_RETURN(nlohmann::json json, ParseStrictJson(text, kMaxFormatBytes, kDamaged));
  ObjectReader in(json, kDamaged);
  uint64_t format = in.Unsigned("format", 1, UINT64_MAX);
  absl::Status status = in.Finish();
  if (!status.ok() && format <= kDataDirFormat) return status;
  return format;
}

absl::Status CheckFormat(const std::filesystem::path& file, std::string_view text) {
  absl::StatusOr<uint64_t> format = ParseFormat(text);
  if (!format.ok()) {
    return DataLoss(kDamaged, "{} cannot be understood ({}): restore it from a backup",
                    file.string(), Message(format.status()));
  }
  if (*format != kDataDirFormat) {
    return FailedPrecondition(ErrorReason("DATA_DIR_NEWER"),
                              "{} has format {}, this version reads format {}: use the version "
                              "that wrote it or a newer one",
                              file.parent_path().string(), *format, kDataDirFormat);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataDir> DataDir::Open(const std::filesystem::path& path) {
  const std::filesystem::path file = path / "format";
  absl::StatusOr<std::string> text = ReadFile(file, kMaxFormatBytes);
  const bool made_here = absl::IsNotFound(text.status());
  // Before its rights are judged: nobody should be told to close a folder that is not meant.
  if (made_here) DML_RETURN_IF_ERROR(RequireEmpty(path));
  DML_RETURN_IF_ERROR(MakePrivateDirectory(path));
  if (text.ok()) {
    DML_RETURN_IF_ERROR(CheckFormat(file, *text));
  } else if (made_here) {
    const std::string format = fmt::format("{{\"format\":{}}}\n", kDataDirFormat);
    DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(format), 0600));
  } else {
    return text.status();
  }
  DataDir dir(path);
  for (const std::filesystem::path& folder : {dir.db(), dir.keys(), dir.tls()}) {
    DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  }
  return dir;
}

}  // namespace dml
