// Puts lines into the files of an audit log so that they are there after a crash.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/audit/audit_files.h"

namespace dml {

/// One thread at a time. Only one may be open on a folder: the database's lock sees to that.
class AuditWriter {
 public:
  /// Finds the end of the log, or begins one. A last line that a crash tore is cut off; where the
  /// log ends before `recorded`, it goes on from there, so that no number stands for two lines.
  /// Both are told in the process's log and by lines of their own, with the next that are written.
  /// No file is made before. Errors of core/os/file.h; FAILED_PRECONDITION (AUDIT_LOG_UNREADABLE).
  static absl::StatusOr<AuditWriter> Open(std::filesystem::path folder, uint64_t file_bytes,
                                          const AuditHead& recorded);

  ~AuditWriter();
  AuditWriter(AuditWriter&& other) noexcept;
  AuditWriter& operator=(AuditWriter&&) = delete;

  /// The last line that is durable.
  const AuditHead& head() const { return head_; }

  /// What the first lines of the next Append must say (AppendRepair): each once.
  const std::vector<std::string>& repairs() const { return repairs_; }

  /// Writes lines, each with its line feed, and syncs; the last is `head` then. A file that has its
  /// size by now is closed, and the lines are the first of another. After an error any part of them
  /// may be there: only another Open knows how many. Errors of core/os/file.h, by their reasons.
  absl::Status Append(std::string_view lines, const AuditHead& head);

 private:
  AuditWriter(std::filesystem::path folder, uint64_t file_bytes)
      : folder_(std::move(folder)), file_bytes_(file_bytes) {}

  absl::Status FindEnd();
  void SkipTo(const AuditHead& recorded);
  absl::Status OpenFile();
  void CloseFile();

  std::filesystem::path folder_;
  uint64_t file_bytes_;
  AuditHead head_;
  std::vector<std::string> repairs_;
  uint64_t number_ = 1;  // Of the file for the next lines.
  uint64_t size_ = 0;    // Of that file.
  int descriptor_ = -1;  // Of that file, once it was written to.
};

}  // namespace dml
