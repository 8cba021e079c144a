// What was measured: printed as a table, written as JSON.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace dml::bench {

struct Figure {
  std::string section;
  std::string name;
  double value = 0;
  std::string unit;
  std::string note;
};

/// How undisturbed a section was.
struct SectionRun {
  std::string name;
  double seconds = 0;
  double load_before = 0;  // One-minute load average as it began.
  double others_cpu = 0;   // CPU that other processes took meanwhile, in cores.
};

/// Not for use by several threads.
class Report {
 public:
  /// Figures added from now on belong to this section.
  void Begin(std::string section) { section_ = std::move(section); }
  void End(SectionRun run);

  /// Prints the figure too, so that a long run shows how far it is.
  void Add(std::string name, double value, std::string unit, std::string note = "");
  /// The figure of that name, of any section.
  std::optional<double> Find(std::string_view name) const;

  /// Machine, sections and figures. Errors of core/os/file.h.
  absl::Status WriteJson(const std::filesystem::path& file) const;

 private:
  std::string section_;
  std::vector<Figure> figures_;
  std::vector<SectionRun> runs_;
};

/// "AMD EPYC, 2 cores, 23.5 GiB, Linux 6.1.0, 2026-01-31".
std::string DescribeMachine();

}  // namespace dml::bench
