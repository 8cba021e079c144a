// The audit log: which calls were refused, to whom and why, in files that only grow.
//
// What changes state becomes an entry of the journal. Refusals would let anybody make it grow, so
// they have a log of their own, whose lines are chained (core/audit/audit_line.h) and whose head is
// entered in the journal once an hour. How many lines a second there can be is limited for all
// callers together: what is beyond is counted, and told by one line a minute.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/audit/audit_line.h"
#include "core/base/status.h"
#include "server/audit/audit_writer.h"

namespace dml {

struct AuditLogOptions {
  std::filesystem::path folder;
  int lines_per_second = 10;       // Of refusals; ten seconds' worth may come at once.
  uint64_t file_bytes = 16 << 20;  // After which the next file begins.
  AuditHead recorded;              // What the journal knows, and since when.
  std::optional<Timestamp> recorded_time;
  /// Enters a head in the journal; called by Work. Empty: heads are not entered.
  std::function<absl::Status(const AuditHead&)> record;
  std::function<Timestamp()> clock = WallClockNow;
  bool thread = true;  // That calls Work; without, somebody else must.
};

/// Thread-safe. Lines are durable a moment after Note, and all of them at the end; what was noted
/// in that moment is lost with the power. Where the disk takes no lines, refusals are counted until
/// it does: calls are never held up.
class AuditLog {
 public:
  /// Errors of AuditWriter::Open.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(AuditLogOptions options);
  /// Writes what was noted, and the summary.
  ~AuditLog();

  /// Never waits for the disk.
  void Note(Refusal refusal);

  /// Writes what was noted, a summary where one is due, and enters the head where that is due.
  void Work() { WorkOnce(false); }

  /// The last line that is durable.
  AuditHead head() const;

 private:
  struct Noted {
    Timestamp time;
    Refusal refusal;
  };

  AuditLog(AuditLogOptions options, AuditWriter writer);

  bool TakeBudget(const Refusal& refusal, Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WorkOnce(bool last);
  absl::Status Write(const std::vector<Noted>& noted, const UnwrittenRefusals& summary,
                     Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_);
  absl::Status ReadyWriter(Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_);
  void RecordHead(Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_);
  void Run();

  const AuditLogOptions options_;
  const double capacity_;  // Lines that may come at once.

  absl::Mutex work_mutex_;  // Held by Work. The members up to the next are its own.
  std::optional<AuditWriter> writer_ ABSL_GUARDED_BY(work_mutex_);  // None after an error.
  Timestamp next_open_ ABSL_GUARDED_BY(work_mutex_);
  Timestamp next_record_ ABSL_GUARDED_BY(work_mutex_);
  AuditHead recorded_ ABSL_GUARDED_BY(work_mutex_);

  mutable absl::Mutex mutex_;
  std::vector<Noted> noted_ ABSL_GUARDED_BY(mutex_);
  UnwrittenRefusals unwritten_ ABSL_GUARDED_BY(mutex_);
  Timestamp next_summary_ ABSL_GUARDED_BY(mutex_);
  double budget_ ABSL_GUARDED_BY(mutex_);  // Lines that may come now.
  Timestamp budget_time_ ABSL_GUARDED_BY(mutex_);
  AuditHead head_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: starts when all else is there.
};

}  // namespace dml
