// Sending files' missing chunks. Internal to client/; see client/transfer.h.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/transfer.h"
#include "core/content/chunker.h"

namespace dml {

/// Sums up a transfer of several files and tells about it.
class ProgressReporter {
 public:
  ProgressReporter(uint64_t bytes_total, const ProgressFn& report) : report_(report) {
    progress_.bytes_total = bytes_total;
  }
  void Done(uint64_t bytes) { Reach(progress_.bytes_done + bytes); }
  /// So many bytes are done altogether; fewer than before are no news.
  void Reach(uint64_t bytes_done) {
    if (bytes_done <= progress_.bytes_done) return;
    progress_.bytes_done = bytes_done;
    if (report_) report_(progress_);
  }
  void Sent(uint64_t bytes) {
    progress_.bytes_sent += bytes;
    if (report_) report_(progress_);
  }
  uint64_t sent() const { return progress_.bytes_sent; }

 private:
  TransferProgress progress_;
  const ProgressFn report_;
};

/// Sends regular files into a namespace; the blobs that they are, in the same order. Cuts and
/// hashes ahead of sending, asks which chunks are missing, and sends those only, in one stream for
/// many files. Where the stream breaks it goes on with the first file that was not acknowledged.
absl::StatusOr<std::vector<BlobRef>> UploadAll(Connection& connection, const std::string& ns,
                                               const std::vector<std::filesystem::path>& files,
                                               ProgressReporter& progress);

}  // namespace dml
