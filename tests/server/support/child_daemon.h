// dmld as a process of its own.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/paths.h"

namespace dml::testing {

/// Starts dmld; killed at the end where it still runs.
class ChildDaemon {
 public:
  /// `max_descriptors` 0: as the test's own. `home` stands for the user's home folder, and gets
  /// what the daemon logs in "dmld.log", all runs one after another. `variables` ("NAME=VALUE"
  /// each) are its environment besides.
  ChildDaemon(const std::vector<std::string>& arguments, const std::filesystem::path& home,
              rlim_t max_descriptors = 0, std::vector<std::string> variables = {}) {
    std::filesystem::create_directories(home);
    const std::string log = home / "dmld.log";
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    std::vector<std::string> words = arguments;
    words.insert(words.begin(), (BinaryDir() / "server/dmld").string());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    variables.push_back("HOME=" + home.string());
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      const int log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (log_file < 0 || ::dup2(log_file, STDERR_FILENO) < 0) ::_exit(125);
      const rlimit limit{max_descriptors, max_descriptors};
      if (max_descriptors != 0 && ::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
      ::execve(argv[0], argv.data(), environment.data());
      ::_exit(127);
    }
    ::close(out[1]);
    output_ = ::fdopen(out[0], "r");
  }
  ~ChildDaemon() {
    if (pid_ > 0 && exit_code_ == kRunning) {
      ::kill(pid_, SIGKILL);
      Wait();
    }
    std::fclose(output_);
  }
  ChildDaemon(const ChildDaemon&) = delete;
  ChildDaemon& operator=(const ChildDaemon&) = delete;

  /// The next line of its standard output, without its end; "" at the end of all.
  std::string ReadLine() {
    std::string line;
    for (int c = std::fgetc(output_); c != EOF && c != '\n'; c = std::fgetc(output_)) {
      line.push_back(static_cast<char>(c));
    }
    return line;
  }

  pid_t pid() const { return pid_; }
  void Signal(int signal) const { ::kill(pid_, signal); }

  /// Blocks until it has ended: its exit code, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return exit_code_;
  }

 private:
  static constexpr int kRunning = 1000;
  pid_t pid_ = -1;
  int exit_code_ = kRunning;
  std::FILE* output_ = nullptr;
};

}  // namespace dml::testing
