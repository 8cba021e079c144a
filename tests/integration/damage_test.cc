// Bits that a disk flips: in a pack, and in the chunk index.
#include "tests/integration/support/command_library.h"
#include "tests/integration/support/stored_chunks.h"

namespace dml {
namespace {

using testing::Noise;

class DamageTest : public testing::CommandLibrary {
 protected:
  DamageTest() : CommandLibrary("content: {looseBytes: 65536}\n") {}

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin());
    Publish("1.0.0", packed_);
    Publish("2.0.0", Noise("loose", 5'000));
    EXPECT_EQ(Storage()["packs"], 1);
    ASSERT_EQ(library_.Stop(), 0);
    ASSERT_TRUE(library_.Start());  // What was in the database's log goes into tables.
    ASSERT_EQ(library_.Stop(), 0);
  }
  void Damage(Table table) {
    const absl::Status damaged = testing::DamageAFile(library_.data_dir(), table);
    ASSERT_TRUE(damaged.ok()) << damaged;
  }

  const std::string packed_ = Noise("packed", 12 << 20);
};

TEST_F(DamageTest, InAPackItIsFoundToldAndRepairedByPublishingAgain) {
  Damage(Table::kPacks);
  ASSERT_TRUE(library_.Start());
  ExpectThere("2.0.0", Noise("loose", 5'000));
  EXPECT_EQ(Get("1.0.0", 1)["error"]["reason"], "CHUNK_CORRUPT");
  const Json scrub = Do({"admin", "scrub", "--rate", "1GiB", "--wait"}, 3);
  EXPECT_GE(scrub["damagedCount"], 1);
  EXPECT_LE(scrub["damagedCount"], 2) << "the rest of the pack is sound";

  Client client = library_.NewClient();
  testing::WriteBytes(Path("again"), packed_);
  TransferProgress last;
  ASSERT_TRUE(UploadFile(client, "acme", Path("again"), [&](const auto& p) { last = p; }).ok());
  EXPECT_LT(last.bytes_sent, packed_.size() / 2) << "only what was damaged";
  ExpectThere("1.0.0", packed_);
  EXPECT_EQ(Do({"admin", "scrub", "--wait"})["damagedCount"], 0);
  Do({"admin", "repack", "--wait"});
  ExpectThere("1.0.0", packed_);
}

TEST_F(DamageTest, InTheIndexNothingWrongIsServedAndItIsMadeAnew) {
  Damage(Table::kChunkIndex);
  if (library_.Start()) {
    const Json refused = Get("1.0.0", 1);
    EXPECT_EQ(refused["error"]["reason"], "STORAGE_CORRUPT");
    EXPECT_NE(refused.dump().find("dmld rebuild-index"), std::string::npos) << refused.dump();
    library_.Kill();
  }
  testing::ChildDaemon rebuild({"rebuild-index", "--data-dir", library_.data_dir().string()},
                               folder_.path() / "home");
  EXPECT_TRUE(rebuild.ReadLine().starts_with("index made anew: "));
  EXPECT_EQ(rebuild.Wait(), 0) << library_.Log();
  ASSERT_TRUE(library_.Start());
  ExpectThere("1.0.0", packed_);
  ExpectThere("2.0.0", Noise("loose", 5'000));
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

}  // namespace
}  // namespace dml
