// A data directory with packs, deltas, a retention policy and a collected version
// (tests/golden/data/packs), written by the first version that had them. See golden_data_test.cc.
#include "tests/integration/support/command_library.h"
#include "tests/integration/support/golden_library.h"

namespace dml {
namespace {

using testing::CommandLibrary;
using testing::GoldenData;
using testing::NextBuild;
using testing::Noise;

constexpr char kName[] = "packs";
// Everything larger than a chunk becomes packs, so that the directory stays small.
constexpr char kConfig[] =
    "content: {chunkAverageBytes: 4096, looseBytes: 8192}\n"
    "limits: {stallTimeoutSeconds: 1, uploadLeaseSeconds: 1, clockStepSeconds: 0}\n"
    "maintenance: {repackIntervalSeconds: 0}\n";

std::string Collected() { return Noise("gone", 20'000); }
std::string First() { return Noise("kept", 60'000); }
std::string Second() { return NextBuild(First(), 3'000); }

class GoldenPacksTest : public CommandLibrary {
 protected:
  GoldenPacksTest() : CommandLibrary(kConfig) {}

  void SetUp() override {
    if (testing::UpdatesGolden() && !std::filesystem::exists(GoldenData(kName))) {
      ASSERT_NO_FATAL_FAILURE(Write());
      testing::KeepGoldenData(library_.data_dir(), kName);
      std::filesystem::remove_all(library_.data_dir());
    }
    testing::CopyTree(GoldenData(kName), library_.data_dir());
    ASSERT_TRUE(library_.Start());
  }

  void Write() {
    Begin();
    Publish("0.9.0", Collected());
    Publish("1.0.0", First());
    Publish("1.1.0", Second());
    Do({"namespace", "retention", "set", "acme", "--keep-versions", "2"});
    while (!HasFailure() && Storage()["deltaChunks"] == 0) {
      Do({"admin", "collect", "--wait"});
      if (Do({"admin", "collect", "--dry-run"})["figures"]["reclaimableBytes"] != 0) continue;
      Do({"admin", "repack", "--wait"});
    }
    Publish("1.2.0", Noise("loose", 2'000));
    ASSERT_EQ(library_.Stop(), 0);
  }
};

TEST_F(GoldenPacksTest, FilesAreReadFromPacksDeltasAndRows) {
  const Json storage = Storage();
  EXPECT_GE(storage["packs"], 1);
  EXPECT_GT(storage["deltaChunks"], 5);
  ExpectThere("1.0.0", First());
  ExpectThere("1.1.0", Second());
  ExpectThere("1.2.0", Noise("loose", 2'000));
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
  const Json upgrade = Do({"package", "get", "acme/tool@1.1.0", "--out", Path("upgraded"),
                           "--local", Path("got-1.0.0")});
  EXPECT_LT(upgrade["fetchedBytes"], 5'000);
  EXPECT_TRUE(testing::ReadBytes(Path("upgraded/tool")) == Second());
}

TEST_F(GoldenPacksTest, TheCollectedVersionAndItsPolicyAreThere) {
  EXPECT_EQ(Get("0.9.0", 1)["error"]["reason"], "PAYLOAD_COLLECTED");
  EXPECT_EQ(Do({"namespace", "retention", "show", "acme"})["retention"]["keepVersions"], 2);
  EXPECT_EQ(Do({"log", "entries", "--kind", "payload_collected"})["items"].size(), 1u);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

TEST_F(GoldenPacksTest, ItIsWrittenOnRepackedAndCollected) {
  Do({"key", "generate", "--out", Path("bob")});
  Do({"key", "register", "--key", Path("bob"), "--owner", "bob", "--role", "publisher",
      "--namespace", "acme"});
  std::filesystem::copy_file(Path("bob"), Path("ann"));
  const std::string next = NextBuild(Second(), 7'000);
  Publish("2.0.0", next);
  Do({"admin", "collect", "--wait"});
  Do({"admin", "repack", "--wait"});
  ExpectThere("1.2.0", Noise("loose", 2'000));
  ExpectThere("2.0.0", next);
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

}  // namespace
}  // namespace dml
