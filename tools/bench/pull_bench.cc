// Pulls that are out of the ordinary: an upgrade, a hundred at once, one that hardly reads, and a
// package far larger than any memory that it may take.
#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <absl/container/flat_hash_set.h>

#include "client/connection.h"
#include "core/content/chunker.h"
#include "core/content/frame.h"
#include "dml/v1/content.grpc.pb.h"
#include "tools/bench/bench_daemon.h"
#include "tools/bench/trickling_proxy.h"

namespace dml::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPackageBytes = 64 << 20;
constexpr int kPullers = 100;
constexpr uint64_t kSlowBeginning = 64 << 10;  // Of bytes: the handshake, and the first frames.
constexpr int kSlowSeconds = 10;

absl::Status WriteFile(const fs::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (out.flush()) return absl::OkStatus();
  return ResourceExhausted(ErrorReason("DISK_FULL"), "cannot write {}", file.string());
}

// Every 256th KiB differs: what a new build of a program with small changes looks like.
std::string NextVersion(std::string bytes) {
  for (size_t at = 0; at + 1024 < bytes.size(); at += 256 << 10) {
    for (size_t i = 0; i < 1024; i += 64) bytes[at + i] = static_cast<char>(bytes[at + i] ^ 1);
  }
  return bytes;
}

absl::StatusOr<std::vector<std::string_view>> Cut(const ChunkerParams& params,
                                                  std::string_view bytes) {
  std::vector<std::string_view> out;
  StreamChunker chunker(params);
  size_t at = 0;
  auto sink = [&](ByteSpan raw) {
    out.push_back(bytes.substr(at, raw.size()));
    at += raw.size();
    return absl::OkStatus();
  };
  DML_RETURN_IF_ERROR(chunker.Push(AsBytes(bytes), sink));
  DML_RETURN_IF_ERROR(chunker.Finish(sink));
  return out;
}

// Bytes of the frames of chunks of `next` that are not in `old`.
absl::StatusOr<uint64_t> MissingFrameBytes(const ChunkerParams& params, std::string_view old,
                                           std::string_view next) {
  absl::flat_hash_set<Digest> known;
  DML_ASSIGN_OR_RETURN(auto old_chunks, Cut(params, old));
  for (std::string_view chunk : old_chunks) known.insert(EncodeChunk(AsBytes(chunk)).raw_digest);
  DML_ASSIGN_OR_RETURN(auto next_chunks, Cut(params, next));
  uint64_t out = 0;
  for (std::string_view chunk : next_chunks) {
    const EncodedChunk encoded = EncodeChunk(AsBytes(chunk));
    if (known.insert(encoded.raw_digest).second) out += encoded.stored.size();
  }
  return out;
}

