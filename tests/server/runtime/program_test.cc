#include "server/runtime/program.h"

#include <gtest/gtest.h>

#include "server/auth/listen_address_file.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/child_daemon.h"
#include "tests/server/support/notify_socket.h"
#include "tests/server/support/tls_world.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

using testing::ChildDaemon;
using testing::ScratchFolder;

int CodeFor(const char* reason) {
  return DaemonExitFor(MakeError(absl::StatusCode::kInternal, ErrorReason(reason), "m"));
}

TEST(ExitCodeTest, TellsWhoMustAct) {
  EXPECT_EQ(DaemonExitFor(absl::OkStatus()), 0);
  EXPECT_EQ(CodeFor("ADDRESS_IN_USE"), 1);
  EXPECT_EQ(DaemonExitFor(absl::InternalError("bug")), 1);
  for (const char* reason : {"USAGE_INVALID", "CONFIG_INVALID", "TLS_FILES_INVALID", "JWKS_INVALID",
                             "DESCRIPTOR_LIMIT_TOO_LOW"}) {
    EXPECT_EQ(CodeFor(reason), 2) << reason;
  }
  for (const char* reason :
       {"DATA_DIR_IN_USE", "DATA_DIR_NEWER", "STORAGE_CORRUPT", "JOURNAL_BEHIND_CHECKPOINT",
        "CHECKPOINT_MISSING", "ORIGIN_MISMATCH", "FILE_NOT_PRIVATE", "LOG_KEY_MISSING",
        "BOOTSTRAP_INCOMPLETE", "DISK_FULL"}) {
    EXPECT_EQ(CodeFor(reason), 3) << reason;
  }
}

class ProgramTest : public ::testing::Test {
 protected:
  std::string data_dir() const { return (folder_.path() / "data").string(); }
  int Run(const std::vector<std::string>& arguments) {
    return ChildDaemon(arguments, folder_.path() / "home").Wait();
  }
  ScratchFolder folder_;
};

