// Sending one file's missing chunks. Internal to client/; see client/transfer.h.
#pragma once

#include <filesystem>
#include <string>

#include "client/connection.h"
#include "client/file_io.h"
#include "client/transfer.h"
#include "core/content/chunker.h"

namespace dml {

/// Sums up a transfer of several files and tells about it.
class ProgressReporter {
 public:
  ProgressReporter(uint64_t bytes_total, const ProgressFn& report) : report_(report) {
    progress_.bytes_total = bytes_total;
  }
  void Done(uint64_t bytes) {
    progress_.bytes_done += bytes;
    if (report_) report_(progress_);
  }
  void Sent(uint64_t bytes) {
    progress_.bytes_sent += bytes;
    if (report_) report_(progress_);
  }

 private:
  TransferProgress progress_;
  const ProgressFn report_;
};

/// What the server wants of uploads.
struct UploadLimits {
  ChunkerParams chunker;
  size_t max_find_missing = 1024;  // Chunks that are asked about at once.
  size_t max_message = 4 << 20;    // Bytes.
};
absl::StatusOr<UploadLimits> FetchUploadLimits(Connection& connection);

/// The size of a regular file; errors as in core/os/file.h.
absl::StatusOr<uint64_t> FileSize(const std::filesystem::path& file);

/// See UploadFile in client/transfer.h.
absl::StatusOr<BlobRef> UploadOne(Connection& connection, const UploadLimits& limits,
                                  const std::string& ns, const std::filesystem::path& file,
                                  ProgressReporter& progress);

/// Sends an open file as plain bytes, which the server cuts; goes on where an earlier stream was
/// broken off.
absl::Status WritePlain(Connection& connection, const UploadLimits& limits, const std::string& ns,
                        const BlobRef& blob, const FileDescriptor& file,
                        const std::filesystem::path& path, ProgressReporter& progress);

}  // namespace dml
