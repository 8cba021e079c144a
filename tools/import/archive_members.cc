#include "tools/import/archive_members.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <memory>
#include <system_error>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("ARCHIVE_INVALID");
constexpr ErrorReason kTooLarge("ARCHIVE_TOO_LARGE");
constexpr size_t kBlockBytes = 64 << 10;

struct Free {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Free>;

std::string_view Text(const char* text) { return text == nullptr ? "" : text; }

absl::Status Broken(archive* reader) {
  return InvalidArgument(kInvalid, "cannot read it: {}; is it the right file, and complete?",
                         Excerpt(Text(archive_error_string(reader)), 256));
}

std::string EntryPath(archive_entry* entry) {
  std::string_view path = Text(archive_entry_pathname(entry));
  while (path.starts_with("./")) path.remove_prefix(2);
  return std::string(path);
}

absl::StatusOr<Reader> Open(const std::filesystem::path& path, ArchiveFormat format) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return NotFound(ErrorReason("FILE_NOT_FOUND"), "cannot be found; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "is no regular file; name the package file itself");
  }
  Reader reader(archive_read_new());
  const bool tar = format == ArchiveFormat::kTarGzip;
  const bool supported = tar ? archive_read_support_format_tar(reader.get()) == ARCHIVE_OK &&
                                   archive_read_support_filter_gzip(reader.get()) == ARCHIVE_OK
                             : archive_read_support_format_zip_seekable(reader.get()) == ARCHIVE_OK;
  if (!supported ||
      archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return Broken(reader.get());
  }
  // libarchive also takes what is not compressed, or several times.
  if (archive_filter_count(reader.get()) == (tar ? 2 : 1)) return reader;
  return InvalidArgument(kInvalid, "it is no {}", tar ? "tar archive that gzip compressed" : "zip");
}

class Walk {
 public:
  Walk(Reader reader, const ArchiveLimits& limits) : reader_(std::move(reader)), limits_(limits) {}

  absl::StatusOr<std::vector<ArchiveMember>> Run(
      const std::function<bool(std::string_view path)>& wanted) {
    std::vector<ArchiveMember> out;
    while (true) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader_.get(), &entry);
      if (result == ARCHIVE_EOF) return out;
      // A warning is about a name that the locale cannot show.
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return Broken(reader_.get());
      if (++entries_ > limits_.max_entries) {
        return ResourceExhausted(kTooLarge, "has more than {} files; it is not imported",
                                 limits_.max_entries);
      }
      std::string path = EntryPath(entry);
      if (!wanted(path)) {
        DML_RETURN_IF_ERROR(CheckUnpacked(archive_entry_size(entry)));
        if (archive_read_data_skip(reader_.get()) != ARCHIVE_OK) return Broken(reader_.get());
        continue;
      }
      if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
        return InvalidArgument(kInvalid, "{} is no regular file", Excerpt(path));
      }
      if (std::ranges::find(out, path, &ArchiveMember::path) != out.end()) {
        return InvalidArgument(kInvalid, "two files {}", Excerpt(path));
      }
      out.push_back({std::move(path), ""});
      DML_RETURN_IF_ERROR(Read(out.back()));
    }
  }

 private:
  // `more`: what the next member says that it has.
  absl::Status CheckUnpacked(la_int64_t more) {
    const auto unpacked = static_cast<uint64_t>(archive_filter_bytes(reader_.get(), 0));
    if (unpacked <= limits_.max_unpacked_bytes &&
        static_cast<uint64_t>(more) <= limits_.max_unpacked_bytes - unpacked) {
      return absl::OkStatus();
    }
    return ResourceExhausted(kTooLarge, "unpacks to more than {} bytes; it is not imported",
                             limits_.max_unpacked_bytes);
  }

  absl::Status Read(ArchiveMember& member) {
    while (true) {
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(reader_.get(), &block, &size, &offset);
      if (result == ARCHIVE_EOF) return absl::OkStatus();
      if (result != ARCHIVE_OK) return Broken(reader_.get());
      if (static_cast<uint64_t>(offset) != member.content.size()) {
        return InvalidArgument(kInvalid, "{} has holes", Excerpt(member.path));
      }
      if (size > limits_.max_member_bytes - member.content.size()) {
        return ResourceExhausted(kTooLarge, "{} has more than {} bytes", Excerpt(member.path),
                                 limits_.max_member_bytes);
      }
      member.content.append(static_cast<const char*>(block), size);
    }
  }

  Reader reader_;
  const ArchiveLimits& limits_;
  uint64_t entries_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<ArchiveMember>> ReadArchiveMembers(
    const std::filesystem::path& path, ArchiveFormat format, const ArchiveLimits& limits,
    const std::function<bool(std::string_view path)>& wanted) {
  DML_ASSIGN_OR_RETURN(Reader reader, Open(path, format));
  return Walk(std::move(reader), limits).Run(wanted);
}

}  // namespace dml
