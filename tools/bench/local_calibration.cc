// What this machine can do without any of the library's path: hashing, codec, chunker, disk.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include "core/content/chunker.h"
#include "core/content/frame.h"
#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr size_t kSample = 64 << 20;
constexpr size_t kChunk = 64 << 10;
constexpr int kLevel = 3;
constexpr uint64_t kDiskBytes = 256 << 20;

// MB/s of `once`, which handles `bytes` each time.
double Speed(double seconds, size_t bytes, absl::FunctionRef<void()> once) {
  const double begin = Now();
  double total = 0;
  double now = begin;
  for (; now < begin + seconds; now = Now()) {
    once();
    total += static_cast<double>(bytes);
  }
  return total / (now - begin) / 1e6;
}

struct File {
  explicit File(const std::filesystem::path& path)
      : fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  absl::Status Append(std::string_view bytes, bool sync) const {
    while (!bytes.empty()) {
      ssize_t written = ::write(fd, bytes.data(), bytes.size());
      if (written < 0) return Failed();
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return !sync || ::fdatasync(fd) == 0 ? absl::OkStatus() : Failed();
  }
  static absl::Status Failed() {
    return Unavailable(ErrorReason("DISK_FAILED"), "cannot write a test file: errno {}", errno);
  }
  const int fd;
};

absl::StatusOr<double> WriteSpeed(const std::filesystem::path& path, uint64_t bytes, bool sync) {
  const std::string block = MakeContent(ContentKind::kRandom, kMiB, 1);
  File file(path);
  const double begin = Now();
  for (uint64_t done = 0; done < bytes; done += block.size()) {
    DML_RETURN_IF_ERROR(file.Append(block, sync));
  }
  DML_RETURN_IF_ERROR(file.Append("", true));
  return static_cast<double>(bytes) / (Now() - begin) / 1e6;
}

void AddLatencies(Report& report, const std::string& what, std::vector<double>& milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  report.Add(what + ", p50", Percentile(milliseconds, 0.50), "ms");
  report.Add(what + ", p99", Percentile(milliseconds, 0.99), "ms",
             fmt::format("of {}", milliseconds.size()));
}

absl::Status CalibrateDisk(const Setup& setup, const std::filesystem::path& folder,
                           Report& report) {
  DML_ASSIGN_OR_RETURN(double at_end, WriteSpeed(folder / "sequential", kDiskBytes, false));
  report.Add(kDiskSpeed, at_end, "MB/s", "1 MiB writes, one fdatasync");
  DML_ASSIGN_OR_RETURN(double each, WriteSpeed(folder / "each", kDiskBytes / 4, true));
  report.Add("durable sequential write, synced each MiB", each, "MB/s", "fdatasync a write");

  const std::string block = MakeContent(ContentKind::kRandom, 4096, 2);
  std::vector<double> appends;
  File log(folder / "appended");
  for (double end = Now() + setup.seconds; Now() < end;) {
    const double begin = Now();
    DML_RETURN_IF_ERROR(log.Append(block, true));
    appends.push_back((Now() - begin) * 1e3);
  }
  AddLatencies(report, "append 4 KiB and fdatasync", appends);
  std::vector<double> replaced;
  for (double end = Now() + setup.seconds; Now() < end;) {
    const double begin = Now();
    DML_RETURN_IF_ERROR(
        WriteFileAtomically(folder / "replaced", AsBytes(block).subspan(0, 200), 0600));
    replaced.push_back((Now() - begin) * 1e3);
  }
  AddLatencies(report, "replace a 200 byte file durably", replaced);
  return absl::OkStatus();
}

// Chunk by chunk, each a frame of its own.
void CalibrateZstd(const Setup& setup, ContentKind kind, Report& report) {
  const std::string sample = MakeContent(kind, kSample, 3);
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> encoder(ZSTD_createCCtx(), ZSTD_freeCCtx);
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decoder(ZSTD_createDCtx(), ZSTD_freeDCtx);
  std::string frame(ZSTD_compressBound(kChunk), '\0');
  std::string raw(kChunk, '\0');
  std::vector<std::string> frames;
  uint64_t stored = 0;
  size_t at = 0;
  double compress = Speed(setup.seconds, kChunk, [&] {
    size_t size = ZSTD_compressCCtx(encoder.get(), frame.data(), frame.size(), sample.data() + at,
                                    kChunk, kLevel);
    at = (at + kChunk) % kSample;
    if (frames.size() < kSample / kChunk) {
      stored += size;
      frames.push_back(frame.substr(0, size));
    }
  });
  size_t next = 0;
  double decompress = Speed(setup.seconds, kChunk, [&] {
    const std::string& one = frames[next++ % frames.size()];
    ZSTD_decompressDCtx(decoder.get(), raw.data(), raw.size(), one.data(), one.size());
  });
  std::string name(ContentKindName(kind));
  report.Add("zstd -3 compress, 64 KiB chunks, " + name, compress, "MB/s",
             fmt::format("to {:.1f} %", 100.0 * static_cast<double>(stored) /
                                            static_cast<double>(frames.size() * kChunk)));
  report.Add("zstd -3 decompress, 64 KiB chunks, " + name, decompress, "MB/s");
}

void CalibrateChunks(const Setup& setup, Report& report) {
  const std::string sample = MakeContent(ContentKind::kRandom, kSample, 4);
  double cut = Speed(setup.seconds, kSample, [&] {
    StreamChunker chunker{ChunkerParams{}};
    auto ignore = [](ByteSpan) { return absl::OkStatus(); };
    for (size_t at = 0; at < kSample; at += kMiB) {
      chunker.Push(AsBytes(sample).subspan(at, kMiB), ignore).IgnoreError();
    }
    chunker.Finish(ignore).IgnoreError();
  });
  report.Add("FastCDC, 64 KiB on average", cut, "MB/s");
}

}  // namespace

absl::Status CalibrateLocal(const Setup& setup, Report& report) {
  std::filesystem::path folder = setup.work_dir / "local";
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  const std::string block = MakeContent(ContentKind::kRandom, kMiB, 5);
  Sha256Hasher hasher;
  report.Add(kSha256Speed, Speed(setup.seconds, kMiB, [&] { hasher.Update(block); }), "MB/s",
             "EVP, 1 MiB updates");
  CalibrateZstd(setup, ContentKind::kText, report);
  CalibrateZstd(setup, ContentKind::kRandom, report);
  CalibrateChunks(setup, report);
  return CalibrateDisk(setup, folder, report);
}

}  // namespace dml::bench
