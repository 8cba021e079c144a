// Disks that are full: in the middle of uploads, of a pack and of a collection.
#include <sys/mount.h>

#include "core/crypto/random.h"
#include "server/runtime/program.h"
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::NameOfVersion;
using testing::Noise;
using testing::RunningLibrary;
using testing::ScratchFolder;
using testing::SpecJson;
using testing::WriteBytes;

/// A small file system in memory, for as long as it lives.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path path, int mebibytes = 24) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0,
                       fmt::format("size={}m,mode=0700", mebibytes).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool Grow() const {
    return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, "size=256m,mode=0700") == 0;
  }

 private:
  const std::filesystem::path path_;
  bool mounted_ = false;
};

class FullDiskTest : public ::testing::Test {
 protected:
  // Publishes "acme/big" with half a megabyte that does not compress.
  absl::Status PublishBig(Client& client, int number) {
    const std::string bytes = Content(number);
    PublishInput input;
    input.spec_json = SpecJson("acme/big", fmt::format("1.{}.0", number));
    input.files = {{WriteBytes(folder_.path() / "input", bytes), "blob"}};
    input.keys = {&key_};
    return PublishPackage(client, input, {}).status();
  }
  static std::string Content(int number) {
    std::string bytes;
    for (int i = 0; bytes.size() < 512 << 10; ++i) {
      bytes += Sha256(fmt::format("{} {}", number, i)).raw();
    }
    return bytes;
  }
  void ExpectThere(Client& client, int number) {
    const std::filesystem::path out = folder_.path() / fmt::format("out{}", RandomHex(4));
    auto got = DownloadVariant(client, NameOfVersion("acme/big", fmt::format("1.{}.0", number)),
                               out, {}, {});
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_TRUE(testing::ReadBytes(out / "blob") == Content(number));
  }

