// What repacking makes of consecutive versions, and the index made anew from packs.
#include "client/connection.h"
#include "dml/v1/content.grpc.pb.h"
#include "tests/integration/support/command_library.h"
#include "tests/integration/support/cutting_proxy.h"

namespace dml {
namespace {

using testing::CommandLibrary;

class RepackTest : public CommandLibrary {
 protected:
  RepackTest() : CommandLibrary("maintenance: {repackIntervalSeconds: 0}\n") {}

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin());
    Publish("1.0.0", one_);
    Publish("2.0.0", two_);
  }
  void ExpectBoth() {
    ExpectThere("1.0.0", one_);
    ExpectThere("2.0.0", two_);
  }

  const std::string one_ = testing::Noise("one", 6 << 20);  // More than stays in rows of its own.
  const std::string two_ = testing::NextBuild(one_);
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
  ExpectBoth();
  EXPECT_EQ(Do({"status"})["chunksDecoded"], 0) << "deltas pass through, too";

  const Json upgrade = Do({"package", "get", "acme/tool@2.0.0", "--out", Path("upgraded"),
                           "--local", Path("got-1.0.0")});
  EXPECT_LT(upgrade["fetchedBytes"], 500'000);
  EXPECT_TRUE(testing::ReadBytes(Path("upgraded/tool")) == two_);
  EXPECT_EQ(Do({"admin", "repack", "--wait"})["deltas"], 0) << "what was tried is remembered";
}

TEST_F(RepackTest, SmallPacksOfDeltasAreMerged) {
  std::vector<std::string> contents;
  for (int i = 0; i < 9; ++i) {
    contents.push_back(testing::NextBuild(two_, 9'000 + 100 * i));
    Publish(fmt::format("3.{}.0", i), contents.back());
    Do({"admin", "repack", "--wait"});
  }
  Do({"admin", "repack", "--wait"});
  const Json storage = Storage();
  EXPECT_GT(storage["deltaChunks"], 200);
  EXPECT_LE(storage["packs"], 8) << "one of a whole version, and fewer than there are of deltas";
  for (int i = 0; i < 9; i += 4) ExpectThere(fmt::format("3.{}.0", i), contents[i]);
  ExpectBoth();
}

// attack 23: a delta tells something of its base.
TEST_F(RepackTest, ABaseIsSentOnlyToWhoMaySeeIt) {
  AddNamespace("other", "bob");
  Publish("2.0.0", two_, "other/tool", "bob");
  EXPECT_GT(Do({"admin", "repack", "--wait"})["deltas"], 20);
  Do({"package", "get", "acme/tool@2.0.0", "--out", Path("acme")});
  EXPECT_EQ(Do({"status"})["chunksDecoded"], 0);

  Client client = library_.NewClient();
  v1::ReadChunksRequest request;
  request.set_name(testing::NameOfVersion("other/tool", "2.0.0").ResourceName());
  request.set_digest(Sha256(two_).ToString());
  request.set_accept_delta(true);
  request.add_ranges()->set_count(20);
  grpc::ClientContext context;
  auto stream =
      v1::ContentService::Stub(client.connection().channel()).ReadChunks(&context, request);
  v1::ReadChunksResponse response;
  std::string whole;
  while (stream->Read(&response)) {
    for (const v1::Chunk& chunk : response.chunks()) {
      EXPECT_FALSE(chunk.has_base());
      whole += chunk.data();
    }
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(two_.starts_with(whole)) << "raw bytes, as nothing else may be known";
  EXPECT_GE(Do({"status"})["chunksDecoded"], 10);
  Do({"package", "get", "other/tool@2.0.0", "--out", Path("other")});
  EXPECT_TRUE(testing::ReadBytes(Path("other/tool")) == two_);
}

// A short question never has an answer without end.
TEST_F(RepackTest, NoChunkIsSentMoreOftenThanTheBlobHasIt) {
  Client client = library_.NewClient();
  v1::ReadChunksRequest request;
  request.set_name(testing::NameOfVersion("acme/tool", "1.0.0").ResourceName());
  request.set_digest(Sha256(one_).ToString());
  for (int i = 0; i < 4000; ++i) request.add_ranges()->set_count(1);
  grpc::ClientContext context;
  auto stream =
      v1::ContentService::Stub(client.connection().channel()).ReadChunks(&context, request);
  v1::ReadChunksResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const absl::Status status = client.connection().Received(stream->Finish());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Reason(status), "TOO_MANY_CHUNKS");
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
  ExpectBoth();
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
}

// The slowest rate that may be set, so that there is time to end the daemon in the middle.
class SlowRepackTest : public CommandLibrary {
 protected:
  SlowRepackTest()
      : CommandLibrary("maintenance: {repackIntervalSeconds: 0, repackBytesPerSecond: 1048576}\n") {
  }
};

TEST_F(SlowRepackTest, WhoWaitsIsToldThatTheDaemonWasStartedAgain) {
  // A minute's work at the lowest speed: a busy machine kills the daemon in time, too.
  const std::string one = testing::Noise("one", 64 << 20);
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", one);
  Publish("2.0.0", testing::NextBuild(one));
  testing::CuttingProxy proxy([this] { return testing::PortOf(library_.AdminOptions().target); },
                              [] { return uint64_t{0}; }, [] {});
  UseOwnProfile(proxy.address());
  std::thread waiting([this] {
    const Json error = Do({"admin", "repack", "--wait"}, 1);
    EXPECT_EQ(error["error"]["reason"], "WORK_INTERRUPTED") << error;
  });
  while (!library_.NewClient().GetRepack()->job.running) {
  }
  library_.Kill();
  ASSERT_TRUE(library_.Start());
  waiting.join();
  // What it did is kept, and called again it does the rest.
  ExpectThere("1.0.0", one);
  ExpectThere("2.0.0", testing::NextBuild(one));
}

TEST_F(RepackTest, ThereIsNoIndexToMakeWithoutALibrary) {
  testing::ChildDaemon rebuild({"rebuild-index", "--data-dir", Path("nothing")},
                               folder_.path() / "home");
  EXPECT_NE(rebuild.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("nothing")));
}

}  // namespace
}  // namespace dml
