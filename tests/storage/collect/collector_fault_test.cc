// Collections that die, or find the disk full, at any change that they make.
#include <climits>

#include "tests/storage/collect/collect_world.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

using testing::CollectWorld;
using testing::DyingEngine;
using testing::Piece;

constexpr RetentionPolicy kNewestOnly{RetentionKeep::kMatching, 1};

// Three versions, two of which are to go, in rows and packs.
void Fill(CollectWorld& world) {
  for (const char* version : {"1.0", "2.0", "3.0"}) {
    const std::string v(version);
    ASSERT_TRUE(world
                    .Publish("acme/api", version,
                             {{Piece(v), Piece("shared")},
                              {Piece(v + "a", 1200), Piece(v + "b", 1200), Piece(v + "c", 1200)}})
                    .ok());
  }
  world.Retain("acme", kNewestOnly);
  world.Pass(CollectWorld::kLease);
}

// attack 24
TEST(CollectorFaultTest, AtEveryChangeItLeavesWhatIsKeptAndGoesOnAfterwards) {
  int changes = 0;
  for (bool last_is_done : {false, true}) {
    bool whole = false;
    for (changes = 1; !whole; ++changes) {
      SCOPED_TRACE(fmt::format("{} changes, the last {}", changes, last_is_done));
      CollectWorld world;
      Fill(world);
      // The library of the dying process; its leases have run out, as it ran for long.
      auto dying = std::make_shared<DyingEngine>(world.shared_engine(), INT_MAX, last_is_done);
      world.Open(dying);
      world.Pass(CollectWorld::kLease);
      dying->Allow(changes);
      CollectorOptions options;
      options.batch_rows = 2;
      const auto record = world.Collect(options);
      whole = !dying->dead();
      EXPECT_EQ(record.ok(), whole) << record.status();
      world.Reopen();
      EXPECT_TRUE(world.library().VerifyViews()->differing_keys.empty());
      world.ExpectPayloadIsWhole();
      // What is not there any more was said to go before.
      for (const char* version : {"1.0", "2.0"}) {
        if (world.IsCollected("acme/api", version)) continue;
        EXPECT_TRUE(world.ReadBack(testing::BlobOf({Piece(version), Piece("shared")}).digest).ok());
      }
      world.CollectAll(options);
      EXPECT_TRUE(world.IsCollected("acme/api", "1.0"));
      EXPECT_TRUE(world.IsCollected("acme/api", "2.0"));
      world.ExpectPayloadIsWhole();
      world.ExpectNothingElse();
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(changes, 10);
}

// What a power failure may undo, and when packs go.
class DurabilityEngine : public testing::ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;
  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override {
    if (durability == Durability::kSynced) {
      synced_ = true;
    } else if (drops_ == 0) {
      synced_ = false;
    }
    return ForwardingEngine::Commit(std::move(batch), durability);
  }
  absl::Status DropFiles(const KeyRange& range) override {
    ++drops_;
    EXPECT_TRUE(synced_) << "power may fail now, and bring rows back that refer to the pack";
    return ForwardingEngine::DropFiles(range);
  }
  int drops() const { return drops_; }

 private:
  std::atomic<bool> synced_ = false;
  std::atomic<int> drops_ = 0;
};

TEST(CollectorFaultTest, APackGoesOnlyOnceItIsDurableThatNothingRefersToIt) {
  CollectWorld world;
  Fill(world);
  auto engine = std::make_shared<DurabilityEngine>(world.shared_engine());
  world.Open(engine);
  world.CollectAll();
  EXPECT_GT(engine->drops(), 0);
}

}  // namespace
}  // namespace dml