  ScratchFolder folder_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

TEST_F(FullDiskTest, RefusesWritesServesReadsAndLosesNothing) {
  SmallDisk disk(folder_.path() / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  RunningLibrary library(folder_.path() / "disk" / "data");
  ASSERT_TRUE(library.Start());
  std::optional<Client> client(library.NewClient());
  ASSERT_TRUE(client->CreateNamespace("acme", "", {}).ok());
  ASSERT_TRUE(
      testing::RegisterKey(*client, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"})
          .ok());

  int published = 0;
  absl::Status status;
  while (published < 100 && (status = PublishBig(*client, published)).ok()) ++published;
  ASSERT_GT(published, 3);
  ASSERT_LT(published, 100) << "the disk was never full";
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Reason(status), "DISK_FULL") << status;
  ExpectThere(*client, 0);
  ExpectThere(*client, published - 1);

  // With room again and a new start, all is there and it goes on.
  client.reset();
  EXPECT_EQ(library.Stop(), kExitOk);
  ASSERT_TRUE(disk.Grow());
  ASSERT_TRUE(library.Start());
  client.emplace(library.NewClient());
  for (int i = 0; i < published; ++i) ExpectThere(*client, i);
  EXPECT_TRUE(PublishBig(*client, published + 1).ok());
  auto views = client->VerifyViews();
  EXPECT_TRUE(views.ok() && views->consistent) << views.status();
}

// Whatever a full disk lets through or not: what the catalog shows, the log proves.
TEST_F(FullDiskTest, ShowsNothingThatIsNotProven) {
  SmallDisk disk(folder_.path() / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  RunningLibrary library(folder_.path() / "disk" / "data");
  ASSERT_TRUE(library.Start());
  ClientOptions options = library.AdminOptions();
  options.state_file = folder_.path() / "checkpoint";  // On a disk with room.
  Client client = RunningLibrary::NewClient(options);
  ASSERT_TRUE(client.CreateNamespace("acme", "", {}).ok());
  ASSERT_TRUE(
      testing::RegisterKey(client, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"}).ok());
  std::ofstream filler(folder_.path() / "disk" / "filler", std::ios::binary);
  const std::string block(4096, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  absl::Status status;
  for (int i = 0; i < 50 && status.ok(); ++i) {
    PublishInput input;
    input.spec_json = SpecJson("acme/small", fmt::format("1.{}.0", i));
    input.keys = {&key_};
    status = PublishPackage(client, input, {}).status();
    if (client.GetPackage({"acme", "small"}).ok()) {
      for (const VariantRecord& record :
           testing::AllItems<VariantRecord>([&](const ListOptions& page) {
             return client.ListVariants({"acme", "small"}, page);
           })) {
        EXPECT_TRUE(client.ProveEntry(record.published_index).ok())
            << record.name.ResourceName() << " after " << status;
      }
    }
  }
  EXPECT_TRUE(status.ok() || Reason(status) == "DISK_FULL") << status;
}

class FullDiskCommandTest : public testing::CommandLibrary {
 protected:
  FullDiskCommandTest()
      : CommandLibrary(
            "limits: {stallTimeoutSeconds: 1, uploadLeaseSeconds: 1, writeBufferBytes: "
            "4194304}\n") {}
};

TEST_F(FullDiskCommandTest, APackThatDoesNotFitIsGivenUpAndAllElseGoesOn) {
  SmallDisk disk(library_.data_dir(), 64);
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", Noise("first", 5 << 20));  // A pack of its own.
  WriteBytes(Path("large"), Noise("large", 80 << 20));
  WriteBytes(Path("large.json"), SpecJson("acme/large", "1.0.0"));
  const Json refused = Do({"package", "publish", "--spec", Path("large.json"), "--file",
                           Path("large"), "--key", Path("ann")},
                          1);
  EXPECT_EQ(refused["error"]["reason"], "DISK_FULL");

  // What was begun has left the disk, without a new start.
  Publish("2.0.0", Noise("second", 5 << 20));
  ExpectThere("1.0.0", Noise("first", 5 << 20));
  ExpectThere("2.0.0", Noise("second", 5 << 20));
  Do({"package", "show", "acme/large@1.0.0"}, 4);
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);

  ASSERT_EQ(library_.Stop(), kExitOk);
  ASSERT_TRUE(disk.Grow());
  ASSERT_TRUE(library_.Start());
  Do({"package", "publish", "--spec", Path("large.json"), "--file", Path("large"), "--key",
      Path("ann")});
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

TEST_F(FullDiskCommandTest, ACollectionGoesOnOnceThereIsRoom) {
  SmallDisk disk(library_.data_dir(), 64);
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  ASSERT_NO_FATAL_FAILURE(Begin());
  for (int i = 0; i < 4; ++i) Publish(fmt::format("{}.0.0", i), Noise(std::to_string(i), 1 << 20));
  Do({"namespace", "retention", "set", "acme", "--keep-versions", "1"});
  UseOwnProfile();
  const std::filesystem::path filler = library_.data_dir() / "filler";
  {
    std::ofstream out(filler, std::ios::binary);
    const std::string block(4096, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  // The log may have some room left in what it has of the disk already: then it is used up first.
  Json answer;
  do {
    std::ostringstream out;
    std::ostringstream err;
    RunDml({"--profile", profile_, "--output", "json", "namespace", "create", "n" + RandomHex(8),
            "--description", std::string(1000, 'x')},
           out, err);
    answer = Json::parse(err.str(), nullptr, false);
  } while (answer.is_discarded());
  EXPECT_EQ(answer["error"]["reason"], "DISK_FULL");
  const Json refused = Do({"admin", "collect", "--wait"}, 1);
  EXPECT_NE(refused["error"]["message"].get<std::string>().find("DISK_FULL"), std::string::npos)
      << refused;
  for (int i = 0; i < 4; ++i)
    ExpectThere(fmt::format("{}.0.0", i), Noise(std::to_string(i), 1 << 20));

  ASSERT_EQ(library_.Stop(), kExitOk);
  std::filesystem::remove(filler);
  ASSERT_TRUE(library_.Start());
  UseOwnProfile();
  while (!HasFailure() && Storage()["liveVariants"] != 1) Do({"admin", "collect", "--wait"});
  ExpectThere("3.0.0", Noise("3", 1 << 20));
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

}  // namespace
}  // namespace dml
