#include "core/os/file.h"

#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  fs::path At(std::string_view name) const { return folder_ / name; }
  static mode_t ModeOf(const fs::path& path) {
    struct stat info;
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  size_t EntryCount() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  const testing::ScratchFolder scratch_;
  const fs::path folder_ = scratch_.path();
};

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string kAll("\0\xff\n binary", 10);
  for (std::string content : {std::string(), std::string("x"), kAll, std::string(3'000'000, 'y')}) {
    ASSERT_TRUE(WriteFileAtomically(At("f"), AsBytes(content), 0640).ok());
    EXPECT_EQ(*ReadFile(At("f"), content.size()), content) << "exactly the limit is allowed";
    EXPECT_EQ(ModeOf(At("f")), 0640u);
  }
  EXPECT_EQ(EntryCount(), 1u) << "no temporary file stays behind";
}

TEST_F(FileTest, ModeHoldsWhateverTheUmask) {
  mode_t before = ::umask(077);
  EXPECT_TRUE(WriteFileAtomically(At("open"), AsBytes("x"), 0644).ok());
  ::umask(0);
  EXPECT_TRUE(WriteFileAtomically(At("secret"), AsBytes("x"), 0600).ok());
  EXPECT_TRUE(MakePrivateDirectory(At("folder")).ok());
  ::umask(before);
  EXPECT_EQ(ModeOf(At("open")), 0644u);
  EXPECT_EQ(ModeOf(At("secret")), 0600u);
  EXPECT_EQ(ModeOf(At("folder")), 0700u);
}

TEST_F(FileTest, LimitsWhatIsRead) {
  ASSERT_TRUE(WriteFileAtomically(At("f"), AsBytes("12345"), 0600).ok());
  absl::Status status = ReadFile(At("f"), 4).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(status), "FILE_TOO_LARGE");
  if (fs::exists("/dev/zero")) {
    EXPECT_EQ(Reason(ReadFile("/dev/zero", 100).status()), "FILE_NOT_REGULAR");
  }
  if (fs::exists("/proc/self/status")) {
    EXPECT_GT(ReadFile("/proc/self/status", 1 << 20)->size(), 0u) << "a file that tells no size";
    EXPECT_EQ(Reason(ReadFile("/proc/self/status", 10).status()), "FILE_TOO_LARGE");
  }
}

TEST_F(FileTest, NamesWhatIsWrong) {
  absl::Status missing = ReadFile(At("missing"), 10).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(missing), "FILE_NOT_FOUND");
  EXPECT_NE(Message(missing).find(At("missing").string()), std::string_view::npos);
  EXPECT_EQ(Reason(ReadFile(folder_, 10).status()), "FILE_NOT_REGULAR");
  ASSERT_EQ(::mkfifo(At("pipe").c_str(), 0600), 0);
  EXPECT_EQ(Reason(ReadFile(At("pipe"), 10).status()), "FILE_NOT_REGULAR") << "and does not wait";
  ASSERT_TRUE(WriteFileAtomically(At("f"), AsBytes("x"), 0600).ok());
  EXPECT_EQ(Reason(ReadFile(At("f") / "below", 10).status()), "FILE_NOT_DIRECTORY");
  EXPECT_EQ(Reason(WriteFileAtomically(At("no/f"), AsBytes("x"), 0600)), "FILE_NOT_FOUND");
}

TEST_F(FileTest, FailedWriteLeavesTheOldContentAndNothingElse) {
  ASSERT_TRUE(MakePrivateDirectory(At("target")).ok());
  EXPECT_EQ(Reason(WriteFileAtomically(At("target"), AsBytes("x"), 0600)), "FILE_NOT_REGULAR");
  EXPECT_TRUE(fs::is_directory(At("target")));
  EXPECT_EQ(EntryCount(), 1u);
}

TEST_F(FileTest, ReplacesALinkInsteadOfFollowingIt) {
  ASSERT_TRUE(WriteFileAtomically(At("victim"), AsBytes("old"), 0600).ok());
  fs::create_symlink(At("victim"), At("link"));
  ASSERT_TRUE(WriteFileAtomically(At("link"), AsBytes("new"), 0600).ok());
  EXPECT_EQ(*ReadFile(At("victim"), 10), "old");
  EXPECT_EQ(*ReadFile(At("link"), 10), "new");
  EXPECT_FALSE(fs::is_symlink(At("link")));
}

TEST_F(FileTest, WritesInTheCurrentFolder) {
  fs::path before = fs::current_path();
  fs::current_path(folder_);
  absl::Status written = WriteFileAtomically("plain", AsBytes("x"), 0600);
  absl::Status made = MakePrivateDirectory("below/");
  fs::current_path(before);
  EXPECT_TRUE(written.ok()) << written;
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_EQ(*ReadFile(At("plain"), 10), "x");
  EXPECT_EQ(ModeOf(At("below")), 0700u);
}

