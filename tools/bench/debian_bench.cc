#include "tools/bench/debian_bench.h"

#include <algorithm>
#include <random>
#include <unistd.h>

#include <sys/wait.h>

#include "tools/bench/libsolv_testcase.h"
#include "tools/bench/measure.h"
#include "tools/import/deb_universe.h"

namespace dml::bench {
namespace {

constexpr int kJobs = 200;
constexpr double kInstallableTarget = 10;  // Seconds.
constexpr double kRootTarget = 50;         // Milliseconds.

// Seconds of a command; nothing where it ended otherwise than by exit codes up to `most`.
std::optional<double> TimeOf(const std::string& command, int most) {
  const double begin = Now();
  const int status = std::system(command.c_str());
  if (!WIFEXITED(status) || WEXITSTATUS(status) > most) return std::nullopt;
  return Now() - begin;
}

void AddPeers(const Setup& setup, Report& report) {
  const std::string file = setup.packages.string();
  struct Peer {
    const char* program;
    std::string command;
  };
  for (const Peer& peer :
       {Peer{"installcheck", fmt::format("installcheck amd64 '{}' > /dev/null 2>&1", file)},
        Peer{"dose-debcheck", fmt::format("dose-debcheck -f '{}' > /dev/null 2>&1", file)}}) {
    if (!HasProgram(peer.program)) {
      report.Add(fmt::format("{}: not installed", peer.program), 0, "");
      continue;
    }
    const std::optional<double> seconds = TimeOf(peer.command, 1);
    if (seconds.has_value()) {
      report.Add(fmt::format("every package installable? {}", peer.program), *seconds, "s");
    }
  }
}

absl::Status MeasureJobs(const Setup& setup, DebUniverse& universe, Report& report) {
  std::mt19937 random(1);
  std::vector<LibsolvJob> jobs;
  for (int i = 0; i < kJobs; ++i) {
    jobs.push_back({universe.name(static_cast<CandidateId>(random() % universe.size()))});
  }
  std::vector<double> times;
  std::vector<bool> ours;
  for (const LibsolvJob& job : jobs) {
    SolveBudget budget;
    const double begin = Now();
    DML_ASSIGN_OR_RETURN(const DebAnswer answer, universe.SolveJobs(job, budget));
    times.push_back((Now() - begin) * 1000);
    ours.push_back(answer.solvable == Solvable::kYes);
  }
  std::ranges::sort(times);
  report.Add("one root solved in the index, p50", Percentile(times, 0.5), "ms",
             fmt::format("p99 {:.2f} ms, target {} ms", Percentile(times, 0.99), kRootTarget));
  if (!HasProgram("testsolv")) {
    report.Add("testsolv: not installed", 0, "");
    return absl::OkStatus();
  }
  const std::filesystem::path repo = setup.work_dir / "index.repo";
  DML_RETURN_IF_ERROR(WriteLibsolvRepo(setup.packages, repo));
  const double begin = Now();
  DML_RETURN_IF_ERROR(RunTestsolv(repo, {jobs[0]}).status());
  const double one = Now() - begin;
  DML_ASSIGN_OR_RETURN(const std::vector<bool> theirs, RunTestsolv(repo, jobs));
  const double all = Now() - begin - one;
  const auto differ = std::ranges::mismatch(ours, theirs);
  report.Add("one root solved by libsolv", (all - one) / (kJobs - 1) * 1000, "ms",
             differ.in1 == ours.end() ? fmt::format("the same answer to all {} jobs", kJobs)
                                      : "NOT THE SAME ANSWERS");
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureDebianSolver(const Setup& setup, Report& report) {
  const uint64_t before = ResetPeakMemory(::getpid());
  const double begin = Now();
  DML_ASSIGN_OR_RETURN(DebUniverse universe, DebUniverse::Read(setup.packages));
  const double read = Now();
  SolveBudget budget;
  std::vector<CandidateId> undecided;
  const std::vector<CandidateId> broken = universe.FindUninstallable(budget, undecided);
  const double end = Now();
  report.Add("every package of the index installable?", end - begin, "s",
             fmt::format("{} packages, {} cannot be, {} undecided; {:.1f} s of it to read; target "
                         "{} s; {} MB more than before",
                         universe.size(), broken.size(), undecided.size(), read - begin,
                         kInstallableTarget, (PeakMemory(::getpid()) - before) >> 20));
  AddPeers(setup, report);
  return MeasureJobs(setup, universe, report);
}

}  // namespace dml::bench
