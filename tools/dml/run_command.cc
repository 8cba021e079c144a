#include "tools/dml/run_command.h"

#include <cerrno>
#include <spawn.h>
#include <system_error>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/wait.h>

extern char** environ;

namespace dml {
namespace {

absl::Status NotStarted(int error) {
  return Internal(ErrorReason("COMMAND_NOT_STARTED"), "cannot run a command: {}",
                  std::generic_category().message(error));
}

// A socket, because writing to one that nobody reads raises no signal.
void Feed(int socket, std::string_view input) {
  while (!input.empty()) {
    const ssize_t sent = ::send(socket, input.data(), input.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;
    input.remove_prefix(static_cast<size_t>(sent));
  }
}

absl::StatusOr<pid_t> Spawn(const std::string& command, int standard_input) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, standard_input, STDIN_FILENO);
  std::string shell = "sh";
  std::string flag = "-c";
  std::string text = command;
  char* const argv[] = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return NotStarted(error);
  return pid;
}

}  // namespace

absl::Status RunCommand(const std::string& command, std::string_view input) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return NotStarted(errno);
  const absl::StatusOr<pid_t> pid = Spawn(command, ends[1]);
  ::close(ends[1]);
  if (pid.ok()) Feed(ends[0], input);
  ::close(ends[0]);
  DML_RETURN_IF_ERROR(pid.status());
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return NotStarted(errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return Aborted(ErrorReason("COMMAND_FAILED"), "the command `{}` ended with {}", command,
                 WIFEXITED(status) ? fmt::format("status {}", WEXITSTATUS(status))
                                   : fmt::format("signal {}", WTERMSIG(status)));
}

}  // namespace dml
