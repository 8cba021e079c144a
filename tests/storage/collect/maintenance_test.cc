#include "storage/collect/maintenance.h"

#include <thread>

#include "tests/storage/collect/collect_world.h"

namespace dml {
namespace {

using testing::CollectWorld;
using testing::Piece;

class MaintenanceTest : public ::testing::Test {
 protected:
  MaintenanceTest() {
    for (const char* version : {"1.0", "2.0", "3.0"}) {
      EXPECT_TRUE(world_.Publish("acme/api", version, {{Piece(version), Piece("shared")}}).ok());
    }
    world_.Retain("acme", {RetentionKeep::kMatching, 1});
    world_.Pass(CollectWorld::kLease);
    Start();
  }

  void Start(MaintenanceOptions options = {}) {
    std::vector<std::unique_ptr<const RootSource>> sources;
    sources.push_back(std::make_unique<RetentionRoots>());
    auto started = Maintenance::Start(world_.library(), std::move(sources), std::move(options));
    ASSERT_TRUE(started.ok()) << started.status();
    maintenance_ = *std::move(started);
  }
  // Waits for the work that get() tells of.
  template <typename Get>
  auto Finish(Get get) {
    auto state = get();
    while (state.job.waiting || state.job.running) {
      std::this_thread::yield();
      state = get();
    }
    EXPECT_TRUE(state.job.error.ok()) << state.job.error;
    return state;
  }
  CollectionPlan MakePlan() {
    maintenance_->MakePlan();
    return Finish([&] { return maintenance_->plan(0, SIZE_MAX); }).plan;
  }
  StorageFigures Measure() {
    maintenance_->Measure();
    return Finish([&] { return maintenance_->measurement(); }).figures;
  }
  CollectionRecord Collect() {
    maintenance_->Collect("ann");
    return Finish([&] { return maintenance_->collection(); }).record;
  }

