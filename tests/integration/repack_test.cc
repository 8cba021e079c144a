// What repacking makes of consecutive versions, and the index made anew from packs.
#include <sstream>

#include "core/crypto/sha256.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using testing::RunningLibrary;
using testing::ScratchFolder;
using testing::SpecJson;
using testing::WriteBytes;
using Words = std::vector<std::string>;

// Bytes that do not compress.
std::string Noise(size_t size) {
  std::string out;
  for (int i = 0; out.size() < size; ++i) out += Sha256(std::to_string(i)).raw();
  out.resize(size);
  return out;
}

// A new build: a little differs everywhere, so that no chunk stays.
std::string Next(std::string bytes) {
  for (size_t at = 0; at < bytes.size(); at += 10'000) bytes[at] ^= 1;
  return bytes;
}

class RepackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteBytes(config_, "maintenance: {repackIntervalSeconds: 0}\n");
    ASSERT_TRUE(library_.Start());
    Do({"namespace", "create", "acme"});
    Do({"key", "generate", "--out", Path("ann")});
    Do({"key", "register", "--key", Path("ann"), "--owner", "ann", "--role", "publisher",
        "--namespace", "acme"});
    Publish("1.0.0", one_);
    Publish("2.0.0", two_);
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }
  Json Do(Words words) {
    words.insert(words.begin(), {"--profile", library_.profile(), "--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), 0) << ::testing::PrintToString(words) << err.str();
    return Json::parse(out.str(), nullptr, false);
  }
  void Publish(const std::string& version, const std::string& content) {
    WriteBytes(Path("tool"), content);
    WriteBytes(Path("spec.json"), SpecJson("acme/tool", version));
    Do({"package", "publish", "--spec", Path("spec.json"), "--file", Path("tool"), "--key",
        Path("ann")});
  }
  void ExpectBoth(const std::string& folder) {
    for (const auto& [version, bytes] : {std::pair("1.0.0", &one_), std::pair("2.0.0", &two_)}) {
      const std::string out = Path(folder + version);
      Do({"package", "get", std::string("acme/tool@") + version, "--out", out});
      EXPECT_TRUE(testing::ReadBytes(std::filesystem::path(out) / "tool") == *bytes) << version;
    }
  }

  ScratchFolder folder_;
  const std::filesystem::path config_ = folder_.path() / "dmld.yaml";
  RunningLibrary library_{folder_.path() / "data", {"--config", config_.string()}};
  const std::string one_ = Noise(6 << 20);  // More than stays in rows of its own.
  const std::string two_ = Next(one_);
};

TEST_F(RepackTest, ConsecutiveVersionsTakeLittleMoreThanOne) {
  const Json before = Do({"admin", "storage"});
  EXPECT_GT(before["storedBytes"], 12'000'000);
  const Json pass = Do({"admin", "repack", "--wait"});
  EXPECT_GT(pass["deltas"], 20);
  EXPECT_GE(pass["packsDropped"], 1);
  EXPECT_EQ(pass["damagedChunks"], 0);
  const Json after = Do({"admin", "storage"});
  EXPECT_EQ(after["deltaChunks"], pass["deltas"]);
  EXPECT_LT(after["storedBytes"], 7'000'000);
  EXPECT_EQ(after["deadBytes"], 0);
  EXPECT_EQ(after["logicalBytes"], before["logicalBytes"]);
  ExpectBoth("out");
  EXPECT_EQ(Do({"status"})["chunksDecoded"], 0) << "deltas pass through, too";

  const Json upgrade = Do({"package", "get", "acme/tool@2.0.0", "--out", Path("upgraded"),
                           "--local", Path("out1.0.0")});
  EXPECT_LT(upgrade["fetchedBytes"], 500'000);
  EXPECT_TRUE(testing::ReadBytes(Path("upgraded/tool")) == two_);
  EXPECT_EQ(Do({"admin", "repack", "--wait"})["deltas"], 0) << "what was tried is remembered";
}

TEST_F(RepackTest, TheIndexIsMadeAnewFromPacks) {
  Do({"admin", "repack", "--wait"});
  const Json before = Do({"admin", "storage"});
  EXPECT_EQ(library_.Stop(), 0);
  testing::ChildDaemon rebuild({"rebuild-index", "--data-dir", library_.data_dir().string()},
                               folder_.path() / "home");
  EXPECT_TRUE(rebuild.ReadLine().starts_with("index made anew: "));
  EXPECT_EQ(rebuild.Wait(), 0);
  ASSERT_TRUE(library_.Start());
  const Json after = Do({"admin", "storage"});
  for (const char* figure : {"storedBytes", "chunks", "deltaChunks", "chunkBytes", "packs"}) {
    EXPECT_EQ(after[figure], before[figure]) << figure;
  }
  ExpectBoth("out");
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
}

TEST_F(RepackTest, ThereIsNoIndexToMakeWithoutALibrary) {
  testing::ChildDaemon rebuild({"rebuild-index", "--data-dir", Path("nothing")},
                               folder_.path() / "home");
  EXPECT_NE(rebuild.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("nothing")));
}

}  // namespace
}  // namespace dml
