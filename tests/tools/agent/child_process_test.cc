#include "tools/agent/child_process.h"

#include <csignal>
#include <poll.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "tests/tools/agent/agent_scene.h"

namespace dml::agent {
namespace {

using ::testing::HasSubstr;
using testing::ReadText;
using testing::TempDir;
using testing::WriteText;

class ChildProcessTest : public ::testing::Test {
 protected:
  ChildCommand Script(const std::string& text) {
    ChildCommand command;
    command.program = folder_.path() / "hook";
    WriteText(command.program, "#!/bin/sh\n" + text, /*may_run=*/true);
    return command;
  }

  TempDir folder_;
};

TEST_F(ChildProcessTest, RunsWithWhatItIsGivenAndNothingElse) {
  ::setenv("DML_TEST_SECRET", "secret", 1);
  ChildCommand command = Script("echo \"$1 $DML_STEP ${DML_TEST_SECRET-none}\"; cat; pwd >&2");
  command.arguments = {"install"};
  command.environment = {{"DML_STEP", "a b"}};
  const auto result = RunChild(command);
  ::unsetenv("DML_TEST_SECRET");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "install a b none\n/\n");
}

TEST_F(ChildProcessTest, AFailureSaysWhatItSaid) {
  const absl::Status failed = RunChild(Script("echo 'no such table' >&2; exit 7")).status();
  EXPECT_EQ(Reason(failed), "HOOK_FAILED");
  EXPECT_THAT(std::string(Message(failed)), HasSubstr("exit code 7; it said: no such table"));
  EXPECT_THAT(std::string(Message(RunChild(Script("kill -9 $$")).status())),
              HasSubstr("was ended by signal 9"));
}

TEST_F(ChildProcessTest, OneThatHangsIsKilledWithAllThatItStarted) {
  ChildCommand command =
      Script("sleep 1000 & echo $! > " + (folder_.path() / "pid").string() + "; wait");
  command.time_limit = std::chrono::milliseconds(300);
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_TIMED_OUT");
  const int pid = std::stoi(ReadText(folder_.path() / "pid"));
  // Killed with its group, which may take it a moment; one that is gone already has no descriptor.
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd polled{process, POLLIN, 0};
  EXPECT_TRUE(process < 0 || ::poll(&polled, 1, 60'000) == 1);
  ::close(process);
}

TEST_F(ChildProcessTest, OneThatFloodsIsReadToItsEndAndNotKept) {
  ChildCommand command = Script("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo the end");
  command.max_output = 1000;
  const auto result = RunChild(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output.size(), 1000u);
  EXPECT_TRUE(result->output.ends_with("x\nthe end\n"));
  EXPECT_EQ(result->dropped, 5'000'009u - 1000);
}

TEST_F(ChildProcessTest, OneThatFloodsForEverIsLate) {
  ChildCommand command = Script("exec yes");
  command.time_limit = std::chrono::milliseconds(300);
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_TIMED_OUT");
}

TEST_F(ChildProcessTest, OneThatLeavesAProcessWithItsOutputIsNotWaitedFor) {
  ChildCommand command = Script("sleep 1000 & echo started");
  command.time_limit = std::chrono::seconds(60);
  const auto result = RunChild(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "started\n");
}

TEST_F(ChildProcessTest, ProgramsThatOthersMayWriteAreNotRun) {
  using std::filesystem::perms;
  ChildCommand command = Script("exit 0");
  std::filesystem::permissions(command.program, perms::owner_all | perms::others_write);
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_UNSAFE");
  std::filesystem::permissions(command.program, perms::owner_read);
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_UNSAFE") << "may not be run";
  std::filesystem::permissions(command.program, perms::owner_all);
  std::filesystem::permissions(folder_.path(), perms::owner_all | perms::group_write);
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_UNSAFE") << "its folder";
  std::filesystem::permissions(folder_.path(), perms::owner_all);
  command.program = folder_.path() / "none";
  EXPECT_EQ(Reason(RunChild(command).status()), "HOOK_MISSING");
}

}  // namespace
}  // namespace dml::agent
