// What may enter: the checks of a variant between its signatures and its entry, and scans of what
// has entered.
//
// Nothing here is on the way of a read: a scanner that is down delays or shuts out what is new, by
// configuration, and nothing else. Thread-safe; one background thread for scans.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/journal/records.h"
#include "core/package/manifest.h"
#include "core/rules/command.h"
#include "server/admission/clamd.h"
#include "server/config/server_config.h"
#include "storage/library/library.h"

namespace dml {

struct ScanProgress {
  bool running = false;
  Timestamp start_time, finish_time;
  uint64_t variants = 0, bytes = 0, infected = 0, not_fully_scanned = 0, errors = 0;
};

class Admission {
 public:
  /// `library` must outlive it; `scanner` null: as options.clamd says.
  Admission(Library& library, AdmissionOptions options,
            std::unique_ptr<MalwareScanner> scanner = nullptr);
  ~Admission();

  /// What the checks say about a command of PreparePublish: its admission, reason and scan are set.
  /// Errors are those of reading the files.
  absl::Status Examine(Command& command);

  /// Scans every variant that is there for deployment, and ends quarantines that lasted too long.
  /// False where that is under way.
  bool StartScan();
  ScanProgress progress() const;
  bool scans() const { return scanner_ != nullptr; }
  /// The scanner and its signatures; UNAVAILABLE.
  absl::StatusOr<ScanReport> Version();

 private:
  absl::StatusOr<ScanReport> ScanFiles(const Manifest& manifest);
  absl::Status ScanVariant(const VariantRecord& record);
  absl::Status EndQuarantine(const VariantRecord& record);
  absl::Status Commit(EntryPayload payload);
  void Run(std::stop_token stop);
  void ScanAll(const std::stop_token& stop);

  Library& library_;
  const AdmissionOptions options_;
  std::unique_ptr<MalwareScanner> scanner_;

  mutable absl::Mutex mutex_;
  ScanProgress progress_ ABSL_GUARDED_BY(mutex_);
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // Last: starts when all else is there.
};

}  // namespace dml
