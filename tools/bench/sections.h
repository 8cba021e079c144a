// The sections of a run. Each measures, adds its figures to the report, and leaves nothing running;
// what it writes goes into a folder of its own below Setup::work_dir.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "tools/bench/report.h"

namespace dml::bench {

struct Setup {
  std::filesystem::path work_dir;  // On the file system that is measured.
  std::filesystem::path program;   // dml-bench itself, started again as the calibration server.
  std::filesystem::path dmld;
  double seconds = 2;                // Of one timed measurement.
  uint64_t large_bytes = 256 << 20;  // Of the largest file.
  uint64_t huge_bytes = 0;           // Of the file whose memory is looked at; 0: none.
  std::filesystem::path packages;    // A Packages file of Debian's, plain; empty: none.
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
/// Pulls that are out of the ordinary.
absl::Status MeasurePulls(const Setup& setup, Report& report);
/// 64 clients that publish small packages.
absl::Status MeasurePublish(const Setup& setup, Report& report);
/// Questions about single things.
absl::Status MeasureQueries(const Setup& setup, Report& report);
/// 64 callers in this process, each with a decision that takes 10 ms.
absl::Status MeasureSequencer(const Setup& setup, Report& report);
/// Signatures, proofs, and what they cost a publish; in this process.
absl::Status MeasureTrust(const Setup& setup, Report& report);
/// Verdicts on licenses, their index over 10^6 versions, leases of 64 clients; in this process.
absl::Status MeasureLicense(const Setup& setup, Report& report);
/// Decisions on large releases, and permits of 64 callers; in this process.
absl::Status MeasureGate(const Setup& setup, Report& report);

/// Checks of sets and environments in this process; and with Setup::packages the import of a whole
/// index through the daemon, questions about it, and the solver on it beside libsolv's and dose's.
absl::Status MeasureCompat(const Setup& setup, Report& report);

/// An experiment on releases given as paths, not a section: see tools/bench/chunking.h.
struct ChunkingOptions {
  std::vector<std::string> releases;                  // Folders or files, oldest first.
  std::vector<std::string> modes = {"tar", "files"};  // One archive a release, or file by file.
  std::vector<uint32_t> averages_kib = {16, 32, 64, 128, 256, 512};
  std::vector<std::string> levels = {"1", "3", "9", "3:9"};  // zstd's: FRAME or FRAME:DELTA.
};
/// Prints the calibrations of CalibrateLocal and a table. INVALID_ARGUMENT (LEVELS_INVALID) and the
/// errors of LoadRelease and MeasureChunking.
absl::Status RunChunking(const ChunkingOptions& options, const Setup& setup);

}  // namespace dml::bench