TEST_F(FileTest, FullDiskIsResourceExhausted) {
  ASSERT_TRUE(MakePrivateDirectory(At("small")).ok());
  if (::mount("tmpfs", At("small").c_str(), "tmpfs", 0, "size=64k,mode=0700") != 0) {
    GTEST_SKIP() << "cannot mount a small file system; run as root to test a full disk";
  }
  ASSERT_TRUE(WriteFileAtomically(At("small/f"), AsBytes("old"), 0600).ok());
  absl::Status status =
      WriteFileAtomically(At("small/f"), AsBytes(std::string(1 << 20, 'x')), 0600);
  EXPECT_EQ(*ReadFile(At("small/f"), 10), "old");
  size_t entries = static_cast<size_t>(std::distance(fs::directory_iterator(At("small")), {}));
  ASSERT_EQ(::umount(At("small").c_str()), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(status), "DISK_FULL");
  EXPECT_EQ(entries, 1u);
}

TEST_F(FileTest, ASpareReplacesWithoutNewFiles) {
  const fs::path path = At("kept"), spare = At("kept.spare");
  ASSERT_TRUE(ReplaceWithSpare(path, spare, AsBytes("first, and longer"), 0600).ok());
  EXPECT_EQ(*ReadFile(path, 100), "first, and longer");
  struct stat before[2];
  ASSERT_EQ(::stat(path.c_str(), &before[0]), 0);
  ASSERT_EQ(::stat(spare.c_str(), &before[1]), 0);
  ASSERT_TRUE(ReplaceWithSpare(path, spare, AsBytes("second"), 0600).ok());
  EXPECT_EQ(*ReadFile(path, 100), "second");
  EXPECT_EQ(*ReadFile(spare, 100), "first, and longer");
  struct stat after[2];
  ASSERT_EQ(::stat(path.c_str(), &after[0]), 0);
  ASSERT_EQ(::stat(spare.c_str(), &after[1]), 0);
  EXPECT_EQ(after[0].st_ino, before[1].st_ino);
  EXPECT_EQ(after[1].st_ino, before[0].st_ino);
  EXPECT_EQ(ModeOf(path), 0600u);
  ASSERT_EQ(::unlink(spare.c_str()), 0);
  ASSERT_TRUE(ReplaceWithSpare(path, spare, AsBytes("third"), 0600).ok());
  EXPECT_EQ(*ReadFile(path, 100), "third");
  EXPECT_TRUE(fs::exists(spare));
}

TEST_F(FileTest, PrivateFolders) {
  EXPECT_TRUE(MakePrivateDirectory(At("a/b/c")).ok());
  EXPECT_EQ(ModeOf(At("a")), 0700u);
  EXPECT_EQ(ModeOf(At("a/b/c")), 0700u);
  EXPECT_TRUE(MakePrivateDirectory(At("a/b/c/")).ok()) << "again is fine";
  ASSERT_EQ(::chmod(At("a").c_str(), 0750), 0);
  absl::Status open = MakePrivateDirectory(At("a"));
  EXPECT_EQ(Reason(open), "FILE_NOT_PRIVATE");
  EXPECT_NE(Message(open).find("chmod 700 '" + At("a").string() + "'"), std::string_view::npos)
      << open;
  ASSERT_TRUE(WriteFileAtomically(At("f"), AsBytes("x"), 0600).ok());
  EXPECT_EQ(Reason(MakePrivateDirectory(At("f"))), "FILE_NOT_DIRECTORY");
  EXPECT_EQ(Reason(MakePrivateDirectory(At("f/x"))), "FILE_NOT_DIRECTORY");
}

TEST_F(FileTest, PrivateFiles) {
  fs::path key = At("it's a key");
  ASSERT_TRUE(WriteFileAtomically(key, AsBytes("secret"), 0600).ok());
  EXPECT_TRUE(RequirePrivateFile(key).ok());
  EXPECT_EQ(*ReadPrivateFile(key, 100), "secret");
  ASSERT_EQ(::chmod(key.c_str(), 0400), 0);
  EXPECT_TRUE(RequirePrivateFile(key).ok());
  for (mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601}) {
    ASSERT_EQ(::chmod(key.c_str(), mode), 0);
    absl::Status status = RequirePrivateFile(key);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Reason(status), "FILE_NOT_PRIVATE") << mode;
    EXPECT_EQ(Reason(ReadPrivateFile(key, 100).status()), "FILE_NOT_PRIVATE");
    std::string command = "chmod 600 '" + folder_.string() + "/it'\\''s a key'";
    EXPECT_NE(Message(status).find(command), std::string_view::npos) << status;
  }
  EXPECT_EQ(Reason(RequirePrivateFile(At("missing"))), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(RequirePrivateFile(folder_)), "FILE_NOT_REGULAR");
}

TEST_F(FileTest, FilesOfOtherUsersAreNotPrivate) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to another user";
  ASSERT_TRUE(WriteFileAtomically(At("f"), AsBytes("x"), 0600).ok());
  ASSERT_EQ(::chown(At("f").c_str(), 65'534, 65'534), 0);
  EXPECT_EQ(Reason(RequirePrivateFile(At("f"))), "FILE_NOT_PRIVATE");
}

}  // namespace
}  // namespace dml
