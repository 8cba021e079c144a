// Files cut into chunks on a thread of their own, ahead of whoever sends them. Internal to client/.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/base/status.h"
#include "core/content/chunker.h"
#include "core/content/records.h"

namespace dml {

/// What comes next of the files: a chunk with its bytes, or the end of a file.
struct FilePart {
  ChunkRef chunk;
  std::string raw;             // Empty at the end of a file.
  std::optional<BlobRef> end;  // What the whole file turned out to be.
  bool there = false;  // With `end`: the library has the file, and no chunk of it was given.
};

/// What of the files is in the library already. Called by the thread that cuts; errors count as no.
struct KnownFiles {
  std::function<absl::StatusOr<bool>(const std::vector<ChunkRef>& chunks)> has_all;
  std::function<absl::StatusOr<bool>(const BlobRef& blob)> has_file;
};

struct OpenedFile;

/// Reads, cuts and hashes `files` in order, from number `first` on. Of a large file whose first
/// chunks are known only the whole is hashed, and where that is known too, it is done. Holds at
/// most kAheadBytes that were not taken. One thread takes.
class FileChunks {
 public:
  FileChunks(const std::vector<std::filesystem::path>& files, size_t first,
             const ChunkerParams& params, KnownFiles known);
  ~FileChunks();

  /// Up to `max_parts` parts and `max_bytes` of chunks (but at least one part); waits only for the
  /// first. Empty after the last file. An error of reading (core/os/file.h; FAILED_PRECONDITION,
  /// FILE_CHANGED) comes after everything before it.
  absl::StatusOr<std::vector<FilePart>> Take(size_t max_parts, size_t max_bytes);

 private:
  void Run();
  absl::Status ReadOne(const std::filesystem::path& file);
  absl::StatusOr<bool> IsThere(const OpenedFile& opened, const std::filesystem::path& file);
  absl::Status Give(FilePart part);  // CANCELLED once the taker is gone, as IsThere.
  bool HasSpace() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::vector<std::filesystem::path>& files_;
  const size_t first_;
  const ChunkerParams params_;
  const KnownFiles known_;
  absl::Mutex mutex_;
  std::deque<FilePart> parts_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

/// The size of a regular file; errors as in core/os/file.h.
absl::StatusOr<uint64_t> FileSize(const std::filesystem::path& file);

}  // namespace dml
