#include "tools/bench/measure.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

namespace dml::bench {
namespace {

constexpr std::chrono::seconds kTimeToEnd(10);

double TicksToSeconds(uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The number after "<name>:" in a file of /proc, 0 where there is none.
uint64_t ProcNumber(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10);
  }
  return 0;
}

// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

std::vector<std::string> MakeWords() {
  constexpr int kWords = 4096;
  Random random(7);
  std::vector<std::string> words;
  for (int i = 0; i < kWords; ++i) {
    std::string word;
    for (uint64_t length = 2 + random.Below(9); length > 0; --length) {
      word.push_back(static_cast<char>('a' + random.Below(26)));
    }
    words.push_back(word + (random.Below(12) == 0 ? "\n" : " "));
  }
  return words;
}

}  // namespace

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

absl::StatusOr<ClientRun> RunClients(int clients, double seconds, const ClientWork& work) {
  std::barrier start(clients);
  std::atomic<bool> failed = false;
  std::mutex mutex;
  absl::Status first_error;
  std::vector<double> all;
  double begin = 0;
  double end = 0;
  auto run = [&](int client) {
    std::vector<double> took;
    absl::Status status = work(client, 0);
    if (!status.ok()) failed = true;
    start.arrive_and_wait();
    const double mine = Now();
    double now = mine;
    for (uint64_t i = 1; status.ok() && !failed && now < mine + seconds; ++i) {
      const double before = now;
      status = work(client, i);
      now = Now();
      took.push_back((now - before) * 1e3);
    }
    if (!status.ok()) failed = true;
    std::lock_guard lock(mutex);
    if (!status.ok() && first_error.ok()) first_error = status;
    all.insert(all.end(), took.begin(), took.end());
    begin = begin == 0 ? mine : std::min(begin, mine);
    end = std::max(end, now);
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) threads.emplace_back(run, i);
  }
  DML_RETURN_IF_ERROR(first_error);
  std::sort(all.begin(), all.end());
  return ClientRun{all.size(), end - begin, Percentile(all, 0.50), Percentile(all, 0.99)};
}

// Fields 14 and 15 of proc_pid_stat(5), counted from the end of the program's name, which may hold
// blanks.
double CpuSeconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text(std::istreambuf_iterator<char>(file), {});
  size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return 0;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  uint64_t user = 0;
  uint64_t system = 0;
  fields >> user >> system;
  return TicksToSeconds(user + system);
}

uint64_t BytesWritten(pid_t pid) {
  return ProcNumber(fmt::format("/proc/{}/io", pid), "write_bytes");
}

uint64_t BytesRead(pid_t pid) { return ProcNumber(fmt::format("/proc/{}/io", pid), "read_bytes"); }

uint64_t ResetPeakMemory(pid_t pid) {
  std::ofstream(fmt::format("/proc/{}/clear_refs", pid)) << '5';  // proc_pid_clear_refs(5).
  return ProcNumber(fmt::format("/proc/{}/status", pid), "VmRSS") * 1024;
}

uint64_t PeakMemory(pid_t pid) {
  return ProcNumber(fmt::format("/proc/{}/status", pid), "VmHWM") * 1024;
}

double LoadAverage() {
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

CpuUse ReadCpuUse() {
  CpuUse out;
  std::ifstream file("/proc/stat");
  std::string name;
  std::array<uint64_t, 8> ticks{};  // user nice system idle iowait irq softirq steal.
  file >> name;
  for (uint64_t& value : ticks) file >> value;
  out.machine = TicksToSeconds(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]);
  for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    out.ours += Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  }
  return out;
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    const std::vector<std::string>& argv, const std::filesystem::path& home) {
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  child->log_ = home / "stderr.log";
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    return Unavailable(ErrorReason("CHILD_NOT_STARTED"), "no pipe for {}: errno {}", argv[0],
                       errno);
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, child->log_.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<std::string> words = argv;
  std::string home_text = "HOME=" + home.string();
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<char*> environment = {home_text.data(), nullptr};
  int error = ::posix_spawn(&child->pid_, arguments[0], &actions, nullptr, arguments.data(),
                            environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  child->stdin_ = in[1];
  child->stdout_ = ::fdopen(out[0], "r");
  if (error != 0) {
    child->pid_ = -1;
    return NotFound(ErrorReason("CHILD_NOT_STARTED"), "cannot run {}: errno {}; build it first",
                    argv[0], error);
  }
  return child;
}

ChildProcess::~ChildProcess() {
  if (stdin_ >= 0) ::close(stdin_);
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    auto deadline = std::chrono::steady_clock::now() + kTimeToEnd;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > deadline) ::kill(pid_, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  if (stdout_ != nullptr) std::fclose(stdout_);
}

absl::StatusOr<std::string> ChildProcess::AwaitLine(std::string_view prefix) {
  std::string line;
  for (int c = std::fgetc(stdout_); c != EOF; c = std::fgetc(stdout_)) {
    if (c != '\n') {
      line.push_back(static_cast<char>(c));
      continue;
    }
    if (line.starts_with(prefix)) return line.substr(prefix.size());
    line.clear();
  }
  std::ifstream log(log_);
  std::string why(std::istreambuf_iterator<char>(log), {});
  return Unavailable(ErrorReason("CHILD_ENDED"), "the process ended before it said '{}': {}",
                     prefix, why);
}

std::string_view ContentKindName(ContentKind kind) {
  return kind == ContentKind::kText ? "text" : "random";
}

std::string MakeContent(ContentKind kind, size_t size, uint64_t seed) {
  Random random(seed);
  std::string out;
  out.reserve(size + 16);
  if (kind == ContentKind::kText) {
    static const std::vector<std::string> words = MakeWords();
    // The least of three draws: few words are frequent, most are rare.
    while (out.size() < size) {
      uint64_t draw = random.Next();
      out += words[std::min({draw & 4095, (draw >> 12) & 4095, (draw >> 24) & 4095})];
    }
  }
  while (out.size() < size) {
    uint64_t word = random.Next();
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  out.resize(size);
  return out;
}

}  // namespace dml::bench
