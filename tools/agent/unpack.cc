#include "tools/agent/unpack.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <cerrno>
#include <memory>
#include <unistd.h>

#include <sys/stat.h>

#include "core/base/text.h"

namespace dml::agent {
namespace {

constexpr ErrorReason kInvalid("ARCHIVE_INVALID");
constexpr ErrorReason kUnsafe("ARCHIVE_UNSAFE");
constexpr ErrorReason kTooLarge("ARCHIVE_TOO_LARGE");
constexpr size_t kBlockBytes = 64 << 10;

struct Free {
  void operator()(::archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<::archive, Free>;

std::string Text(const char* text) { return text == nullptr ? "" : text; }

absl::Status Broken(::archive* reader) {
  return InvalidArgument(kInvalid, "cannot read it: {}; is it complete?",
                         Excerpt(Text(archive_error_string(reader)), 256));
}

absl::StatusOr<Reader> Open(const std::filesystem::path& path) {
  Reader reader(archive_read_new());
  const bool supported = archive_read_support_format_tar(reader.get()) == ARCHIVE_OK &&
                         archive_read_support_format_zip_seekable(reader.get()) == ARCHIVE_OK &&
                         archive_read_support_filter_gzip(reader.get()) == ARCHIVE_OK &&
                         archive_read_support_filter_xz(reader.get()) == ARCHIVE_OK &&
                         archive_read_support_filter_zstd(reader.get()) == ARCHIVE_OK;
  if (!supported ||
      archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return Broken(reader.get());
  }
  // The format itself, and one filter at most.
  if (archive_filter_count(reader.get()) <= 2) return reader;
  return InvalidArgument(kInvalid, "it is compressed several times");
}

// "./a/b/" names what "a/b" does; "" is the folder itself.
std::string NameOf(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.ends_with('/')) path.pop_back();
  return path == "." ? "" : path;
}

class Unpacker {
 public:
  Unpacker(Reader reader, const Folder& folder, const UnpackLimits& limits)
      : reader_(std::move(reader)), folder_(folder), limits_(limits) {}

  absl::Status Run() {
    while (true) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader_.get(), &entry);
      if (result == ARCHIVE_EOF) return folder_.CheckLinks(links_);
      // A warning is about a name that the locale cannot show.
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return Broken(reader_.get());
      if (++entries_ > limits_.max_entries) {
        return ResourceExhausted(kTooLarge, "has more than {} entries", limits_.max_entries);
      }
      absl::Status status = Take(entry);
      if (absl::IsAlreadyExists(status)) {
        status = InvalidArgument(kInvalid, "has the name twice");
      }
      const std::string name = Excerpt(Text(archive_entry_pathname(entry)), 256);
      if (!status.ok()) return Annotate(status, fmt::format("entry {}", name));
    }
  }

 private:
  absl::Status Take(archive_entry* entry) {
    const std::string name = NameOf(Text(archive_entry_pathname(entry)));
    const mode_t type = archive_entry_filetype(entry);
    if (const char* target = archive_entry_hardlink(entry); target != nullptr) {
      return folder_.MakeSecondName(name, NameOf(target));
    }
    if (type == AE_IFDIR) return name.empty() ? absl::OkStatus() : folder_.MakeFolder(name);
    if (type == AE_IFLNK) {
      links_.push_back(name);
      return folder_.MakeLink(name, Text(archive_entry_symlink(entry)));
    }
    if (type != AE_IFREG) {
      return InvalidArgument(kUnsafe, "is neither file, folder nor link: a device, pipe or socket");
    }
    const mode_t mode = archive_entry_perm(entry);
    if ((mode & (S_ISUID | S_ISGID)) != 0) {
      return InvalidArgument(kUnsafe, "would run with its owner's rights (mode {:o})", mode);
    }
    DML_ASSIGN_OR_RETURN(FileDescriptor file, folder_.MakeFile(name, mode));
    return Write(file, name);
  }

  absl::Status Write(const FileDescriptor& file, const std::string& name) {
    const uint64_t before = bytes_;
    while (true) {
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(reader_.get(), &block, &size, &offset);
      if (result == ARCHIVE_EOF) return SetSize(file, name, bytes_ - before);
      if (result != ARCHIVE_OK) return Broken(reader_.get());
      const auto end = static_cast<uint64_t>(offset) + size;
      if (offset < 0 || end > limits_.max_bytes || before + end > limits_.max_bytes) {
        return ResourceExhausted(kTooLarge, "unpacks to more than {} bytes", limits_.max_bytes);
      }
      bytes_ = std::max(bytes_, before + end);
      DML_RETURN_IF_ERROR(WriteAt(file, static_cast<uint64_t>(offset),
                                  {static_cast<const char*>(block), size}, folder_.path() / name));
    }
  }

  // A hole at the end is in no block.
  absl::Status SetSize(const FileDescriptor& file, const std::string& name, uint64_t size) const {
    if (::ftruncate(file.get(), static_cast<off_t>(size)) == 0) return absl::OkStatus();
    return IoError(errno, "write", folder_.path() / name);
  }

  Reader reader_;
  const Folder& folder_;
  const UnpackLimits& limits_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
  std::vector<std::string> links_;
};

}  // namespace

bool IsArchiveName(std::string_view name) {
  constexpr std::array<std::string_view, 6> kEnds = {".tar",    ".tar.gz",  ".tgz",
                                                     ".tar.xz", ".tar.zst", ".zip"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return name.ends_with(end); });
}

absl::Status UnpackArchive(const std::filesystem::path& archive, const Folder& folder,
                           const UnpackLimits& limits) {
  absl::StatusOr<Reader> reader = Open(archive);
  absl::Status status = reader.status();
  if (status.ok()) status = Unpacker(*std::move(reader), folder, limits).Run();
  return status.ok() ? status : Annotate(status, archive.filename().string());
}

}  // namespace dml::agent
