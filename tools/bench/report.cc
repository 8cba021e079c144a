#include "tools/bench/report.h"

#include <chrono>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include "core/os/file.h"

namespace dml::bench {
namespace {

// What follows "model name : " in /proc/cpuinfo.
std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

struct Machine {
  std::string cpu = CpuModel();
  unsigned cores = std::thread::hardware_concurrency();
  double memory_gib = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 30);
  std::string kernel;
  std::string date;
};

Machine ReadMachine() {
  Machine out;
  utsname name{};
  ::uname(&name);
  out.kernel = fmt::format("{} {}", name.sysname, name.release);
  out.date = fmt::format(
      "{:%F}", std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  return out;
}

// Three or four digits, whatever the size.
std::string Digits(double value) {
  double size = value < 0 ? -value : value;
  int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

void Report::Add(std::string name, double value, std::string unit, std::string note) {
  fmt::print("  {:<50} {:>9} {:<9} {}\n", name, Digits(value), unit, note);
  std::fflush(stdout);
  figures_.push_back({section_, std::move(name), value, std::move(unit), std::move(note)});
}

void Report::End(SectionRun run) {
  fmt::print("  ({:.0f} s; load {:.2f} before; others took {:.2f} cores)\n\n", run.seconds,
             run.load_before, run.others_cpu);
  runs_.push_back(std::move(run));
}

std::optional<double> Report::Find(std::string_view name) const {
  for (const Figure& figure : figures_) {
    if (figure.name == name) return figure.value;
  }
  return std::nullopt;
}

absl::Status Report::WriteJson(const std::filesystem::path& file) const {
  Machine machine = ReadMachine();
  nlohmann::json out;
  out["machine"] = {{"cpu", machine.cpu},
                    {"cores", machine.cores},
                    {"memoryGiB", machine.memory_gib},
                    {"kernel", machine.kernel}};
  out["date"] = machine.date;
  for (const SectionRun& run : runs_) {
    out["sections"].push_back({{"name", run.name},
                               {"seconds", run.seconds},
                               {"loadBefore", run.load_before},
                               {"othersCpu", run.others_cpu}});
  }
  for (const Figure& figure : figures_) {
    out["figures"].push_back({{"section", figure.section},
                              {"name", figure.name},
                              {"value", figure.value},
                              {"unit", figure.unit},
                              {"note", figure.note}});
  }
  return WriteFileAtomically(file, AsBytes(out.dump(1) + "\n"), 0644);
}

std::string DescribeMachine() {
  Machine machine = ReadMachine();
  return fmt::format("{}, {} cores, {:.1f} GiB, {}, {}", machine.cpu, machine.cores,
                     machine.memory_gib, machine.kernel, machine.date);
}

}  // namespace dml::bench
