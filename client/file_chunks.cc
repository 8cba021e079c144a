#include "client/file_chunks.h"

#include <cerrno>
#include <fcntl.h>

#include <sys/stat.h>

#include "client/file_io.h"
#include "core/crypto/sha256.h"

namespace dml {

struct OpenedFile {
  FileDescriptor fd;
  struct stat info;
};

namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kAheadBytes = 16 << 20;
// So much of a file is asked about before the rest is cut. Of a new version of a large file more
// than its first part is known only seldom, and then hashing it once in vain costs little.
constexpr size_t kProbeBytes = 4 << 20;

absl::StatusOr<OpenedFile> OpenToSend(const fs::path& file) {
  OpenedFile out{FileDescriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), {}};
  if (!out.fd.valid()) return IoError(errno, "open", file);
  if (::fstat(out.fd.get(), &out.info) != 0) return IoError(errno, "read", file);
  if (!S_ISREG(out.info.st_mode)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "{} is not a regular file (a folder, pipe or device); name a file",
                              file.string());
  }
  return out;
}

absl::Status CheckUnchanged(const OpenedFile& opened, uint64_t bytes_read, const fs::path& file) {
  struct stat now;
  if (::fstat(opened.fd.get(), &now) != 0) return IoError(errno, "read", file);
  const struct stat& then = opened.info;
  auto same = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  if (now.st_size == then.st_size && same(now.st_mtim, then.st_mtim) &&
      same(now.st_ctim, then.st_ctim) && bytes_read == static_cast<uint64_t>(then.st_size)) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("FILE_CHANGED"),
                            "{} changed while it was being read; publish a file that nobody writes",
                            file.string());
}

}  // namespace

FileChunks::FileChunks(const std::vector<fs::path>& files, size_t first,
                       const ChunkerParams& params, KnownFiles known)
    : files_(files), first_(first), params_(params), known_(std::move(known)), thread_([this] {
        Run();
      }) {}

FileChunks::~FileChunks() {
  {
    absl::MutexLock lock(&mutex_);
    gone_ = true;
  }
  thread_.join();
}

void FileChunks::Run() {
  absl::Status status;
  for (size_t i = first_; i < files_.size() && status.ok(); ++i) status = ReadOne(files_[i]);
  absl::MutexLock lock(&mutex_);
  done_ = true;
  status_ = std::move(status);
}

bool FileChunks::HasSpace() const { return bytes_ < kAheadBytes || gone_; }
bool FileChunks::HasNews() const { return !parts_.empty() || done_; }

absl::Status FileChunks::Give(FilePart part) {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &FileChunks::HasSpace));
  if (gone_) return absl::CancelledError("nobody wants the rest");
  // What is around a part counts too: files may be empty, and many.
  bytes_ += part.raw.size() + sizeof(FilePart);
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

// Whether the library has the whole file; then its end was given.
absl::StatusOr<bool> FileChunks::IsThere(const OpenedFile& opened, const fs::path& file) {
  std::string block;
  DML_RETURN_IF_ERROR(ReadAt(opened.fd, 0, kProbeBytes, block, file));
  std::vector<ChunkRef> chunks;
  StreamChunker chunker(params_);
  DML_RETURN_IF_ERROR(chunker.Push(AsBytes(block), [&](ByteSpan raw) {
    chunks.push_back({Sha256(raw), static_cast<uint32_t>(raw.size())});
    return absl::OkStatus();
  }));
  if (chunks.empty() || !known_.has_all(chunks).value_or(false)) return false;
  Sha256Hasher hasher;
  BlobRef blob;
  do {
    DML_RETURN_IF_ERROR(ReadAt(opened.fd, blob.size, kReadBytes, block, file));
    hasher.Update(block);
    blob.size += block.size();
    absl::MutexLock lock(&mutex_);
    if (gone_) return absl::CancelledError("nobody wants the rest");
  } while (!block.empty());
  DML_RETURN_IF_ERROR(CheckUnchanged(opened, blob.size, file));
  blob.digest = hasher.Finish();
  if (!known_.has_file(blob).value_or(false)) return false;
  DML_RETURN_IF_ERROR(Give({{}, {}, blob, /*there=*/true}));
  return true;
}

absl::Status FileChunks::ReadOne(const fs::path& file) {
  DML_ASSIGN_OR_RETURN(OpenedFile opened, OpenToSend(file));
  if (static_cast<uint64_t>(opened.info.st_size) > kProbeBytes) {
    DML_ASSIGN_OR_RETURN(const bool there, IsThere(opened, file));
    if (there) return absl::OkStatus();
  }
  StreamChunker chunker(params_);
  Sha256Hasher hasher;
  BlobRef blob;
  std::optional<Digest> only;  // Of the first chunk while there is no second.
  auto sink = [&](ByteSpan raw) -> absl::Status {
    const Digest digest = Sha256(raw);
    only = raw.size() == static_cast<uint64_t>(opened.info.st_size) ? std::optional(digest)
                                                                    : std::nullopt;
    return Give({{digest, static_cast<uint32_t>(raw.size())}, std::string(AsText(raw)), {}});
  };
  std::string block;
  // A file below the largest chunk is one chunk, whose digest is the file's.
  const bool small = static_cast<uint64_t>(opened.info.st_size) < params_.max_size;
  do {
    DML_RETURN_IF_ERROR(ReadAt(opened.fd, blob.size, kReadBytes, block, file));
    if (!small) hasher.Update(block);
    blob.size += block.size();
    DML_RETURN_IF_ERROR(chunker.Push(AsBytes(block), sink));
  } while (!block.empty());
  DML_RETURN_IF_ERROR(chunker.Finish(sink));
  DML_RETURN_IF_ERROR(CheckUnchanged(opened, blob.size, file));
  blob.digest = small && only.has_value() ? *only : hasher.Finish();
  return Give({{}, {}, blob});
}

absl::StatusOr<std::vector<FilePart>> FileChunks::Take(size_t max_parts, size_t max_bytes) {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &FileChunks::HasNews));
  std::vector<FilePart> out;
  size_t bytes = 0;
  while (!parts_.empty() && out.size() < max_parts && bytes < max_bytes) {
    bytes += parts_.front().raw.size();
    bytes_ -= parts_.front().raw.size() + sizeof(FilePart);
    out.push_back(std::move(parts_.front()));
    parts_.pop_front();
  }
  if (out.empty()) DML_RETURN_IF_ERROR(status_);
  return out;
}

absl::StatusOr<uint64_t> FileSize(const fs::path& file) {
  DML_ASSIGN_OR_RETURN(OpenedFile opened, OpenToSend(file));
  return static_cast<uint64_t>(opened.info.st_size);
}

}  // namespace dml