// What the system keeps of the daemon's files is dropped, so that reads go to the disk.
void DropFromPageCache(const fs::path& folder) {
  ::sync();
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

class PullBench {
 public:
  PullBench(const Setup& setup, const BenchDaemon& daemon, Client& client, Report& report)
      : setup_(setup), daemon_(daemon), client_(client), report_(report) {}

  absl::Status Run() {
    DML_RETURN_IF_ERROR(Upgrade());
    DML_RETURN_IF_ERROR(AllAtOnce());
    DML_RETURN_IF_ERROR(SlowReader());
    DML_RETURN_IF_ERROR(SmallBesideLarge());
    return Huge();
  }

 private:
  fs::path Input() const { return setup_.work_dir / "pull-input"; }

  absl::Status Publish(const std::string& name, const std::string& version, const fs::path& file) {
    PublishInput input;
    input.spec_json = FormatPackageSpec(MakeSpec(name, version));
    input.files = {{file, "file"}};
    input.keys = {&daemon_.publisher()};
    return PublishPackage(client_, input, nullptr).status();
  }

  absl::Status Upgrade() {
    const std::string old = MakeContent(ContentKind::kText, kPackageBytes, 901);
    const std::string next = NextVersion(old);
    DML_RETURN_IF_ERROR(WriteFile(Input(), old));
    DML_RETURN_IF_ERROR(Publish("upgrade", "1.0.0", Input()));
    const fs::path earlier = setup_.work_dir / "earlier";
    fs::rename(Input(), earlier);
    DML_RETURN_IF_ERROR(WriteFile(Input(), next));
    DML_RETURN_IF_ERROR(Publish("upgrade", "2.0.0", Input()));
    DML_ASSIGN_OR_RETURN(uint64_t missing, MissingFrameBytes({}, old, next));
    const double begin = Now();
    DML_ASSIGN_OR_RETURN(
        DownloadResult pulled,
        DownloadVariant(client_, NameOf(MakeSpec("upgrade", "2.0.0")), setup_.work_dir / "upgraded",
                        {.local = {earlier}}, nullptr));
    const double speed = static_cast<double>(next.size()) / (Now() - begin) / 1e6;
    report_.Add(
        "upgrade pull, 64 MiB of text with 256 small changes", speed, "MB/s",
        fmt::format("{} bytes fetched, {:.2f} of the missing chunks' frames", pulled.fetched_bytes,
                    static_cast<double>(pulled.fetched_bytes) / missing));
    fs::remove(earlier);
    fs::remove_all(setup_.work_dir / "upgraded");
    return absl::OkStatus();
  }

  // All chunks of the file, thrown away as they come; so what is measured is the daemon.
  absl::Status Drain(Client& client, const std::string& variant, const Manifest& manifest) {
    v1::GetBlobChunksRequest ask;
    ask.set_name(variant);
    ask.set_digest(manifest.files[0].blob.digest.ToString());
    DML_ASSIGN_OR_RETURN(auto list,
                         client.connection().Call(&v1::ContentService::Stub::GetBlobChunks, ask));
    v1::ReadChunksRequest request;
    request.set_name(variant);
    request.set_digest(ask.digest());
    request.add_ranges()->set_count(list.chunk_count());
    grpc::ClientContext context;
    auto stream =
        v1::ContentService::Stub(client.connection().channel()).ReadChunks(&context, request);
    v1::ReadChunksResponse response;
    while (stream->Read(&response)) {
    }
    return client.connection().Received(stream->Finish());
  }

  absl::Status AllAtOnce() {
    DML_RETURN_IF_ERROR(WriteFile(Input(), MakeContent(ContentKind::kRandom, kPackageBytes, 902)));
    DML_RETURN_IF_ERROR(Publish("popular", "1.0.0", Input()));
    const VariantName name = NameOf(MakeSpec("popular", "1.0.0"));
    DML_ASSIGN_OR_RETURN(VariantDetails details, client_.GetVariant(name));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
    DML_ASSIGN_OR_RETURN(std::vector<Client> clients, daemon_.Connect(kPullers));
    DropFromPageCache(daemon_.data_dir());
    const uint64_t memory = ResetPeakMemory(daemon_.pid());
    const uint64_t read = BytesRead(daemon_.pid());
    const double begin = Now();
    std::vector<absl::Status> results(kPullers);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kPullers; ++i) {
        threads.emplace_back(
            [&, i] { results[i] = Drain(clients[i], name.ResourceName(), manifest); });
      }
    }
    for (const absl::Status& result : results) DML_RETURN_IF_ERROR(result);
    const double seconds = Now() - begin;
    report_.Add(
        fmt::format("{} pulls at once of one 64 MiB package", kPullers),
        static_cast<double>(kPackageBytes) * kPullers / seconds / 1e6, "MB/s",
        fmt::format("disk reads {:.2f} x its size; memory of the daemon grew by {:.2f} MB a "
                    "stream",
                    static_cast<double>(BytesRead(daemon_.pid()) - read) / kPackageBytes,
                    static_cast<double>(PeakMemory(daemon_.pid()) - memory) / kPullers / 1e6));
    return absl::OkStatus();
  }

  // Reads a kilobyte a second over a slow network, while another client pulls at its own speed.
  absl::Status SlowReader() {
    const VariantName name = NameOf(MakeSpec("popular", "1.0.0"));
    DML_ASSIGN_OR_RETURN(VariantDetails details, client_.GetVariant(name));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
    DML_ASSIGN_OR_RETURN(double alone, TimeDrain(client_, name.ResourceName(), manifest));
    DML_ASSIGN_OR_RETURN(auto network, TricklingProxy::Start(daemon_.port()));
    DML_ASSIGN_OR_RETURN(Client slow, daemon_.ConnectThrough(network->address()));
    const uint64_t memory = ResetPeakMemory(daemon_.pid());
    absl::Status drained;
    std::jthread reader([&] { drained = Drain(slow, name.ResourceName(), manifest); });
    bool flows = network->Allow(kSlowBeginning);
    for (int second = 0; second < kSlowSeconds && flows; ++second) {
      flows = network->Allow(1000);
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    const uint64_t grown = PeakMemory(daemon_.pid()) - memory;
    DML_ASSIGN_OR_RETURN(double beside, TimeDrain(client_, name.ResourceName(), manifest));
    network->AllowAll();
    reader.join();
    DML_RETURN_IF_ERROR(drained);
    if (!flows) return Unavailable(ErrorReason("PROXY_FAILED"), "the slow connection ended early");
    report_.Add(
        "memory of the daemon for a reader at 1 KB/s", static_cast<double>(grown) / 1e6, "MB",
        fmt::format("another pull beside it takes {:.2f} of its time alone", beside / alone));
    return absl::OkStatus();
  }

  absl::StatusOr<double> TimeDrain(Client& client, const std::string& variant,
                                   const Manifest& manifest) {
    const double begin = Now();
    DML_RETURN_IF_ERROR(Drain(client, variant, manifest));
    return Now() - begin;
  }

  // What a large pull takes from those of 100 KiB.
  absl::Status SmallBesideLarge() {
    DML_RETURN_IF_ERROR(WriteFile(Input(), MakeContent(ContentKind::kRandom, 100 << 10, 903)));
    DML_RETURN_IF_ERROR(Publish("small", "1.0.0", Input()));
    const VariantName large = NameOf(MakeSpec("popular", "1.0.0"));
    DML_ASSIGN_OR_RETURN(VariantDetails details, client_.GetVariant(large));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
    DML_ASSIGN_OR_RETURN(Client other, daemon_.Connect());
    DML_ASSIGN_OR_RETURN(std::vector<double> alone, TimeSmall());
    std::atomic<bool> done = false;
    absl::Status drained;
    std::jthread drain([&] {
      while (!done && drained.ok()) drained = Drain(other, large.ResourceName(), manifest);
    });
    absl::StatusOr<std::vector<double>> beside = TimeSmall();
    done = true;
    drain.join();
    DML_RETURN_IF_ERROR(drained);
    DML_RETURN_IF_ERROR(beside.status());
    report_.Add("pull of 100 KiB beside one of 64 MiB after another, p50",
                Percentile(*beside, 0.5) * 1e3, "ms",
                fmt::format("p99 {:.2f} ms; alone p50 {:.2f}, p99 {:.2f} ms",
                            Percentile(*beside, 0.99) * 1e3, Percentile(alone, 0.5) * 1e3,
                            Percentile(alone, 0.99) * 1e3));
    return absl::OkStatus();
  }

  // Seconds of each of 100 pulls, sorted.
  absl::StatusOr<std::vector<double>> TimeSmall() {
    std::vector<double> out;
    for (int i = 0; i < 100; ++i) {
      const fs::path folder = setup_.work_dir / "small";
      fs::remove_all(folder);
      const double begin = Now();
      DML_RETURN_IF_ERROR(
          DownloadVariant(client_, NameOf(MakeSpec("small", "1.0.0")), folder, {}, nullptr)
              .status());
      out.push_back(Now() - begin);
    }
    std::ranges::sort(out);
    return out;
  }

  // A file that is as large as asked for, made piece by piece.
  absl::Status Huge() {
    if (setup_.huge_bytes == 0) return absl::OkStatus();
    constexpr uint64_t kPiece = 64 << 20;
    {
      std::ofstream out(Input(), std::ios::binary);
      for (uint64_t at = 0; at < setup_.huge_bytes && out; at += kPiece) {
        out << MakeContent(ContentKind::kRandom, kPiece, 10'000 + at / kPiece);
      }
      if (!out.flush()) {
        return ResourceExhausted(ErrorReason("DISK_FULL"), "no space for {} bytes",
                                 setup_.huge_bytes);
      }
    }
    const double bytes = static_cast<double>(fs::file_size(Input()));
    const std::string what = fmt::format("{:.0f} GiB", bytes / (1 << 30));
    uint64_t daemon_memory = ResetPeakMemory(daemon_.pid());
    uint64_t own_memory = ResetPeakMemory(::getpid());
    double begin = Now();
    DML_RETURN_IF_ERROR(Publish("huge", "1.0.0", Input()));
    AddHuge(what + " up", bytes / (Now() - begin), daemon_memory, own_memory);
    fs::remove(Input());
    daemon_memory = ResetPeakMemory(daemon_.pid());
    own_memory = ResetPeakMemory(::getpid());
    begin = Now();
    const fs::path out = setup_.work_dir / "huge";
    DML_RETURN_IF_ERROR(
        DownloadVariant(client_, NameOf(MakeSpec("huge", "1.0.0")), out, {}, nullptr).status());
    AddHuge(what + " down", bytes / (Now() - begin), daemon_memory, own_memory);
    fs::remove_all(out);
    return absl::OkStatus();
  }

  void AddHuge(const std::string& what, double bytes_per_second, uint64_t daemon_before,
               uint64_t own_before) {
    const double daemon = static_cast<double>(PeakMemory(daemon_.pid()));
    const double own = static_cast<double>(PeakMemory(::getpid()));
    report_.Add(what, bytes_per_second / 1e6, "MB/s",
                fmt::format("most memory: daemon {:.0f} MB (before {:.0f}), client {:.0f} MB "
                            "(before {:.0f})",
                            daemon / 1e6, static_cast<double>(daemon_before) / 1e6, own / 1e6,
                            static_cast<double>(own_before) / 1e6));
  }

  const Setup& setup_;
  const BenchDaemon& daemon_;
  Client& client_;
  Report& report_;
};

}  // namespace

absl::Status MeasurePulls(const Setup& setup, Report& report) {
  DML_ASSIGN_OR_RETURN(
      auto daemon, BenchDaemon::Start(setup, "pulls",
                                      "limits: {maxTransfers: 160, transferBytes: 1073741824}\n"));
  DML_ASSIGN_OR_RETURN(Client client, daemon->Connect());
  return PullBench(setup, *daemon, client, report).Run();
}

}  // namespace dml::bench
