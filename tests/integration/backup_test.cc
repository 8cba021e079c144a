// Backup, restore, verification and read-only serving, as docs/operations.md, "Backup and restore",
// says.
#include <gtest/gtest.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::ChildDaemon;
using testing::Noise;
using testing::RunningLibrary;

class BackupIntegrationTest : public testing::CommandLibrary {
 protected:
  BackupIntegrationTest() : CommandLibrary("backup: {folder: backups}\n") {}

  std::string ReasonOf(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  // Runs dmld with these words to its end.
  int Dmld(const Words& words) { return ChildDaemon(words, folder_.path() / "home").Wait(); }
  fs::path restored() const { return folder_.path() / "restored"; }
  int Restore(Words more = {}) {
    Words words = {"restore", "--from", Path("backups"), "--data-dir", restored()};
    words.insert(words.end(), more.begin(), more.end());
    return Dmld(words);
  }
  // What the operator has kept apart.
  void BringKeys() {
    for (const char* name : {"keys", "client"}) {
      fs::copy(library_.data_dir() / name, restored() / name,
               fs::copy_options::recursive | fs::copy_options::skip_existing);
    }
    // What an administrator's client has seen of the log is no key.
    for (const auto& file : fs::directory_iterator(restored() / "client")) {
      if (file.path().filename().string().starts_with("profile.yaml.")) fs::remove(file.path());
    }
  }
  // Has commands go to another daemon.
  void Use(const RunningLibrary& library) { profile_ = library.profile(); }
};

TEST_F(BackupIntegrationTest, ALibraryIsRestoredFromItsBackup) {
  Begin();
  const std::string one = Noise("one", 300'000);
  Publish("1.0.0", one);
  const Json made = Do({"admin", "backup", "--wait", "--verify"});
  ASSERT_EQ(made["backups"].size(), 1u);
  EXPECT_EQ(made["backups"][0]["number"], 1);
  EXPECT_FALSE(made["running"]);
  const uint64_t entries = made["backups"][0]["entries"];
  Publish("2.0.0", Noise("two", 300'000));
  EXPECT_EQ(Do({"admin", "backup", "--wait", "--keep", "5"})["backups"].size(), 2u);
  const Json verdict = Do({"admin", "verify", "--content"});
  EXPECT_TRUE(verdict["sound"]);
  EXPECT_EQ(verdict["variants"], 2);
  EXPECT_EQ(verdict["faults"].size(), 0u);
  EXPECT_EQ(library_.Stop(), 0);

  ASSERT_EQ(Restore({"--number", "1"}), 0);
  EXPECT_EQ(Restore(), 3) << "never over what is there";
  EXPECT_EQ(Dmld({"--data-dir", restored(), "--listen", "127.0.0.1:0"}), 3) << "without its keys";
  BringKeys();
  // Looking promises nothing.
  RunningLibrary looked(restored(), {"--read-only"});
  ASSERT_TRUE(looked.Start());
  Use(looked);
  ExpectThere("1.0.0", one);
  EXPECT_EQ(Do({"status"})["journalSize"], entries);
  EXPECT_TRUE(Do({"admin", "verify", "--content"})["sound"]);
  EXPECT_EQ(ReasonOf({"namespace", "create", "later"}, 1), "LIBRARY_READ_ONLY");
  EXPECT_EQ(ReasonOf({"admin", "collect"}, 1), "LIBRARY_READ_ONLY");
  EXPECT_EQ(looked.Stop(), 0);
  EXPECT_FALSE(fs::exists(restored() / "signed-checkpoint"));

  // Nothing is known of what was signed afterwards, so it does not go on by itself.
  EXPECT_EQ(Dmld({"--data-dir", restored(), "--listen", "127.0.0.1:0"}), 3);
  // The lost disk's checkpoint tells that something is missing.
  fs::copy_file(library_.data_dir() / "signed-checkpoint", restored() / "signed-checkpoint");
  EXPECT_EQ(Dmld({"--data-dir", restored(), "--listen", "127.0.0.1:0"}), 3);
  // The second backup has it all.
  fs::remove_all(restored());
  ASSERT_EQ(Restore(), 0);
  BringKeys();
  fs::copy_file(library_.data_dir() / "signed-checkpoint", restored() / "signed-checkpoint");
  RunningLibrary again(restored());
  ASSERT_TRUE(again.Start());
  Use(again);
  ExpectThere("2.0.0", Noise("two", 300'000));
  Do({"namespace", "create", "later"});
  EXPECT_EQ(again.Stop(), 0);
}

TEST_F(BackupIntegrationTest, TheStateAfterAnEntryComesBack) {
  Begin();
  Publish("1.0.0", "one");
  const uint64_t size = Do({"status"})["journalSize"];
  Publish("2.0.0", "two");
  Do({"admin", "backup", "--wait"});
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Restore({"--last-index", "999"}), 3);
  ASSERT_EQ(Restore({"--last-index", std::to_string(size - 1)}), 0);
  BringKeys();
  RunningLibrary then(restored(), {"--read-only"});
  ASSERT_TRUE(then.Start());
  Use(then);
  EXPECT_EQ(Do({"status"})["journalSize"], size);
  ExpectThere("1.0.0", "one");
  Get("2.0.0", 4);
  EXPECT_TRUE(Do({"admin", "verify-views"})["consistent"]);
  EXPECT_EQ(then.Stop(), 0);
}

TEST_F(BackupIntegrationTest, ViewsAreFoldedAnew) {
  Begin();
  Publish("1.0.0", "one");
  const Json before = Do({"package", "list", "acme"});
  const std::string data = library_.data_dir();
  EXPECT_EQ(Dmld({"rebuild-views", "--data-dir", data}), 3) << "beside a daemon that runs";
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(Dmld({"rebuild-views", "--data-dir", data}), 0);
  EXPECT_EQ(Dmld({"rebuild-views", "--data-dir", Path("none")}), 3);
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(Do({"package", "list", "acme"}), before);
  EXPECT_TRUE(Do({"admin", "verify"})["sound"]);
}

TEST_F(BackupIntegrationTest, BadRequestsAreToldWhatToDo) {
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(Dmld({"restore", "--from", Path("backups"), "--list"}), 3) << "there are none yet";
  EXPECT_EQ(Dmld({"restore", "--from", Path("backups")}), 2) << "no directory";
  EXPECT_EQ(Dmld({"restore", "--data-dir", restored()}), 2) << "from where?";
  EXPECT_EQ(Restore({"--number", "7"}), 3);
  Do({"admin", "backup", "--show", "--wait"}, 2);
  Do({"admin", "backup", "--keep", "0"}, 2);
  Do({"admin", "backup", "--wait"});
  EXPECT_EQ(Dmld({"restore", "--from", Path("backups"), "--list"}), 0);
  EXPECT_EQ(Restore({"--number", "7"}), 3);
  EXPECT_FALSE(fs::exists(restored()));
}

class NoBackupTest : public testing::CommandLibrary {};

TEST_F(NoBackupTest, WithoutAFolderThereIsNone) {
  ASSERT_TRUE(library_.Start());
  for (const Words& words : {Words{"admin", "backup"}, Words{"admin", "backup", "--show"}}) {
    EXPECT_EQ(Do(words, 1)["error"]["reason"], "BACKUP_NOT_CONFIGURED");
  }
}

}  // namespace
}  // namespace dml