  CollectWorld world_;
  std::unique_ptr<Maintenance> maintenance_;
};

TEST_F(MaintenanceTest, APlanSaysWhatGoesAndWhyAndTheFiguresAgree) {
  const StorageFigures before = Measure();
  EXPECT_EQ(before.time, world_.Now());
  EXPECT_EQ(before.live_variants, 3u);
  EXPECT_EQ(before.logical_bytes, 3600u);
  EXPECT_EQ(before.chunks, 4u);
  EXPECT_EQ(before.stored_bytes(), 2400u);
  EXPECT_EQ(before.reclaimable_bytes(), 0u) << "nothing was let go yet";

  const CollectionPlan plan = MakePlan();
  EXPECT_EQ(plan.variants, 2u);
  EXPECT_EQ(plan.variant_bytes, 2400u);
  ASSERT_EQ(plan.items.size(), 2u);
  EXPECT_EQ(plan.items[0].name, world_.NameOf("acme/api", "1.0"));
  EXPECT_EQ(plan.items[1].name, world_.NameOf("acme/api", "2.0"));
  EXPECT_EQ(plan.items[0].reason, "not among the 1 highest live versions");
  EXPECT_EQ(plan.figures.live_variants, 1u);
  EXPECT_EQ(plan.figures.stored_bytes(), before.stored_bytes());
  EXPECT_EQ(plan.figures.reclaimable_bytes(), 1200u);
  EXPECT_FALSE(world_.IsCollected("acme/api", "1.0")) << "a plan changes nothing";

  const CollectionRecord record = Collect();
  EXPECT_EQ(record.author, "ann");
  EXPECT_EQ(record.variants, plan.variants);
  EXPECT_EQ(record.chunk_bytes, plan.figures.reclaimable_bytes());
  const StorageFigures after = Measure();
  EXPECT_EQ(after.stored_bytes(), before.stored_bytes() - record.chunk_bytes);
  EXPECT_EQ(after.logical_bytes, 1200u);
  EXPECT_EQ(after.reclaimable_bytes(), 0u);
  EXPECT_EQ(MakePlan().variants, 0u);
  world_.ExpectNothingElse();
}

TEST_F(MaintenanceTest, FiguresAreTheSameInVeryLittleMemory) {
  const StorageFigures whole = Measure();
  Start({.mark_bytes = 0});
  EXPECT_EQ(Measure(), whole);
}

TEST_F(MaintenanceTest, UploadsThatNothingNamesAndDeadFramesAreReclaimable) {
  ASSERT_TRUE(world_.Upload("acme", {Piece("new", 1000)}).ok());
  EXPECT_EQ(Measure().unreferenced_bytes, 1000u);
  ASSERT_TRUE(
      world_.Publish("acme/lib", "1.0", {{Piece("p", 900), Piece("q", 900), Piece("r", 900)}})
          .ok());
  EXPECT_EQ(Measure().dead_bytes, 0u);
  ASSERT_TRUE(world_.chunks().MarkDamaged(Sha256(Piece("p", 900))).ok());
  ASSERT_TRUE(world_.Upload("acme", {Piece("p", 900)}).ok());
  EXPECT_EQ(Measure().dead_bytes, 900u) << "the damaged frame in the pack";
}

TEST_F(MaintenanceTest, APlanIsReadInParts) {
  MakePlan();
  const Maintenance::Plan first = maintenance_->plan(0, 1);
  EXPECT_EQ(first.items, 2u);
  ASSERT_EQ(first.plan.items.size(), 1u);
  ASSERT_EQ(maintenance_->plan(1, 5).plan.items.size(), 1u);
  EXPECT_EQ(maintenance_->plan(1, 5).plan.items[0].name, world_.NameOf("acme/api", "2.0"));
  EXPECT_TRUE(maintenance_->plan(2, 5).plan.items.empty());
  EXPECT_TRUE(maintenance_->plan(7, 3).plan.items.empty());

  Start({.max_plan_items = 1});
  const CollectionPlan bounded = MakePlan();
  EXPECT_EQ(bounded.items.size(), 1u);
  EXPECT_EQ(bounded.variants, 2u) << "all are counted";
}

TEST_F(MaintenanceTest, TheLastCollectionIsKnownAfterARestart) {
  const CollectionRecord record = Collect();
  maintenance_.reset();
  Start();
  EXPECT_EQ(maintenance_->collection().record, record);
  EXPECT_FALSE(maintenance_->collection().job.running);
}

TEST_F(MaintenanceTest, AScrubGoesOnWithTheNextStartAndGivesWay) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(world_.Upload("acme", {Piece(std::to_string(i), 1900)}).ok());
  }
  Start({.scrub_step_chunks = 1});
  // Some seconds at this rate; the next start has none of its own and takes the default.
  ASSERT_TRUE(maintenance_->RunScrub(kMinScrubRate).ok());
  EXPECT_EQ(Measure().chunks, 44u) << "does not wait for the scrub";
  EXPECT_EQ(Collect().variants, 2u);
  maintenance_.reset();
  Start();
  const Maintenance::Scrubbing scrubbing = Finish([&] { return maintenance_->scrubbing(); });
  EXPECT_FALSE(scrubbing.record.running);
  EXPECT_GE(scrubbing.record.chunks, 40u);
  EXPECT_EQ(scrubbing.record.damaged_count, 0u);
}

TEST_F(MaintenanceTest, AScrubIsBusyFromItsCallToItsEnd) {
  for (int i = 0; i < 20; ++i) {
    const uint64_t chunks = maintenance_->scrubbing().record.chunks;
    EXPECT_EQ(chunks, i == 0 ? 0u : 4u);
    ASSERT_TRUE(maintenance_->RunScrub(0).ok());
    const Maintenance::Scrubbing done = Finish([&] { return maintenance_->scrubbing(); });
    ASSERT_EQ(done.record.chunks, 4u);
    ASSERT_NE(done.record.finish_time, Timestamp());
  }
}

TEST_F(MaintenanceTest, ARateThatIsTooLowIsRefused) {
  EXPECT_EQ(Reason(maintenance_->RunScrub(kMinScrubRate - 1)), "RATE_INVALID");
  EXPECT_FALSE(maintenance_->scrubbing().job.waiting);
}

TEST_F(MaintenanceTest, AnErrorIsTold) {
  auto batch = world_.engine().NewBatch();
  batch->Put(Table::kMeta, "collect.pass", "damaged");
  ASSERT_TRUE(world_.engine().Commit(std::move(batch), Durability::kSynced).ok());
  maintenance_->Collect("ann");
  Maintenance::Collection collection = maintenance_->collection();
  while (collection.job.waiting || collection.job.running) {
    std::this_thread::yield();
    collection = maintenance_->collection();
  }
  EXPECT_EQ(Reason(collection.job.error), "RECORD_INVALID");
}

}  // namespace
}  // namespace dml
