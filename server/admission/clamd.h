// ClamAV's daemon over its socket (clamd(8), INSTREAM): what it says about a run of bytes.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/journal/custody_entries.h"

namespace dml {

/// A scanner of bytes. Thread-safe.
class MalwareScanner {
 public:
  using Write = std::function<absl::Status(std::string_view bytes)>;
  virtual ~MalwareScanner() = default;
  /// Scans what `feed` writes, in order, as one file. The report has no scanner's name; where the
  /// scanner gives no verdict, that is the verdict kError and not an error. The errors of `feed`.
  virtual absl::StatusOr<ScanReport> Scan(
      const std::function<absl::Status(const Write& write)>& feed) = 0;
  /// Its name and the version of its signatures, in the fields of a report; UNAVAILABLE
  /// (SCANNER_UNAVAILABLE) where it does not answer.
  virtual absl::StatusOr<ScanReport> Version() = 0;
};

struct ClamdOptions {
  std::string address;                     // "/run/clamav/clamd.ctl", or "127.0.0.1:3310".
  std::chrono::seconds io_timeout{30};     // Of connecting, and of each piece.
  std::chrono::seconds scan_timeout{600};  // Of the verdict, once all was sent.
};

/// A connection for each scan. Its own limits make `clamd` stop early: with "AlertExceedsMax yes"
/// it then says Heuristics.Limits.Exceeded, which is kNotFullyScanned here, as is the end of a
/// stream above its StreamMaxLength. Without that setting it says OK of what it has not looked at.
class ClamdScanner : public MalwareScanner {
 public:
  explicit ClamdScanner(ClamdOptions options) : options_(std::move(options)) {}
  absl::StatusOr<ScanReport> Scan(
      const std::function<absl::Status(const Write& write)>& feed) override;
  absl::StatusOr<ScanReport> Version() override;

 private:
  const ClamdOptions options_;
};

/// The report that an answer means: "stream: OK", "stream: NAME FOUND", "... ERROR".
ScanReport ReadClamdAnswer(std::string_view answer);

}  // namespace dml
