#include "tools/import/deb_archive.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "core/base/text.h"
#include "core/license/debian.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("DEB_INVALID");
constexpr ErrorReason kTooLarge("DEB_TOO_LARGE");
constexpr size_t kMaxMembers = 64;
constexpr size_t kMaxFormatBytes = 64;
constexpr size_t kBlockBytes = 64 << 10;

// Passes the current member of the outer archive to the reader of the inner one.
la_ssize_t ReadMember(archive* tar, void* members, const void** block) {
  size_t size = 0;
  la_int64_t offset = 0;
  auto* outer = static_cast<archive*>(members);
  // A block of no bytes is no end.
  while (size == 0) {
    int result = archive_read_data_block(outer, block, &size, &offset);
    if (result == ARCHIVE_EOF) return 0;
    if (result != ARCHIVE_OK) {
      archive_set_error(tar, EIO, "%s", archive_error_string(outer));
      return -1;
    }
  }
  return static_cast<la_ssize_t>(size);
}

// Lets the reader uncompress what the suffix names; false where it cannot. A result other than OK
// means that libarchive would start another program for it.
bool SupportFilter(archive* tar, std::string_view suffix) {
  if (suffix.empty()) return true;
  if (suffix == ".gz") return archive_read_support_filter_gzip(tar) == ARCHIVE_OK;
  if (suffix == ".xz") return archive_read_support_filter_xz(tar) == ARCHIVE_OK;
  if (suffix == ".zst") return archive_read_support_filter_zstd(tar) == ARCHIVE_OK;
  if (suffix == ".bz2") return archive_read_support_filter_bzip2(tar) == ARCHIVE_OK;
  if (suffix == ".lzma") return archive_read_support_filter_lzma(tar) == ARCHIVE_OK;
  return false;
}

std::string_view Text(const char* text) { return text == nullptr ? "" : text; }

// "./usr/share/" as "usr/share".
std::string EntryPath(archive_entry* entry) {
  std::string_view path = Text(archive_entry_pathname(entry));
  while (path.starts_with("./")) path.remove_prefix(2);
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

std::string_view LinkTarget(archive_entry* entry) {
  std::string_view target = Text(archive_entry_hardlink(entry));
  return target.empty() ? Text(archive_entry_symlink(entry)) : target;
}

bool IsTar(std::string_view member, std::string_view tar_name) {
  return member == tar_name || member.starts_with(std::string(tar_name) + ".");
}

absl::Status Invalid(std::string_view what) {
  return InvalidArgument(kInvalid, "{}; is it a Debian package, and complete?", what);
}

absl::Status Broken(std::string_view where, archive* reader) {
  return Invalid(fmt::format("cannot read {}: {}", Excerpt(where),
                             Excerpt(Text(archive_error_string(reader)), 256)));
}

constexpr std::string_view kFormatName = "debian-binary";
constexpr std::string_view kControlTar = "control.tar";
constexpr std::string_view kDataTar = "data.tar";

}  // namespace

void DebArchive::Free::operator()(archive* reader) const { archive_read_free(reader); }

absl::StatusOr<DebArchive> DebArchive::Open(const std::filesystem::path& path,
                                            const DebLimits& limits) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return NotFound(ErrorReason("FILE_NOT_FOUND"), "cannot be found; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "is no regular file; name the .deb file itself");
  }
  DebArchive deb(limits, Reader(archive_read_new()));
  archive* members = deb.members_.get();
  if (archive_read_support_format_ar(members) != ARCHIVE_OK ||
      archive_read_open_filename(members, path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return Broken("the file", members);
  }
  deb.file_bytes_ = std::filesystem::file_size(path, error);
  if (error) return Invalid("cannot tell its size: " + error.message());
  DML_RETURN_IF_ERROR(deb.CheckFormat());
  return deb;
}

// The next member's name, "" at the end.
absl::StatusOr<std::string> DebArchive::NextMember() {
  archive_entry* entry = nullptr;
  int result = archive_read_next_header(members_.get(), &entry);
  if (result == ARCHIVE_EOF) return std::string();
  if (result != ARCHIVE_OK) return Broken("the ar archive", members_.get());
  if (static_cast<size_t>(archive_file_count(members_.get())) > kMaxMembers) {
    return Invalid(fmt::format("more than {} members", kMaxMembers));
  }
  std::string name = EntryPath(entry);
  if (name.empty()) return Invalid("a member without a name");
  return name;
}

absl::Status DebArchive::CheckFormat() {
  DML_ASSIGN_OR_RETURN(const std::string member, NextMember());
  if (member != kFormatName) return Invalid("the first member is not debian-binary");
  std::array<char, kMaxFormatBytes> bytes;
  la_ssize_t size = archive_read_data(members_.get(), bytes.data(), bytes.size());
  if (size < 0) return Broken(kFormatName, members_.get());
  std::string_view version(bytes.data(), static_cast<size_t>(size));
  if (!version.starts_with("2.")) {
    return Invalid(fmt::format("format '{}' is not 2.0", Excerpt(version)));
  }
  return absl::OkStatus();
}

absl::Status DebArchive::SeekMember(std::string_view tar_name, std::string& found) {
  do {
    DML_ASSIGN_OR_RETURN(found, NextMember());
  } while (found.starts_with('_'));
  if (IsTar(found, tar_name)) return absl::OkStatus();
  return Invalid(
      fmt::format("{} where {} must be", found.empty() ? "the end" : Excerpt(found), tar_name));
}

