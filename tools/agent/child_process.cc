#include "tools/agent/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "client/file_io.h"
#include "core/base/text.h"

namespace dml::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kExcerptBytes = 512;
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

absl::Status CheckOwner(const std::filesystem::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return NotFound(ErrorReason("HOOK_MISSING"),
                      "{} does not exist; put it there, or change the "
                      "agent's configuration",
                      path.string());
    }
    return IoError(errno, "look at", path);
  }
  const bool is_own = info.st_uid == 0 || info.st_uid == ::geteuid();
  if (is_own && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("HOOK_UNSAFE"),
                            "{} may be written by others than root and the agent's user: chown and "
                            "chmod go-w it",
                            path.string());
}

struct FileActions {
  FileActions() { ::posix_spawn_file_actions_init(&value); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
  posix_spawn_file_actions_t value;
};

struct Attributes {
  Attributes() {
    ::posix_spawnattr_init(&value);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&value, &none);
    ::posix_spawnattr_setsigdefault(&value, &all);
    ::posix_spawnattr_setpgroup(&value, 0);
    ::posix_spawnattr_setflags(
        &value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  posix_spawnattr_t value;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A process group of one's own making, gone when this is.
class Child {
 public:
  static absl::StatusOr<Child> Start(const ChildCommand& command) {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
      return IoError(errno, "make a pipe for", command.program);
    }
    FileDescriptor output(ends[0]), input(ends[1]);
    ::fcntl(input.get(), F_SETFL, 0);  // The child's writes wait.
    FileActions actions;
    ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions.value, input.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions.value, input.get(), 2);
    ::posix_spawn_file_actions_addchdir_np(&actions.value, command.folder.c_str());
    const Attributes attributes;
    std::vector<std::string> arguments = {command.program.string()};
    arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
    std::vector<std::string> environment = {kPath};
    for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, command.program.c_str(), &actions.value, &attributes.value,
                      Pointers(arguments).data(), Pointers(environment).data());
    if (error != 0) return IoError(error, "start", command.program);
    Child child(pid, std::move(output));
    if (!child.process_.valid()) return IoError(errno, "watch", command.program);
    return child;
  }

  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        output_(std::move(other.output_)),
        process_(std::move(other.process_)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // Reads until it ends; nullopt where it does not by `deadline`. Else what waitpid says.
  absl::StatusOr<std::optional<int>> Wait(Clock::time_point deadline, size_t max_output,
                                          ChildResult& out) {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return std::nullopt;
      std::array<pollfd, 2> polled = {pollfd{output_.valid() ? output_.get() : -1, POLLIN, 0},
                                      pollfd{process_.get(), POLLIN, 0}};
      const auto wait = std::min<int64_t>(left.count(), 60'000);
      if (::poll(polled.data(), polled.size(), static_cast<int>(wait)) < 0 && errno != EINTR) {
        return IoError(errno, "wait for", "a hook");
      }
      Read(max_output, out);
      if (polled[1].revents == 0) continue;
      int result = 0;
      // Still there, so that its group cannot be another's.
      siginfo_t info;
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
      ::kill(-pid_, SIGKILL);
      ::waitpid(std::exchange(pid_, -1), &result, 0);
      Read(max_output, out);
      return result;
    }
  }

 private:
  Child(pid_t pid, FileDescriptor output)
      : pid_(pid),
        output_(std::move(output)),
        process_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

  // At most so much at once that a hook that floods its output is still found to be late.
  void Read(size_t max_output, ChildResult& out) {
    std::array<char, 16 << 10> block;
    for (int i = 0; i < 16; ++i) {
      const ssize_t count =
          output_.valid() ? ::read(output_.get(), block.data(), block.size()) : -1;
      if (count == 0) output_ = FileDescriptor();
      if (count <= 0) return;
      out.output.append(block.data(), static_cast<size_t>(count));
      if (out.output.size() <= max_output) continue;
      const size_t excess = out.output.size() - max_output;
      out.dropped += excess;
      out.output.erase(0, excess);
    }
  }

  pid_t pid_;
  FileDescriptor output_;
  FileDescriptor process_;
};

std::string Said(const ChildResult& result) {
  std::string_view end = result.output;
  while (end.ends_with('\n')) end.remove_suffix(1);
  if (end.empty()) return "it said nothing";
  if (end.size() > kExcerptBytes) end.remove_prefix(end.size() - kExcerptBytes);
  return "it said: " + Excerpt(end, kExcerptBytes);
}

}  // namespace

absl::Status CheckProgram(const std::filesystem::path& program) {
  DML_RETURN_IF_ERROR(CheckOwner(program));
  DML_RETURN_IF_ERROR(CheckOwner(program.parent_path()));
  struct stat info;
  if (::stat(program.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
      ::access(program.c_str(), X_OK) == 0) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("HOOK_UNSAFE"),
                            "{} is no program that may be run: chmod +x it", program.string());
}

absl::StatusOr<ChildResult> RunChild(const ChildCommand& command) {
  DML_RETURN_IF_ERROR(CheckProgram(command.program));
  const Clock::time_point deadline = Clock::now() + command.time_limit;
  DML_ASSIGN_OR_RETURN(Child child, Child::Start(command));
  ChildResult out;
  DML_ASSIGN_OR_RETURN(std::optional<int> result, child.Wait(deadline, command.max_output, out));
  std::string name = command.program.string();
  for (const std::string& argument : command.arguments) name += " " + argument;
  if (!result.has_value()) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, ErrorReason("HOOK_TIMED_OUT"),
                     fmt::format("{} was not done after {} ms and was killed; {}", name,
                                 command.time_limit.count(), Said(out)));
  }
  if (WIFEXITED(*result) && WEXITSTATUS(*result) == 0) return out;
  return Internal(ErrorReason("HOOK_FAILED"), "{} {} {}; {}", name,
                  WIFEXITED(*result) ? "ended with exit code" : "was ended by signal",
                  WIFEXITED(*result) ? WEXITSTATUS(*result) : WTERMSIG(*result), Said(out));
}

}  // namespace dml::agent
