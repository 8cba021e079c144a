#include "tests/tools/agent/agent_program.h"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <sys/wait.h>

#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/agent/agent_scene.h"

namespace dml::testing {

ProgramEnd RunAgentProgram(const std::filesystem::path& config,
                           const std::vector<std::string>& arguments, const std::string& kill_at,
                           const std::vector<std::string>& environment) {
  TempDir folder;
  const std::string program = (BinaryDir() / "tools" / "agent" / "dml-agent").string();
  const std::string out = (folder.path() / "out").string(), err = (folder.path() / "err").string();
  std::vector<std::string> words = {program, "--config", config.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!kill_at.empty()) ::setenv("DML_AGENT_KILL_AT", kill_at.c_str(), 1);
    for (const std::string& each : environment) {
      const size_t at = each.find('=');
      ::setenv(each.substr(0, at).c_str(), each.substr(at + 1).c_str(), 1);
    }
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 2);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  ProgramEnd end;
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  end.out = ReadText(out);
  end.err = ReadText(err);
  return end;
}

}  // namespace dml::testing
