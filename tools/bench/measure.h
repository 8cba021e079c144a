// Measuring: the clock, concurrent clients, what processes use, child processes, made-up content.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/status.h"

namespace dml::bench {

/// Seconds of a clock that only goes forward.
double Now();

/// The value that `share` (0 to 1) of the sorted values do not exceed; 0 for no values.
double Percentile(const std::vector<double>& sorted, double share);

/// What several clients did at the same time.
struct ClientRun {
  uint64_t calls = 0;
  double seconds = 0;
  double p50_ms = 0;  // Of one call, as its caller saw it.
  double p99_ms = 0;
  double rate() const { return static_cast<double>(calls) / seconds; }
};

/// Calls work(client, iteration) on `clients` threads, each again and again for `seconds`.
/// Iteration 0 of every client (which connects) comes before the clock starts. The first error ends
/// all of them and is returned.
using ClientWork = std::function<absl::Status(int client, uint64_t iteration)>;
absl::StatusOr<ClientRun> RunClients(int clients, double seconds, const ClientWork& work);

/// User and system time of a process with all its threads, in seconds; 0 where it is gone.
double CpuSeconds(pid_t pid);
/// What a process caused to be written to storage so far (write_bytes of proc_pid_io(5)).
uint64_t BytesWritten(pid_t pid);
/// What it caused to be read from storage so far (read_bytes, likewise).
uint64_t BytesRead(pid_t pid);
/// The most memory that a process had resident since its start or the last reset, in bytes.
uint64_t PeakMemory(pid_t pid);
/// Forgets the peak; what is resident now.
uint64_t ResetPeakMemory(pid_t pid);
double LoadAverage();  // Of the last minute.

/// CPU time since the machine started, in seconds of one core.
struct CpuUse {
  double machine = 0;
  double ours = 0;  // This process and the children that it has waited for.
};
CpuUse ReadCpuUse();

/// A program under measurement. Gets an end of file on its standard input when it is to end, and
/// SIGTERM; killed where it does not within ten seconds.
class ChildProcess {
 public:
  /// argv[0] is the program's path. Its HOME is `home`, where "stderr.log" takes its standard
  /// error.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const std::vector<std::string>& argv,
                                                             const std::filesystem::path& home);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The rest of the first line of its standard output that starts with `prefix`. UNAVAILABLE
  /// (CHILD_ENDED) where none comes.
  absl::StatusOr<std::string> AwaitLine(std::string_view prefix);
  pid_t pid() const { return pid_; }

 private:
  ChildProcess() = default;

  pid_t pid_ = -1;
  int stdin_ = -1;
  std::FILE* stdout_ = nullptr;
  std::filesystem::path log_;
};

enum class ContentKind { kText, kRandom };
std::string_view ContentKindName(ContentKind kind);  // "text", "random".

/// Bytes that are the same for the same seed on every machine: words of a made-up language with
/// uneven frequencies, which zstd halves and more; or bytes that no codec shrinks.
std::string MakeContent(ContentKind kind, size_t size, uint64_t seed);

}  // namespace dml::bench
