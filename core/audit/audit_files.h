// The files of an audit log, as they lie in a folder, and what their chain proves.
//
//   audit-000001.jsonl, audit-000002.jsonl, ...    lines in their order; core/audit/audit_line.h
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/audit/audit_line.h"

namespace dml {

/// More than any file has: a file is closed once it reaches what is configured, far below.
inline constexpr uint64_t kMaxAuditFileBytes = 256 << 20;

/// The name of the file of a number, from 1.
std::string AuditFileName(uint64_t number);

/// The files of a folder by number; anything else in it is passed over. Empty for a folder that is
/// not there. Errors of core/os/file.h.
absl::StatusOr<std::map<uint64_t, std::filesystem::path>> FindAuditFiles(
    const std::filesystem::path& folder);

/// Something that a whole and unchanged log does not have.
struct AuditFault {
  std::string file;
  uint64_t line = 0;  // The number that it should have.
  std::string rule;   // LINE_INVALID, LINE_TORN, LINES_MISSING, CHAIN_BROKEN, HEAD_DIFFERS, LOG_CUT
  std::string what;
  bool operator==(const AuditFault&) const = default;
};

/// How far the log had come, as an entry of the journal says.
struct RecordedHead {
  uint64_t entry = 0;  // Index in the journal.
  AuditHead head;
};

/// What a log is.
struct AuditSurvey {
  /// Faults that are kept; fault_count counts all.
  static constexpr size_t kMaxFaults = 100;

  uint64_t first = 0;     // Number of the first line: above 1 where older files were taken away.
  uint64_t lines = 0;     // That are there.
  uint64_t refusals = 0;  // That they tell of.
  AuditHead head;
  std::vector<AuditFault> faults;
  uint64_t fault_count = 0;
  uint64_t matched = 0;  // Of the recorded heads: those that are so.
};

/// Walks all lines of a folder's files, and compares them with what was recorded of them; heads
/// further before the first line that is there prove nothing either way. NOT_FOUND
/// (AUDIT_LOG_NOT_FOUND) where there is no file; errors of core/os/file.h.
absl::StatusOr<AuditSurvey> SurveyAuditLog(const std::filesystem::path& folder,
                                           const std::vector<RecordedHead>& recorded);

}  // namespace dml
