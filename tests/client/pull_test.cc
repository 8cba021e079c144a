// Pulls that fetch only what is not here, and pulls through several channels.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/transfer.h"
#include "core/crypto/sha256.h"
#include "tests/client/fake_library.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::FakeLibrary;
using testing::TempDir;

std::string RandomBytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

VariantName Version(const std::string& version) { return {{"acme", "api"}, version, {}}; }

class PullTest : public ::testing::Test {
 protected:
  PullTest() { library_.Trust(key_.public_key(), "acme"); }

  Client Connect() { return *Client::Create(library_.Options()); }

  void Publish(const std::string& version, const std::string& bytes,
               const std::string& name = "app") {
    const std::string spec =
        fmt::format(R"({{"schema":"dml.package/v1","package":"acme/api","version":"{}",)"
                    R"("versionScheme":"semver","license":{{"declared":"MIT"}}}})",
                    version);
    PublishInput input{.spec_json = spec, .keys = {&key_}};
    input.files.push_back({dir_.Write("in/" + version, bytes), name});
    Client client = Connect();
    auto published = PublishPackage(client, input, nullptr);
    ASSERT_TRUE(published.ok()) << published.status();
    library_.reads.clear();
  }
  absl::StatusOr<DownloadResult> Pull(const std::string& version, const DownloadOptions& options,
                                      const std::string& out = "out") {
    Client client = Connect();
    return DownloadVariant(client, Version(version), dir_ / out, options, nullptr);
  }
  // Two versions that share their beginning and end; the second has bytes of its own between.
  void PublishTwo() {
    const std::string head = RandomBytes(200'000, 1);
    const std::string tail = RandomBytes(200'000, 2);
    one_ = head + RandomBytes(20'000, 3) + tail;
    two_ = head + RandomBytes(30'000, 4) + tail;
    Publish("1.0.0", one_);
    Publish("2.0.0", two_);
  }
  uint64_t ChunksAskedFor() const {
    uint64_t out = 0;
    for (const v1::ReadChunksRequest& read : library_.reads) {
      for (const v1::ChunkRange& range : read.ranges()) out += range.count();
    }
    return out;
  }

  TempDir dir_;
  FakeLibrary library_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::string one_, two_;
};

TEST_F(PullTest, AnUpgradeFetchesTheMissingChunksOnly) {
  PublishTwo();
  const fs::path earlier = dir_.Write("old/another-name", one_);
  auto pulled = Pull("2.0.0", {.local = {earlier}});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == two_);
  EXPECT_EQ(pulled->fetched_bytes, library_.MissingFrameBytes(two_, one_));
  EXPECT_LT(pulled->fetched_bytes, 60'000u);
}

TEST_F(PullTest, AFolderIsSearchedAtAnyDepthAndItsLinksAreNot) {
  PublishTwo();
  dir_.Write("elsewhere/app", one_);
  fs::create_directories(dir_ / "links");
  fs::create_symlink(dir_ / "elsewhere", dir_ / "links/folder");
  fs::create_symlink(dir_ / "elsewhere/app", dir_ / "links/app2");
  auto linked = Pull("2.0.0", {.local = {dir_ / "links"}}, "linked");
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_EQ(linked->fetched_bytes, two_.size());  // Random bytes: frames are raw.
  dir_.Write("old/a/b/c/app", one_);
  auto deep = Pull("2.0.0", {.local = {dir_ / "old"}}, "deep");
  ASSERT_TRUE(deep.ok()) << deep.status();
  EXPECT_EQ(deep->fetched_bytes, library_.MissingFrameBytes(two_, one_));
  EXPECT_TRUE(dir_.Read("deep/app") == two_);
}

TEST_F(PullTest, TheFileThatIsReplacedCountsAsLocal) {
  PublishTwo();
  ASSERT_TRUE(Pull("1.0.0", {}).ok());
  library_.reads.clear();
  auto pulled = Pull("2.0.0", {.overwrite = true});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == two_);
  EXPECT_EQ(pulled->fetched_bytes, library_.MissingFrameBytes(two_, one_));
}

TEST_F(PullTest, WhatIsNoContentAtAllIsSkipped) {
  PublishTwo();
  dir_.Write("old/noise", RandomBytes(50'000, 9));
  auto pulled = Pull("2.0.0", {.local = {dir_ / "nothing-here", dir_ / "old", "/dev/null"}});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == two_);
  EXPECT_EQ(pulled->fetched_bytes, two_.size());
}

TEST_F(PullTest, DeltasComeWithoutTheBasesThatAreHere) {
  std::string one = RandomBytes(400'000, 5);
  std::string two = one;
  for (size_t i = 0; i < two.size(); i += 1000) two[i] ^= 1;  // No chunk stays.
  Publish("1.0.0", one);
  Publish("2.0.0", two);
  ASSERT_GT(library_.StoreDeltas(two, one), 50u);
  const fs::path earlier = dir_.Write("old/app", one);
  auto pulled = Pull("2.0.0", {.local = {earlier}});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == two);
  EXPECT_EQ(pulled->fetched_bytes, library_.MissingFrameBytes(two, one));
  EXPECT_LT(pulled->fetched_bytes, two.size() / 4);
  auto cold = Pull("2.0.0", {}, "cold");  // Bases come along.
  ASSERT_TRUE(cold.ok()) << cold.status();
  EXPECT_TRUE(dir_.Read("cold/app") == two);
  EXPECT_GT(cold->fetched_bytes, pulled->fetched_bytes);
}

TEST_F(PullTest, ABaseThatChangesMeanwhileIsFetchedAfterAll) {
  std::string one = RandomBytes(200'000, 6);
  std::string two = one;
  for (size_t i = 0; i < two.size(); i += 1000) two[i] ^= 1;
  Publish("1.0.0", one);
  Publish("2.0.0", two);
  ASSERT_GT(library_.StoreDeltas(two, one), 20u);
  const fs::path earlier = dir_.Write("old/app", one);
  bool done = false;
  library_.change_chunk = [&](v1::Chunk&) {
    if (!std::exchange(done, true)) dir_.Write("old/app", RandomBytes(200'000, 7));
  };
  auto pulled = Pull("2.0.0", {.local = {earlier}});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == two);
}

TEST_F(PullTest, ALocalFileThatChangesMeanwhileIsNotTrusted) {
  PublishTwo();
  const fs::path earlier = dir_.Write("old/app", one_);
  bool done = false;
  library_.change_chunk_list = [&](v1::GetBlobChunksResponse& page) {
    if (!page.next_page_token().empty() || std::exchange(done, true)) return;
    dir_.Write("old/app", RandomBytes(one_.size(), 8));  // After the search of what is wanted.
  };
  // The list is walked twice; the change comes before the search of the file, or after it.
  for (int walk = 0; walk < 2; ++walk) {
    SCOPED_TRACE(walk);
    done = walk == 1;
    dir_.Write("old/app", one_);
    auto pulled = Pull("2.0.0", {.local = {earlier}}, fmt::format("out{}", walk));
    ASSERT_TRUE(pulled.ok()) << pulled.status();
    EXPECT_TRUE(dir_.Read(fmt::format("out{}/app", walk)) == two_);
  }
}

TEST_F(PullTest, SeveralChannelsFetchOneFile) {
  const std::string bytes = RandomBytes(600'000, 10);
  Publish("1.0.0", bytes);
  auto pulled = Pull("1.0.0", {.channels = 4, .channel_bytes = 100'000});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == bytes);
  EXPECT_EQ(library_.peers.size(), 4u);
  EXPECT_EQ(pulled->fetched_bytes, bytes.size());  // Nothing came twice.
}

TEST_F(PullTest, ABrokenChannelGoesOnWhereItWas) {
  const std::string bytes = RandomBytes(600'000, 11);
  Publish("1.0.0", bytes);
  library_.download_drops = {3, 0, 7, 1};
  auto pulled = Pull("1.0.0", {.channels = 3, .channel_bytes = 100'000});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == bytes);
  EXPECT_EQ(pulled->fetched_bytes, bytes.size());
}

TEST_F(PullTest, OneChannelsErrorEndsAll) {
  const std::string bytes = RandomBytes(600'000, 12);
  Publish("1.0.0", bytes);
  library_.change_chunk = [n = 0](v1::Chunk& chunk) mutable {
    if (++n == 40) chunk.mutable_data()->pop_back();
  };
  auto pulled = Pull("1.0.0", {.channels = 3, .channel_bytes = 100'000});
  EXPECT_EQ(Reason(pulled.status()), "CHUNK_DIGEST_MISMATCH");
  EXPECT_FALSE(fs::exists(dir_ / "out/app"));
  library_.change_chunk = nullptr;
  library_.reads.clear();
  pulled = Pull("1.0.0", {});  // What was right is kept.
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_TRUE(dir_.Read("out/app") == bytes);
  EXPECT_LT(pulled->fetched_bytes, bytes.size());
  EXPECT_GT(ChunksAskedFor(), 0u);
}

TEST_F(PullTest, AChangedChunkIsFoundAndTheOthersAreKept) {
  const std::string bytes = RandomBytes(300'000, 13);
  Publish("1.0.0", bytes);
  library_.change_chunk = [n = 0](v1::Chunk& chunk) mutable {
    if (++n == 20) (*chunk.mutable_data())[5] ^= 1;  // The right size: only the digest tells.
  };
  auto pulled = Pull("1.0.0", {});
  EXPECT_EQ(Reason(pulled.status()), "CHUNK_DIGEST_MISMATCH");
  EXPECT_THAT(Message(pulled.status()), ::testing::HasSubstr("chunk 19 "));
  EXPECT_FALSE(fs::exists(dir_ / "out/app"));
  library_.change_chunk = nullptr;
  library_.reads.clear();
  pulled = Pull("1.0.0", {});
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_EQ(ChunksAskedFor(), 1u);
  EXPECT_TRUE(dir_.Read("out/app") == bytes);
}

TEST_F(PullTest, ChannelsHaveBounds) {
  Publish("1.0.0", "x");
  for (int channels : {0, -1, kMaxDownloadChannels + 1}) {
    absl::Status status = Pull("1.0.0", {.channels = channels}).status();
    EXPECT_EQ(Reason(status), "DOWNLOAD_OPTIONS_INVALID") << channels;
  }
}

}  // namespace
}  // namespace dml
