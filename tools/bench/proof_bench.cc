// Proofs and tiles of a journal of 10^6 entries in RocksDB, in this process and on one thread.
//
// Places are random over the whole journal, so that the database's cache (64 MiB, as the daemon's)
// helps as little as it ever will; the system's own cache has all of it.
#include <algorithm>
#include <random>
#include <unistd.h>

#include "core/os/file.h"
#include "core/tlog/tile.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/journal/journal.h"
#include "tools/bench/measure.h"
#include "tools/bench/trust_bench.h"

namespace dml::bench {
namespace {

constexpr uint64_t kEntries = 1'000'000;
constexpr uint64_t kGroup = 10'000;  // Entries in a batch.
constexpr size_t kEntryBytes = 400;  // A published version without files has about as much.
constexpr double kTargetMs = 1;

absl::StatusOr<std::unique_ptr<Engine>> FillJournal(const std::filesystem::path& folder,
                                                    Report& report) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
  const std::string text = MakeContent(ContentKind::kText, kGroup * kEntryBytes, 7);
  TreeAppender tree;
  const double begin = Now();
  while (tree.size() < kEntries) {
    auto batch = engine->NewBatch();
    for (uint64_t i = 0; i < kGroup; ++i) {
      std::string leaf = fmt::format("{:020}", tree.size());
      leaf += std::string_view(text).substr(i * kEntryBytes, kEntryBytes - leaf.size());
      AppendLeaf(leaf, tree, *batch);
    }
    DML_RETURN_IF_ERROR(engine->Commit(std::move(batch), Durability::kSynced));
  }
  report.Add("append entries and tree nodes, 10 000 a commit", kEntries / (Now() - begin),
             "entries/s", fmt::format("{} entries of {} bytes", kEntries, kEntryBytes));
  return engine;
}

struct Latencies {
  std::vector<double> ms;
  double seconds = 0;

  double At(double share) const { return Percentile(ms, share); }
};

// Each call alone on the clock.
absl::StatusOr<Latencies> Time(double seconds, absl::FunctionRef<absl::Status()> once) {
  Latencies out;
  const double begin = Now();
  for (double last = begin; last < begin + seconds;) {
    DML_RETURN_IF_ERROR(once());
    const double now = Now();
    out.ms.push_back((now - last) * 1e3);
    last = now;
  }
  out.seconds = Now() - begin;
  std::sort(out.ms.begin(), out.ms.end());
  return out;
}

void AddLatency(Report& report, const std::string& what, const Latencies& times,
                double target_ms = 0) {
  report.Add(what + ", p50", times.At(0.50), "ms");
  const double p99 = times.At(0.99);
  report.Add(what + ", p99", p99, "ms",
             fmt::format("{} calls, {:.0f}/s, longest {:.2f} ms{}", times.ms.size(),
                         static_cast<double>(times.ms.size()) / times.seconds, times.ms.back(),
                         target_ms == 0     ? ""
                         : p99 <= target_ms ? "; target 1 ms: reached"
                                            : "; target 1 ms: MISSED"));
}

struct Scene {
  const Setup& setup;
  const JournalView journal;
  std::mt19937_64 random{1};
  uint64_t Below(uint64_t limit) { return random() % limit; }
};

absl::Status MeasureMaking(Scene& scene, Report& report) {
  for (const bool newest : {true, false}) {
    auto size = [&] { return newest ? kEntries : 1 + scene.Below(kEntries); };
    const std::string of = newest ? "in the whole tree" : "in trees of any size";
    DML_ASSIGN_OR_RETURN(Latencies inclusion, Time(scene.setup.seconds, [&] {
                           const uint64_t tree = size();
                           return scene.journal.Inclusion(scene.Below(tree), tree).status();
                         }));
    AddLatency(report, "inclusion proof " + of, inclusion, kTargetMs);
    DML_ASSIGN_OR_RETURN(Latencies consistency, Time(scene.setup.seconds, [&] {
                           const uint64_t tree = size();
                           return scene.journal.Consistency(1 + scene.Below(tree), tree).status();
                         }));
    AddLatency(report, "consistency proof " + of, consistency, kTargetMs);
  }
  return absl::OkStatus();
}

absl::Status MeasureChecking(Scene& scene, Report& report) {
  constexpr uint64_t kIndex = kEntries / 3;
  DML_ASSIGN_OR_RETURN(const Digest root, scene.journal.Root(kEntries));
  DML_ASSIGN_OR_RETURN(const std::string leaf, scene.journal.Leaf(kIndex));
  DML_ASSIGN_OR_RETURN(const auto proof, scene.journal.Inclusion(kIndex, kEntries));
  DML_ASSIGN_OR_RETURN(Latencies inclusion, Time(scene.setup.seconds, [&] {
                         return VerifyInclusion(LeafHash(AsBytes(leaf)), kIndex, kEntries, proof,
                                                root);
                       }));
  AddLatency(report, "check an inclusion proof", inclusion);
  DML_ASSIGN_OR_RETURN(const Digest before, scene.journal.Root(kIndex));
  DML_ASSIGN_OR_RETURN(const auto history, scene.journal.Consistency(kIndex, kEntries));
  DML_ASSIGN_OR_RETURN(Latencies consistency, Time(scene.setup.seconds, [&] {
                         return VerifyConsistency(kIndex, before, kEntries, root, history);
                       }));
  AddLatency(report, "check a consistency proof", consistency);
  return absl::OkStatus();
}

absl::Status MeasureTiles(Scene& scene, Report& report) {
  constexpr uint64_t kFull = kEntries / kTileWidth;
  DML_ASSIGN_OR_RETURN(Latencies tiles, Time(scene.setup.seconds, [&] {
                         const TileName name{.index = scene.Below(kFull)};
                         return MakeTile(name, kEntries, scene.journal.Nodes()).status();
                       }));
  AddLatency(report, "make a tile of 256 hashes", tiles);
  DML_ASSIGN_OR_RETURN(Latencies bundles, Time(scene.setup.seconds, [&]() -> absl::Status {
                         const uint64_t first = scene.Below(kFull) * kTileWidth;
                         std::string bundle;
                         for (uint64_t i = first; i < first + kTileWidth; ++i) {
                           DML_ASSIGN_OR_RETURN(const std::string leaf, scene.journal.Leaf(i));
                           AppendToBundle(leaf, bundle);
                         }
                         return absl::OkStatus();
                       }));
  AddLatency(report, "make a bundle of 256 entries", bundles);
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureProofs(const Setup& setup, Report& report) {
  const uint64_t before = ResetPeakMemory(::getpid());
  DML_ASSIGN_OR_RETURN(auto engine, FillJournal(setup.work_dir / "proofs", report));
  const uint64_t filled = PeakMemory(::getpid());
  uint64_t disk = 0;
  for (const TableStats& table : engine->Stats().tables) disk += table.disk_bytes;
  report.Add("the database", static_cast<double>(disk) / 1e6, "MB");
  {
    auto snapshot = engine->NewSnapshot();
    Scene scene{setup, JournalView(*snapshot)};
    DML_RETURN_IF_ERROR(MeasureMaking(scene, report));
    DML_RETURN_IF_ERROR(MeasureChecking(scene, report));
    DML_RETURN_IF_ERROR(MeasureTiles(scene, report));
  }
  report.Add("most memory more than before, filling", static_cast<double>(filled - before) / 1e6,
             "MB");
  report.Add("most memory more than before, proofs and tiles",
             static_cast<double>(PeakMemory(::getpid()) - before) / 1e6, "MB");
  return absl::OkStatus();
}

}  // namespace dml::bench
