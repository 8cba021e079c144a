// What may enter: the checks of a variant between its signatures and its entry, and scans of what
// has entered.
//
// Nothing here is on the way of a read: a scanner that is down delays or shuts out what is new, by
// configuration, and nothing else. Thread-safe; one background thread for scans.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
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

  /// Judges a variant in quarantine anew, after something was attached to it. Where it went there
  /// when it was published, and all checks pass by now, an entry lets it out. Whom a person, or a
  /// later scan, put there, and what is infected, waits for a person. Files are scanned again where
  /// the scan alone is missing: by the background thread, later than this returns. Faults are
  /// logged: whatever comes of it, what was attached is.
  void JudgeAgain(const VariantName& name) { JudgeAndLog(name, /*may_scan=*/false); }

  /// Scans every variant that is there for deployment, and ends quarantines that lasted too long.
  /// False where that is under way.
  bool StartScan();
  ScanProgress progress() const;
  bool scans() const { return scanner_ != nullptr; }
  /// The scanner and its signatures; UNAVAILABLE.
  absl::StatusOr<ScanReport> Version();

 private:
  /// What the documents and attestations of a variant lack.
  std::vector<std::string> Missing(const std::string& declared_license,
                                   const std::set<std::string>& predicates) const;
  bool IsBad(const ScanReport& report) const;
  absl::Status Judge(const VariantName& name, bool may_scan);
  void JudgeAndLog(const VariantName& name, bool may_scan);
  void JudgePending();
  absl::StatusOr<ScanReport> ScanFiles(const Manifest& manifest);
  absl::Status ScanVariant(const VariantRecord& record);
  absl::Status EndQuarantine(const VariantRecord& record);
  absl::Status Commit(EntryPayload payload, std::vector<StampSeen> decided_on = {});
  void Run(std::stop_token stop);
  void ScanAll(const std::stop_token& stop);

  Library& library_;
  const AdmissionOptions options_;
  std::unique_ptr<MalwareScanner> scanner_;

  mutable absl::Mutex mutex_;
  ScanProgress progress_ ABSL_GUARDED_BY(mutex_);
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<VariantName> pending_ ABSL_GUARDED_BY(mutex_);  // To be scanned, and judged anew.
  std::jthread thread_;                                    // Last: starts when all else is there.
};

}  // namespace dml
