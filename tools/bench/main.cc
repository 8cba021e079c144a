// dml-bench: measures the library beside what the machine can do at all; see docs/performance.md.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

namespace fs = std::filesystem;

struct Section {
  const char* name;
  absl::Status (*run)(const Setup& setup, Report& report);
  bool always;  // Calibrations: no figure means anything without them.
};

constexpr Section kSections[] = {
    {"local", CalibrateLocal, true},        {"wire", CalibrateWire, true},
    {"content", MeasureContent, false},     {"pulls", MeasurePulls, false},
    {"publish", MeasurePublish, false},     {"queries", MeasureQueries, false},
    {"sequencer", MeasureSequencer, false}, {"trust", MeasureTrust, false},
    {"license", MeasureLicense, false},     {"gate", MeasureGate, false},
    {"compat", MeasureCompat, false},
};

struct Flags {
  std::vector<std::string> names;  // Empty: all sections.
  std::string dmld;
  std::string json;
  std::string folder = fs::temp_directory_path().string();
  double seconds = 2;
  uint64_t large_mib = 256;
  uint64_t huge_gib = 2;
  std::string packages;
  double max_load = 1.5;
  int wait_seconds = 600;
};

// A busy machine makes every figure meaningless; what was left of it is in the report.
void AwaitQuiet(const Flags& flags) {
  const double end = Now() + flags.wait_seconds;
  if (LoadAverage() > flags.max_load && flags.wait_seconds > 0) {
    fmt::print("waiting for a load average of {} or less (now {})\n", flags.max_load,
               LoadAverage());
  }
  std::fflush(stdout);
  while (LoadAverage() > flags.max_load && Now() < end) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}

absl::Status RunSection(const Section& section, const Setup& setup, Report& report) {
  fmt::print("{}\n", section.name);
  report.Begin(section.name);
  SectionRun run{section.name, 0, LoadAverage(), 0};
  const double begin = Now();
  const CpuUse before = ReadCpuUse();
  DML_RETURN_IF_ERROR(section.run(setup, report));
  const CpuUse after = ReadCpuUse();
  run.seconds = Now() - begin;
  run.others_cpu = ((after.machine - before.machine) - (after.ours - before.ours)) / run.seconds;
  report.End(run);
  return absl::OkStatus();
}

absl::Status RunAll(const Flags& flags, const Setup& setup) {
  Report report;
  fmt::print("{}\n\n", DescribeMachine());
  for (const Section& section : kSections) {
    bool wanted = flags.names.empty() || std::find(flags.names.begin(), flags.names.end(),
                                                   section.name) != flags.names.end();
    if (wanted || section.always) DML_RETURN_IF_ERROR(RunSection(section, setup, report));
  }
  if (flags.json.empty()) return absl::OkStatus();
  fmt::print("written to {}\n", flags.json);
  return report.WriteJson(flags.json);
}

// Does `work` with a folder for it, which is removed afterwards.
int InFolder(const Flags& flags, absl::FunctionRef<absl::Status(const Setup&)> work) {
  std::string folder = (fs::path(flags.folder) / "dml-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "dml-bench: cannot make a folder in {}\n", flags.folder);
    return 1;
  }
  const Setup setup{folder,        fs::canonical("/proc/self/exe"), fs::current_path() / flags.dmld,
                    flags.seconds, flags.large_mib << 20,           flags.huge_gib << 30,
                    flags.packages};
  AwaitQuiet(flags);
  absl::Status status = work(setup);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (status.ok()) return 0;
  fmt::print(stderr, "dml-bench: {} [{}]\n", Message(status), Reason(status));
  return 1;
}

int Measure(const Flags& flags) {
  return InFolder(flags, [&](const Setup& setup) { return RunAll(flags, setup); });
}

int MeasureReleases(const Flags& flags, const ChunkingOptions& options) {
  return InFolder(flags, [&](const Setup& setup) { return RunChunking(options, setup); });
}

int Serve(const std::string& folder, const std::string& how) {
  absl::Status status = ServeCalibration(folder, how == "tls");
  if (status.ok()) return 0;
  fmt::print(stderr, "dml-bench: {}\n", Message(status));
  return 1;
}

CLI::App* AddChunking(CLI::App& app, ChunkingOptions& options) {
  CLI::App* out = app.add_subcommand(
      "chunking", "What chunk sizes, codec levels and deltas make of consecutive releases");
  out->fallthrough();
  out->add_option("release", options.releases, "Folders or files, the oldest first")->required();
  CLI::Option* modes =
      out->add_option("--modes", options.modes, "tar: one archive a release; files: file by file")
          ->check(CLI::IsMember({"tar", "files"}));
  CLI::Option* averages =
      out->add_option("--averages", options.averages_kib, "Of chunk sizes, in KiB");
  CLI::Option* levels =
      out->add_option("--levels", options.levels, "Of zstd: FRAME, or FRAME:DELTA");
  for (CLI::Option* list : {modes, averages, levels}) list->delimiter(',')->allow_extra_args(false);
  return out;
}

int Main(int argc, char** argv) {
  CLI::App app("Measures the library beside what the machine can do at all.", "dml-bench");
  Flags flags;
  std::string folder;
  std::string how;
  app.add_option("section", flags.names,
                 "content, pulls, publish, queries, sequencer, trust, license, "
                 "compat, gate; default: all")
      ->check(CLI::IsMember({"content", "pulls", "publish", "queries", "sequencer", "trust",
                             "license", "compat", "gate"}));
  app.add_option("--dmld", flags.dmld, "The daemon that is measured");
  app.add_option("--packages", flags.packages,
                 "A Packages file of Debian's for the section compat, plain; without it only what "
                 "needs none is measured")
      ->check(CLI::ExistingFile);
  app.add_option("--json", flags.json, "Where the figures go as JSON");
  app.add_option("--folder", flags.folder, "Where data directories are made, and removed again");
  app.add_option("--seconds", flags.seconds, "Of one timed measurement")
      ->check(CLI::Range(0.1, 60.));
  app.add_option("--huge-gib", flags.huge_gib,
                 "Size of the file whose memory is looked at; twice that is needed on the disk");
  app.add_option("--large-mib", flags.large_mib, "Size of the largest file")
      ->check(CLI::Range(1, 65536));
  app.add_option("--max-load", flags.max_load, "Start when the load average is at most this");
  app.add_option("--wait", flags.wait_seconds, "Seconds to wait for that at most");
  CLI::App* serve = app.add_subcommand("serve-calibration")->group("");
  serve->add_option("folder", folder)->required();
  serve->add_option("how", how)->required();
  ChunkingOptions chunking;
  CLI::App* experiment = AddChunking(app, chunking);
  CLI11_PARSE(app, argc, argv);
  if (experiment->parsed()) return MeasureReleases(flags, chunking);
  return serve->parsed() ? Serve(folder, how) : Measure(flags);
}

}  // namespace
}  // namespace dml::bench

int main(int argc, char** argv) { return dml::bench::Main(argc, argv); }
