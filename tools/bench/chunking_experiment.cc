// `dml-bench chunking`: the table of an experiment, beside what the machine can do.
#include <fmt/format.h>

#include "tools/bench/chunking.h"
#include "tools/bench/measure.h"
#include "tools/bench/releases.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr double kMega = 1e6;

absl::StatusOr<Levels> ParseLevels(const std::string& text) {
  Levels levels;
  const char* begin = text.data();
  char* end = nullptr;
  levels.frame = static_cast<int>(std::strtol(begin, &end, 10));
  levels.delta = levels.frame;
  if (*end == ':') levels.delta = static_cast<int>(std::strtol(end + 1, &end, 10));
  const bool valid = end == begin + text.size() && levels.frame >= 1 && levels.frame <= 22 &&
                     levels.delta >= 1 && levels.delta <= 22;
  if (!valid) {
    return InvalidArgument(ErrorReason("LEVELS_INVALID"),
                           "'{}' is no zstd level: use 1 to 22, or FRAME:DELTA such as 3:9", text);
  }
  return levels;
}

void PrintRow(const std::string& mode, uint32_t average, const ChunkingResult& result,
              const LevelsResult& row) {
  const auto seconds_to_speed = [&](double seconds) {
    return static_cast<double>(result.raw_bytes) / kMega / seconds;
  };
  fmt::print(
      "| {} | {} | {} | {} | {} | {:.2f} | {:.2f} | {} | {:.3f} | {:.3f} | {:.2f} | {:.2f} |"
      " {:.2f} | {:.0f} |\n",
      mode, average >> 10, row.levels.frame, row.levels.delta, result.chunks,
      static_cast<double>(row.full.frame_bytes) / kMega,
      static_cast<double>(row.delta.frame_bytes) / kMega, row.delta.deltas,
      static_cast<double>(row.full.index_bytes) / kMega,
      static_cast<double>(row.delta.index_bytes) / kMega, result.cut_seconds,
      row.full.encode_seconds, row.delta.encode_seconds,
      seconds_to_speed(result.cut_seconds + row.full.encode_seconds + row.delta.encode_seconds));
  std::fflush(stdout);
}

absl::Status MeasureMode(const ChunkingOptions& options, const std::string& mode,
                         const std::vector<Levels>& levels) {
  std::vector<std::vector<ReleaseFile>> contents;
  std::vector<ReleaseBlobs> releases;
  for (const std::string& path : options.releases) {
    DML_ASSIGN_OR_RETURN(std::vector<ReleaseFile> files, LoadRelease(path));
    if (mode == "tar") {
      DML_ASSIGN_OR_RETURN(std::string tar, PackRelease(files));
      files = {{"release.tar", std::move(tar)}};
    }
    contents.push_back(std::move(files));
  }
  for (const std::vector<ReleaseFile>& files : contents) {
    ReleaseBlobs& blobs = releases.emplace_back();
    for (const ReleaseFile& file : files) blobs.push_back({file.path, AsBytes(file.content)});
  }
  for (const uint32_t kib : options.averages_kib) {
    DML_ASSIGN_OR_RETURN(ChunkingResult result, MeasureChunking(releases, kib << 10, levels));
    for (const LevelsResult& row : result.levels) PrintRow(mode, kib << 10, result, row);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunChunking(const ChunkingOptions& options, const Setup& setup) {
  std::vector<Levels> levels;
  for (const std::string& text : options.levels) {
    DML_ASSIGN_OR_RETURN(Levels pair, ParseLevels(text));
    levels.push_back(pair);
  }
  fmt::print("{}\n\n", DescribeMachine());
  Report report;
  report.Begin("local");
  DML_RETURN_IF_ERROR(CalibrateLocal(setup, report));
  const double begin = Now();
  const CpuUse before = ReadCpuUse();
  fmt::print(
      "\nMB are 10^6 bytes; seconds on one core; 'delta' is what comes on top of 'compress'.\n\n"
      "| mode | average KiB | level | of deltas | chunks | stored MB | with deltas | deltas | "
      "index "
      "MB | with deltas | cut, hash s | compress s | delta s | all, MB/s |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const std::string& mode : options.modes) {
    DML_RETURN_IF_ERROR(MeasureMode(options, mode, levels));
  }
  const CpuUse after = ReadCpuUse();
  const double seconds = Now() - begin;
  const double others = (after.machine - before.machine) - (after.ours - before.ours);
  fmt::print("\nother processes took {:.2f} cores meanwhile\n", others / seconds);
  return absl::OkStatus();
}

}  // namespace dml::bench