absl::Status DebArchive::ReadToEnd() {
  while (true) {
    DML_ASSIGN_OR_RETURN(const std::string member, NextMember());
    if (member.empty()) break;
    if (member == kFormatName || IsTar(member, kControlTar) || IsTar(member, kDataTar)) {
      return Invalid(fmt::format("a second {}", Excerpt(member)));
    }
  }
  // libarchive takes what is shorter than a member's header for the end.
  uint64_t read = static_cast<uint64_t>(archive_filter_bytes(members_.get(), 0));
  if (read == file_bytes_) return absl::OkStatus();
  return Invalid(fmt::format("{} bytes after its last member", file_bytes_ - read));
}

// Reads the rest of the entry away. With `kept`, its first `max_bytes` + 1 bytes go there.
absl::Status DebArchive::ReadEntry(archive* tar, std::string* kept, uint64_t max_bytes) {
  while (true) {
    const void* block = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int result = archive_read_data_block(tar, &block, &size, &offset);
    if (result == ARCHIVE_EOF) return absl::OkStatus();
    if (result != ARCHIVE_OK) return Broken("a file in it", tar);
    if (static_cast<uint64_t>(archive_filter_bytes(tar, 0)) > limits_.max_unpacked_bytes) {
      return ResourceExhausted(kTooLarge, "unpacks to more than {} bytes; it is not imported",
                               limits_.max_unpacked_bytes);
    }
    if (kept == nullptr || kept->size() > max_bytes) continue;
    if (static_cast<uint64_t>(offset) != kept->size()) return Invalid("a text file with holes");
    size_t room = static_cast<size_t>(max_bytes) + 1 - kept->size();
    kept->append(static_cast<const char*>(block), std::min(room, size));
  }
}

absl::Status DebArchive::ReadTar(const std::string& member, const EntryFn& read) {
  Reader tar(archive_read_new());
  std::string_view suffix = member;
  suffix.remove_prefix(suffix.find(".tar") + 4);
  if (!SupportFilter(tar.get(), suffix)) {
    return Invalid(fmt::format("cannot uncompress {}", Excerpt(member)));
  }
  if (archive_read_support_format_tar(tar.get()) != ARCHIVE_OK ||
      archive_read_open(tar.get(), members_.get(), nullptr, ReadMember, nullptr) != ARCHIVE_OK) {
    return Broken(member, tar.get());
  }
  // libarchive also takes what is not compressed so, or several times.
  if (archive_filter_count(tar.get()) != (suffix.empty() ? 1 : 2)) {
    return Invalid(
        fmt::format("cannot read {}: it is not compressed as its name says", Excerpt(member)));
  }
  while (true) {
    archive_entry* entry = nullptr;
    int result = archive_read_next_header(tar.get(), &entry);
    if (result == ARCHIVE_EOF) return absl::OkStatus();
    // A warning is about a name that the locale cannot show.
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return Broken(member, tar.get());
    if (++entries_ > limits_.max_entries) {
      return ResourceExhausted(kTooLarge, "has more than {} files; it is not imported",
                               limits_.max_entries);
    }
    DML_RETURN_IF_ERROR(read(tar.get(), EntryPath(entry), entry));
    DML_RETURN_IF_ERROR(ReadEntry(tar.get(), nullptr, 0));
  }
}

absl::StatusOr<std::string> DebArchive::ReadControl() {
  std::string member;
  DML_RETURN_IF_ERROR(SeekMember(kControlTar, member));
  std::optional<std::string> control;
  auto read = [&](archive* tar, const std::string& path, archive_entry* entry) -> absl::Status {
    if (path != "control") return absl::OkStatus();
    if (control.has_value()) return Invalid("two control files");
    if (archive_entry_filetype(entry) != AE_IFREG) return Invalid("control is no regular file");
    DML_RETURN_IF_ERROR(ReadEntry(tar, &control.emplace(), limits_.max_control_bytes));
    if (control->size() <= limits_.max_control_bytes) return absl::OkStatus();
    return ResourceExhausted(kTooLarge, "the control file has more than {} bytes",
                             limits_.max_control_bytes);
  };
  DML_RETURN_IF_ERROR(ReadTar(member, read));
  if (!control.has_value()) return Invalid("no control file in " + Excerpt(member));
  return *std::move(control);
}

absl::StatusOr<DebCopyrightFile> DebArchive::ReadCopyright(std::string_view package) {
  using Kind = DebCopyrightFile::Kind;
  std::string member;
  DML_RETURN_IF_ERROR(SeekMember(kDataTar, member));
  const std::string folder = fmt::format("usr/share/doc/{}", package);
  const std::string file = folder + "/copyright";
  DebCopyrightFile copyright;
  auto read = [&](archive* tar, const std::string& path, archive_entry* entry) -> absl::Status {
    std::string_view target = LinkTarget(entry);
    if (path != file && (path != folder || target.empty())) return absl::OkStatus();
    if (copyright.kind != Kind::kAbsent) return Invalid("two files " + file);
    copyright.kind = Kind::kLink;
    copyright.text = target;
    if (!target.empty()) return absl::OkStatus();
    DML_RETURN_IF_ERROR(ReadEntry(tar, &copyright.text, kMaxDebianCopyrightBytes));
    copyright.kind = Kind::kFile;
    if (copyright.text.size() > kMaxDebianCopyrightBytes) copyright = {Kind::kTooLarge, ""};
    return absl::OkStatus();
  };
  DML_RETURN_IF_ERROR(ReadTar(member, read));
  DML_RETURN_IF_ERROR(ReadToEnd());
  return copyright;
}

}  // namespace dml
