#include "server/audit/audit_writer.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/crypto/sha256.h"
#include "core/os/file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

absl::Status Cut(const fs::path& path, uint64_t size) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  const bool cut = fd >= 0 && ::ftruncate(fd, static_cast<off_t>(size)) == 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  return cut ? absl::OkStatus() : FileError(error, "cut the torn line off", path);
}

// The lines that are whole, of the end of a file.
struct FileEnd {
  AuditHead head;        // Of the last line that can be read; no lines where there is none.
  bool garbage = false;  // Whether lines follow it that cannot be.
};

FileEnd EndOf(std::string_view bytes) {
  FileEnd out;
  while (!bytes.empty()) {
    bytes.remove_suffix(1);  // The line feed.
    const size_t before = bytes.rfind('\n');
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    const std::string_view text = bytes.substr(start);
    if (const absl::StatusOr<AuditLine> line = ParseAuditLine(text); line.ok()) {
      out.head = {line->number, Sha256(text)};
      return out;
    }
    out.garbage = true;
    bytes = bytes.substr(0, start);
  }
  return out;
}

}  // namespace

AuditWriter::AuditWriter(AuditWriter&& other) noexcept
    : folder_(std::move(other.folder_)),
      file_bytes_(other.file_bytes_),
      head_(other.head_),
      repairs_(std::move(other.repairs_)),
      number_(other.number_),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AuditWriter::~AuditWriter() { CloseFile(); }

absl::StatusOr<AuditWriter> AuditWriter::Open(fs::path folder, uint64_t file_bytes,
                                              const AuditHead& recorded) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  AuditWriter out(std::move(folder), file_bytes);
  DML_RETURN_IF_ERROR(out.FindEnd());
  out.SkipTo(recorded);
  for (const std::string& repair : out.repairs_) spdlog::warn("audit log: {}", repair);
  return out;
}

absl::Status AuditWriter::FindEnd() {
  DML_ASSIGN_OR_RETURN(const auto files, FindAuditFiles(folder_));
  if (files.empty()) return absl::OkStatus();
  number_ = files.rbegin()->first;
  bool newest = true;
  for (auto it = files.rbegin(); it != files.rend(); ++it, newest = false) {
    const fs::path& path = it->second;
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadPrivateFile(path, kMaxAuditFileBytes));
    const size_t whole = bytes.rfind('\n') + 1;  // npos + 1: nothing is.
    if (newest && whole < bytes.size()) {
      DML_RETURN_IF_ERROR(Cut(path, whole));
      repairs_.push_back(fmt::format("cut {} bytes of a torn line off {}", bytes.size() - whole,
                                     path.filename().string()));
    }
    const FileEnd end = EndOf(std::string_view(bytes).substr(0, whole));
    if (newest) size_ = whole;
    if (end.garbage) {
      // It stays as it is, for whoever looks into it, and nothing is written behind it.
      repairs_.push_back(fmt::format("the end of {} cannot be read", path.filename().string()));
      if (newest) size_ = file_bytes_;
    }
    head_ = end.head;
    if (head_.lines > 0) return absl::OkStatus();
  }
  return absl::OkStatus();
}

void AuditWriter::SkipTo(const AuditHead& recorded) {
  if (recorded.lines <= head_.lines) return;
  repairs_.push_back(fmt::format("lines {} to {} are gone: the journal has recorded them",
                                 head_.lines + 1, recorded.lines));
  head_ = recorded;
}

absl::Status AuditWriter::OpenFile() {
  if (descriptor_ >= 0 && size_ < file_bytes_) return absl::OkStatus();
  CloseFile();
  if (size_ >= file_bytes_) {
    ++number_;
    size_ = 0;
  }
  const fs::path path = folder_ / AuditFileName(number_);
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return FileError(errno, "open", path);
  return SyncFolder(folder_);
}

void AuditWriter::CloseFile() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

absl::Status AuditWriter::Append(std::string_view lines, const AuditHead& head) {
  DML_RETURN_IF_ERROR(OpenFile());
  const fs::path path = folder_ / AuditFileName(number_);
  while (!lines.empty()) {
    const ssize_t count = ::write(descriptor_, lines.data(), lines.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError(errno, "write", path);
    size_ += static_cast<uint64_t>(count);
    lines.remove_prefix(static_cast<size_t>(count));
  }
  if (::fdatasync(descriptor_) != 0) return FileError(errno, "sync", path);
  head_ = head;
  repairs_.clear();
  return absl::OkStatus();
}

}  // namespace dml
