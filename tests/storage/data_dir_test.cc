#include "storage/data_dir.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/storage/engine/engines.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

class DataDirTest : public ::testing::Test {
 protected:
  void Write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  std::string Read(const fs::path& path) {
    std::ifstream in(path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  mode_t Mode(const fs::path& path) {
    struct stat info = {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string OpenReason() { return Reason(DataDir::Open(path_).status()); }

  testing::TempDir scratch_;
  fs::path path_ = scratch_.path() / "var" / "dml";
};

TEST_F(DataDirTest, MakesAPrivateDirectoryAndOpensItAgain) {
  for (int round = 0; round < 2; ++round) {
    absl::StatusOr<DataDir> dir = DataDir::Open(path_);
    ASSERT_TRUE(dir.ok()) << Message(dir.status());
    EXPECT_EQ(dir->path(), path_);
    EXPECT_EQ(Read(path_ / "format"), "{\"format\":1}\n");
    EXPECT_EQ(Mode(path_ / "format"), 0600u);
    for (const fs::path& folder : {path_, dir->db(), dir->keys(), dir->tls()}) {
      EXPECT_EQ(Mode(folder), 0700u) << folder;
    }
    EXPECT_EQ(dir->signed_checkpoint(), path_ / "signed-checkpoint");
    EXPECT_FALSE(fs::exists(dir->signed_checkpoint()));
    auto engine = OpenRocksEngine(dir->db(), testing::SmallOptions());
    ASSERT_TRUE(engine.ok()) << Message(engine.status());
  }
}

TEST_F(DataDirTest, NewerFormatIsRefusedNamingBothVersions) {
  ASSERT_TRUE(DataDir::Open(path_).ok());
  for (const char* text : {"{\"format\":17}", "{\"format\":17,\"features\":[\"x\"]}"}) {
    Write(path_ / "format", text);
    absl::Status status = DataDir::Open(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Reason(status), "DATA_DIR_NEWER") << Message(status);
    EXPECT_NE(Message(status).find("format 17"), std::string_view::npos) << Message(status);
    EXPECT_NE(Message(status).find("format 1:"), std::string_view::npos) << Message(status);
  }
}

TEST_F(DataDirTest, FolderOfSomethingElseIsRefusedAndUntouched) {
  fs::create_directories(path_);
  fs::permissions(path_, fs::perms::owner_all);
  Write(path_ / "thesis.txt", "x");
  for (fs::perms others : {fs::perms::none, fs::perms::others_read | fs::perms::others_exec}) {
    fs::permissions(path_, fs::perms::owner_all | others);
    EXPECT_EQ(OpenReason(), "DATA_DIR_FOREIGN") << "whatever its rights are";
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(path_), {}), 1);
}

TEST_F(DataDirTest, EmptyFileSystemAndInterruptedCreationAreUsed) {
  fs::create_directories(path_ / "lost+found");
  fs::permissions(path_, fs::perms::owner_all);
  Write(path_ / ".dml-tmp-123", "{\"for");
  EXPECT_EQ(OpenReason(), "");
  fs::remove_all(path_ / "keys");  // As if the crash had come after the format file.
  EXPECT_EQ(OpenReason(), "");
  EXPECT_EQ(Mode(path_ / "keys"), 0700u);
}

TEST_F(DataDirTest, DamagedFormatFileIsDataLoss) {
  ASSERT_TRUE(DataDir::Open(path_).ok());
  for (const char* text : {"", "1", "{}", "{\"format\":0}", "{\"format\":\"1\"}", "{\"format\":1",
                           "{\"format\":1,\"format\":1}", "{\"format\":1,\"other\":2}"}) {
    Write(path_ / "format", text);
    absl::Status status = DataDir::Open(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << text;
    EXPECT_EQ(Reason(status), "DATA_DIR_DAMAGED") << text;
  }
}

TEST_F(DataDirTest, APathThroughAFileIsRefused) {
  fs::create_directories(path_.parent_path());
  Write(path_, "x");
  EXPECT_EQ(OpenReason(), "FILE_NOT_DIRECTORY");
}

TEST_F(DataDirTest, DirectoryOpenToOthersIsRefused) {
  fs::create_directories(path_);
  fs::permissions(path_, fs::perms::owner_all | fs::perms::others_read);
  EXPECT_EQ(OpenReason(), "FILE_NOT_PRIVATE") << "while it is empty";
  fs::permissions(path_, fs::perms::owner_all);
  ASSERT_TRUE(DataDir::Open(path_).ok());
  fs::permissions(path_, fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(OpenReason(), "FILE_NOT_PRIVATE");
  fs::permissions(path_, fs::perms::owner_all);
  fs::permissions(path_ / "keys", fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(OpenReason(), "FILE_NOT_PRIVATE");
}

}  // namespace
}  // namespace dml
