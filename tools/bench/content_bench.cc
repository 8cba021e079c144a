// Transfers through dml::client and dmld over TLS on loopback, one stream at a time.
#include <algorithm>
#include <fstream>

#include "core/os/file.h"
#include "tools/bench/bench_daemon.h"

namespace dml::bench {
namespace {

namespace fs = std::filesystem;

constexpr char kMemoryFolder[] = "/dev/shm";

struct Batch {
  ContentKind kind;
  uint64_t size;  // Of one file.
  int count;

  std::string name() const {
    std::string of =
        size >= (1 << 20) ? fmt::format("{} MiB", size >> 20) : fmt::format("{} KiB", size >> 10);
    return fmt::format("{} x {}, {}", count, of, ContentKindName(kind));
  }
  double bytes() const { return static_cast<double>(size) * count; }
};

// What a transfer took, of wall time and of the daemon.
class Meter {
 public:
  explicit Meter(pid_t daemon)
      : daemon_(daemon), begin_(Now()), cpu_(CpuSeconds(daemon)), written_(BytesWritten(daemon)) {}
  double Seconds() const { return Now() - begin_; }
  double Cpu() const { return CpuSeconds(daemon_) - cpu_; }
  double Written() const { return static_cast<double>(BytesWritten(daemon_) - written_); }

 private:
  const pid_t daemon_;
  const double begin_;
  const double cpu_;
  const uint64_t written_;
};

class ContentBench {
 public:
  ContentBench(const Setup& setup, const BenchDaemon& daemon, Client& client, Report& report)
      : setup_(setup), daemon_(daemon), client_(client), report_(report) {
    const double hash = report.Find(kSha256Speed).value_or(0);
    const double disk = report.Find(kDiskSpeed).value_or(0);
    upload_bound_ = std::min({hash, disk, report.Find(kRawTlsUpload).value_or(0)});
    download_bound_ = report.Find(kRawTlsDownload).value_or(0);
    // fs::path::operator/ would take an absolute path as it is.
    files_ = setup.work_dir / "content-files";
  }

  absl::Status Run(const Batch& batch) {
    DML_RETURN_IF_ERROR(Write(batch));
    double new_speed = 0;
    DML_RETURN_IF_ERROR(Upload(batch, "upload", &new_speed));
    DML_RETURN_IF_ERROR(Upload(batch, "upload again", &new_speed));
    DML_RETURN_IF_ERROR(Publish(batch));
    if (fs::is_directory(kMemoryFolder)) {
      fs::path folder = fs::path(kMemoryFolder) / fmt::format("dml-bench-{}", ::getpid());
      absl::Status status = Download(batch, "download to memory", folder);
      fs::remove_all(folder);
      DML_RETURN_IF_ERROR(status);
    }
    DML_RETURN_IF_ERROR(Download(batch, "download to disk", setup_.work_dir / "out"));
    fs::remove_all(setup_.work_dir / "out");
    fs::remove_all(files_);
    return absl::OkStatus();
  }

 private:
  fs::path File(int i) const { return files_ / fmt::format("{}", i); }
  std::string PackageOf(const Batch& batch, int i) const {
    return fmt::format("{}-{}-{}", ContentKindName(batch.kind), batch.size, i);
  }

  absl::Status Write(const Batch& batch) {
    fs::create_directories(files_);
    for (int i = 0; i < batch.count; ++i) {
      std::ofstream file(File(i), std::ios::binary);
      file << MakeContent(batch.kind, batch.size, ++seed_);
      if (!file.flush()) {
        return ResourceExhausted(ErrorReason("DISK_FULL"), "cannot write test files into {}",
                                 files_.string());
      }
    }
    return absl::OkStatus();
  }

  // `new_speed`: set by the first upload, compared with by the second.
  absl::Status Upload(const Batch& batch, const std::string& what, double* new_speed) {
    Meter meter(daemon_.pid());
    double sent = 0;
    for (int i = 0; i < batch.count; ++i) {
      TransferProgress last;
      DML_RETURN_IF_ERROR(
          UploadFile(client_, kNamespace, File(i), [&](const auto& p) { last = p; }).status());
      sent += static_cast<double>(last.bytes_sent);
    }
    const double speed = batch.bytes() / meter.Seconds() / 1e6;
    std::string note =
        fmt::format("server CPU {:.2f} ns a byte", meter.Cpu() / batch.bytes() * 1e9);
    if (*new_speed == 0) {
      *new_speed = speed;
      note += fmt::format("; {:.2f} of min(H, D, Gt); written/stored {:.2f}", speed / upload_bound_,
                          meter.Written() / sent);
    } else {
      note += fmt::format("; {:.1f} x as fast as new; {:.0f} bytes sent", speed / *new_speed, sent);
    }
    report_.Add(fmt::format("{}, {}", what, batch.name()), speed, "MB/s", note);
    return absl::OkStatus();
  }

  // Content that is all there, so that downloads have something to name. Not timed.
  absl::Status Publish(const Batch& batch) {
    for (int i = 0; i < batch.count; ++i) {
      PublishInput input;
      input.spec_json = FormatPackageSpec(MakeSpec(PackageOf(batch, i), "1.0.0"));
      input.files = {{File(i), "file"}};
      input.keys = {&daemon_.publisher()};
      DML_RETURN_IF_ERROR(PublishPackage(client_, input, nullptr).status());
    }
    return absl::OkStatus();
  }

  absl::Status Download(const Batch& batch, const std::string& what, const fs::path& folder) {
    Meter meter(daemon_.pid());
    for (int i = 0; i < batch.count; ++i) {
      const VariantName name = NameOf(MakeSpec(PackageOf(batch, i), "1.0.0"));
      DML_RETURN_IF_ERROR(
          DownloadVariant(client_, name, folder / fmt::format("{}", i), {}, nullptr).status());
    }
    const double speed = batch.bytes() / meter.Seconds() / 1e6;
    report_.Add(fmt::format("{}, {}", what, batch.name()), speed, "MB/s",
                fmt::format("server CPU {:.2f} ns a byte; {:.2f} of Gt",
                            meter.Cpu() / batch.bytes() * 1e9, speed / download_bound_));
    return absl::OkStatus();
  }

  const Setup& setup_;
  const BenchDaemon& daemon_;
  Client& client_;
  Report& report_;
  fs::path files_;
  double upload_bound_ = 0;
  double download_bound_ = 0;
  uint64_t seed_ = 100;
};

}  // namespace

absl::Status MeasureContent(const Setup& setup, Report& report) {
  DML_ASSIGN_OR_RETURN(auto daemon, BenchDaemon::Start(setup, "content"));
  DML_ASSIGN_OR_RETURN(Client client, daemon->Connect());
  ContentBench bench(setup, *daemon, client, report);
  for (ContentKind kind : {ContentKind::kRandom, ContentKind::kText}) {
    DML_RETURN_IF_ERROR(bench.Run({kind, 64 << 10, 64}));
    DML_RETURN_IF_ERROR(bench.Run({kind, 1 << 20, 32}));
    DML_RETURN_IF_ERROR(bench.Run({kind, 16 << 20, 8}));
    DML_RETURN_IF_ERROR(bench.Run({kind, setup.large_bytes, 1}));
  }
  report.Add("most memory of the daemon", static_cast<double>(PeakMemory(daemon->pid())) / 1e6,
             "MB");
  return absl::OkStatus();
}

}  // namespace dml::bench
