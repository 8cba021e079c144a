// Why decisions are made outside the sequencer: 64 callers, each with a decision that takes 10 ms.
//
// A decision inside the sequencer's thread bounds the library at 1 / 10 ms = 100 commits a second,
// whatever the machine. Outside it, callers decide at the same time, each on a snapshot with the
// stamp of what it looked at, and the sequencer only compares stamps. Here every decision concerns
// one environment; callers that share one invalidate each other's decisions and decide again.
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "core/os/file.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/library.h"
#include "storage/views/library_view.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr int kCallers = 64;
constexpr double kDecisionSeconds = 0.010;

enum class DecisionCost {
  kNone,
  kWaiting,    // 10 ms without a core, as if other machines decided.
  kComputing,  // 10 ms of one core.
};

struct Scenario {
  std::string name;
  DecisionCost cost;
  int environments;  // Shared evenly by the callers.
};

std::string EnvironmentOf(int caller, int environments) {
  return fmt::format("env-{}", caller % environments);
}

void MakeDecision(DecisionCost cost) {
  if (cost == DecisionCost::kWaiting) {
    std::this_thread::sleep_for(std::chrono::duration<double>(kDecisionSeconds));
  }
  if (cost != DecisionCost::kComputing) return;
  timespec begin;
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  double used = 0;
  do {
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    used = static_cast<double>(now.tv_sec - begin.tv_sec) +
           static_cast<double>(now.tv_nsec - begin.tv_nsec) / 1e9;
  } while (used < kDecisionSeconds);
}

absl::StatusOr<std::unique_ptr<Library>> OpenLibrary(const std::filesystem::path& folder) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
  LibraryOptions options;
  options.origin = "bench.dml/sequencer";
  options.signed_checkpoint_file = folder / "signed-checkpoint";
  return Library::Open(std::move(engine), PrivateKey::Generate(KeyAlgorithm::kEd25519),
                       std::move(options));
}

// Decides on a snapshot and commits, until the commit finds the state as it was decided on.
absl::StatusOr<Receipt> DecideAndCommit(Library& library, DecisionCost cost,
                                        const std::string& environment, const std::string& node,
                                        std::atomic<uint64_t>& aborts) {
  while (true) {
    Command command;
    command.author = "bench";
    command.payload = NodeCreated{environment, node, {}};
    {
      auto snapshot = library.Read();
      const std::string stamp = EnvironmentStamp(environment);
      DML_ASSIGN_OR_RETURN(uint64_t index, LibraryView(*snapshot).Stamp(stamp));
      command.decided_on = {{stamp, index}};
    }
    MakeDecision(cost);
    absl::StatusOr<Receipt> receipt = library.Commit(std::move(command));
    if (receipt.status().code() != absl::StatusCode::kAborted) return receipt;
    ++aborts;
  }
}

absl::Status Run(const Setup& setup, int number, const Scenario& scenario, Report& report) {
  DML_ASSIGN_OR_RETURN(auto library,
                       OpenLibrary(setup.work_dir / fmt::format("sequencer-{}", number)));
  for (int i = 0; i < scenario.environments; ++i) {
    Command command;
    command.author = "bench";
    command.payload = EnvironmentCreated{EnvironmentOf(i, scenario.environments), "", {}};
    DML_RETURN_IF_ERROR(library->Commit(std::move(command)).status());
  }
  std::atomic<uint64_t> aborts = 0;
  std::mutex mutex;
  std::set<uint64_t> groups;
  auto work = [&](int caller, uint64_t iteration) -> absl::Status {
    DML_ASSIGN_OR_RETURN(
        Receipt receipt,
        DecideAndCommit(*library, scenario.cost, EnvironmentOf(caller, scenario.environments),
                        fmt::format("node-{}-{}", caller, iteration), aborts));
    if (iteration == 0) return absl::OkStatus();
    std::lock_guard lock(mutex);
    groups.insert(receipt.checkpoint->checkpoint.size);
    return absl::OkStatus();
  };
  DML_ASSIGN_OR_RETURN(ClientRun run, RunClients(kCallers, 2 * setup.seconds, work));
  const double calls = static_cast<double>(run.calls);
  report.Add(
      scenario.name, run.rate(), "commits/s",
      fmt::format("{:.2f} aborts a commit; p50 {:.1f} ms, p99 {:.1f} ms; {:.1f} entries a group",
                  static_cast<double>(aborts) / calls, run.p50_ms, run.p99_ms,
                  calls / static_cast<double>(groups.size())));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureSequencer(const Setup& setup, Report& report) {
  const std::vector<Scenario> scenarios = {
      {"no decision, 64 environments", DecisionCost::kNone, 64},
      {"10 ms of waiting, 64 environments", DecisionCost::kWaiting, 64},
      {"10 ms of waiting, 16 environments", DecisionCost::kWaiting, 16},
      {"10 ms of waiting, 4 environments", DecisionCost::kWaiting, 4},
      {"10 ms of waiting, 1 environment", DecisionCost::kWaiting, 1},
      {"10 ms of CPU, 64 environments", DecisionCost::kComputing, 64},
  };
  report.Add("bound for 10 ms inside the sequencer (computed)", 1 / kDecisionSeconds, "commits/s");
  for (size_t i = 0; i < scenarios.size(); ++i) {
    DML_RETURN_IF_ERROR(Run(setup, static_cast<int>(i), scenarios[i], report));
  }
  return absl::OkStatus();
}

}  // namespace dml::bench
