// The sections of a run. Each measures, adds its figures to the report, and leaves nothing running;
// what it writes goes into a folder of its own below Setup::work_dir.
#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "tools/bench/report.h"

namespace dml::bench {

struct Setup {
  std::filesystem::path work_dir;  // On the file system that is measured.
  std::filesystem::path program;   // dml-bench itself, started again as the calibration server.
  std::filesystem::path dmld;
  double seconds = 2;                // Of one timed measurement.
  uint64_t large_bytes = 256 << 20;  // Of the largest file.
};

// Names of figures that others are compared with; all MB/s (10^6 bytes).
inline constexpr char kSha256Speed[] = "SHA-256, one core (H)";
inline constexpr char kDiskSpeed[] = "durable sequential write, synced at the end (D)";
inline constexpr char kRawTlsUpload[] = "raw stream, TLS 1.3, to the server (Gt)";
inline constexpr char kRawTlsDownload[] = "raw stream, TLS 1.3, from the server (Gt)";

/// Hashing, codec, chunker, disk.
absl::Status CalibrateLocal(const Setup& setup, Report& report);
/// gRPC alone: streams raw and typed, plain and TLS, and a call that does nothing.
absl::Status CalibrateWire(const Setup& setup, Report& report);
/// Serves CalibrateWire from a process of its own until its standard input ends.
absl::Status ServeCalibration(const std::filesystem::path& folder, bool tls);

/// Upload, upload again, download, through dml::client and dmld.
absl::Status MeasureContent(const Setup& setup, Report& report);
/// 64 clients that publish small packages.
absl::Status MeasurePublish(const Setup& setup, Report& report);
/// Questions about single things.
absl::Status MeasureQueries(const Setup& setup, Report& report);
/// 64 callers in this process, each with a decision that takes 10 ms.
absl::Status MeasureSequencer(const Setup& setup, Report& report);

}  // namespace dml::bench