TEST_F(ProgramTest, ServesUntilToldToStop) {
  for (int signal : {SIGTERM, SIGINT}) {
    ChildDaemon daemon({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"},
                       folder_.path() / "home");
    const std::string line = daemon.ReadLine();
    ASSERT_TRUE(line.starts_with("listening on 127.0.0.1:")) << line;
    EXPECT_EQ(*ReadListenAddress(data_dir()), line.substr(std::string("listening on ").size()));
    EXPECT_TRUE(daemon.ReadLine().starts_with("client profile: "));
    daemon.Signal(signal);
    EXPECT_EQ(daemon.Wait(), kExitOk);
  }
}

TEST_F(ProgramTest, PutsTheProfileWhereTheClientLooks) {
  ChildDaemon daemon({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"},
                     folder_.path() / "home");
  daemon.ReadLine();
  const auto profile = folder_.path() / "home/.config/dml/profile.yaml";
  EXPECT_EQ(daemon.ReadLine(), "client profile: " + profile.string());
  EXPECT_TRUE(std::filesystem::exists(profile));
  EXPECT_TRUE(daemon.ReadLine().starts_with("first start: "));
  EXPECT_TRUE(daemon.ReadLine().ends_with("tls/ca.pem")) << "it says where things are";

  ScratchFolder other;
  ChildDaemon second({"--data-dir", (other.path() / "d").string(), "--listen", "127.0.0.1:0"},
                     folder_.path() / "home");
  second.ReadLine();
  const std::string own = (other.path() / "d/client/profile.yaml").string();
  EXPECT_EQ(second.ReadLine(), "client profile: " + own + "; to use it: export DML_PROFILE=" + own);
  const std::string note = second.ReadLine();
  EXPECT_TRUE(note.starts_with("note: " + profile.string() + " is of another library")) << note;
}

TEST_F(ProgramTest, EndsWithTheDocumentedCodes) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_EQ(Run({"--version"}), kExitOk);
  EXPECT_EQ(Run({"--bogus"}), kExitUsage);
  EXPECT_EQ(Run({"--data-dir", data_dir(), "--listen", "nowhere"}), kExitUsage);
  EXPECT_EQ(Run({"--config", "/nowhere/dmld.yaml"}), kExitUsage);
  EXPECT_EQ(Run({"--data-dir", data_dir(), "--listen", "192.0.2.1:1"}), kExitFailure);
  EXPECT_EQ(
      Run({"--data-dir", (testing::SourceDir() / "proto").string(), "--listen", "127.0.0.1:0"}),
      kExitDataDirectory);
  EXPECT_EQ(Run({"issue-certificate", "--data-dir", data_dir(), "--name", "alice", "--role",
                 "reader", "--server", "localhost:7443", "--out", data_dir() + "-alice"}),
            kExitOk);
  EXPECT_EQ(Run({"renew-certificate", "--data-dir", data_dir()}), kExitOk);
  EXPECT_EQ(Run({"renew-certificate", "--data-dir", data_dir() + "-none"}), kExitDataDirectory);
  folder_.Write("dmld.yaml", "dataDir: data\ntls: {certificate: a.pem, key: a.key}\n");
  EXPECT_EQ(Run({"renew-certificate", "--config", (folder_.path() / "dmld.yaml").string()}),
            kExitUsage);
}

TEST_F(ProgramTest, AHangUpTakesWhatCanChangeAndKeepsTheRest) {
  const std::string file = (folder_.path() / "dmld.yaml").string();
  folder_.Write("dmld.yaml", "listen: 127.0.0.1:0\nlog: {level: error}\n");
  const std::string socket = (folder_.path() / "notify").string();
  const testing::NotifySocket manager(socket);
  ChildDaemon daemon({"--config", file}, folder_.path() / "home", 0,
                     {"DMLD_DATA_DIR=" + data_dir(), "NOTIFY_SOCKET=" + socket});
  ASSERT_TRUE(daemon.ReadLine().starts_with("listening on 127.0.0.1:"));
  EXPECT_TRUE(manager.Next().starts_with("READY=1\nSTATUS=serving on 127.0.0.1:"));

  folder_.Write("dmld.yaml", "listen: 127.0.0.1:1\nlog: {level: info}\n");
  daemon.Signal(SIGHUP);
  EXPECT_TRUE(manager.Next().starts_with("RELOADING=1\n"));
  EXPECT_TRUE(manager.Next().starts_with("READY=1\n"));
  folder_.Write("dmld.yaml", "listen: nowhere\n");
  daemon.Signal(SIGHUP);
  EXPECT_TRUE(manager.Next().starts_with("RELOADING=1\n"));
  EXPECT_TRUE(manager.Next().starts_with("READY=1\n"));
  daemon.Signal(SIGTERM);
  EXPECT_TRUE(manager.Next().starts_with("STOPPING=1\n"));
  EXPECT_EQ(daemon.Wait(), kExitOk);

  const std::string log = folder_.Read("home/dmld.log");
  EXPECT_NE(log.find("reload: log.level is in use"), std::string::npos) << log;
  EXPECT_NE(log.find("reload: listen has changed: that is for the next start"), std::string::npos);
  EXPECT_NE(log.find("reload: nothing is changed: "), std::string::npos);
}

TEST_F(ProgramTest, TheServiceManagerHearsOfLife) {
  const std::string socket = (folder_.path() / "notify").string();
  const testing::NotifySocket manager(socket);
  ChildDaemon daemon({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"}, folder_.path() / "home",
                     0, {"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=100000"});
  bool ready = false;
  bool alive = false;
  for (int i = 0; i < 10 && !(ready && alive); ++i) {
    const std::string told = manager.Next();
    ready |= told.starts_with("READY=1");
    alive |= told == "WATCHDOG=1";
  }
  EXPECT_TRUE(ready && alive);
}

TEST_F(ProgramTest, ADataDirectoryInUseIsToldByItsCode) {
  ChildDaemon daemon({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"},
                     folder_.path() / "home");
  daemon.ReadLine();
  EXPECT_EQ(Run({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"}), kExitDataDirectory);
}

TEST_F(ProgramTest, TooFewDescriptorsAreRefusedAtTheStart) {
  ChildDaemon daemon({"--data-dir", data_dir(), "--listen", "127.0.0.1:0"}, folder_.path() / "home",
                     300);
  EXPECT_EQ(daemon.Wait(), kExitUsage);
}

}  // namespace
}  // namespace dml
