// Repacking, folding and deltas that are broken off at any step, and that others cross.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "storage/content/delta_maker.h"
#include "storage/content/repacker.h"
#include "storage/engine/memory_engine.h"
#include "storage/library/delta_plan.h"
#include "tests/support/content_model.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

using testing::Content;
using testing::DyingEngine;
using testing::ExpectSound;
using testing::MakeRelease;
using testing::ReadBack;
using testing::SmallPacks;
using testing::UploadAll;

// Lets a test act where a move has made its files but not turned its rows, or has turned them but
// not dropped its files: no lock is held there.
class CrossedEngine : public testing::ForwardingEngine {
 public:
  explicit CrossedEngine(std::shared_ptr<Engine> inner) : ForwardingEngine(std::move(inner)) {}

  absl::Status Ingest(std::unique_ptr<RowFile> file) override {
    DML_RETURN_IF_ERROR(ForwardingEngine::Ingest(std::move(file)));
    Cross();
    return absl::OkStatus();
  }
  absl::Status DropFiles(const KeyRange& range) override {
    Cross();
    return ForwardingEngine::DropFiles(range);
  }
  std::function<void()> cross;

 private:
  void Cross() {
    if (crossing_ || !cross) return;
    crossing_ = true;
    cross();
    crossing_ = false;
  }
  bool crossing_ = false;
};

absl::Status MakeDeltas(ContentStore& store, const Content& before, const Content& after) {
  DML_ASSIGN_OR_RETURN(DeltaPlan plan,
                       PlanBlobDeltas(store, "acme", before.blob().digest, after.blob().digest));
  return DeltaMaker(store.chunks()).Make(plan, 0, UINT64_MAX).status();
}

absl::Status RepackAll(ContentStore& store) {
  return Repacker(store.chunks()).Repack(testing::Packs(store.chunks().engine())).status();
}

absl::Status FoldAll(ContentStore& store) {
  return Repacker(store.chunks(), {std::chrono::seconds(0)}).Fold(UINT64_MAX).status();
}

TEST(RepackerCrashTest, AtEveryStep) {
  const Content first = MakeRelease(1, 12);
  const Content second = MakeRelease(2, 12);
  const Content small = MakeRelease(3, 1);
  int steps = 0;
  for (bool last_is_done : {false, true}) {
    for (int changes = 1;; ++changes, ++steps) {
      SCOPED_TRACE(fmt::format("{} changes, the last {}", changes, last_is_done));
      std::shared_ptr<Engine> disk = NewMemoryEngine();
      {
        ContentStore store(*disk, SmallPacks());
        ASSERT_TRUE(store.Recover().ok());
        for (const Content* content : {&first, &second, &small}) {
          ASSERT_TRUE(UploadAll(store, *content).ok());
        }
      }
      DyingEngine engine(disk, changes, last_is_done);
      const auto work = [&](ContentStore& store) -> absl::Status {
        DML_RETURN_IF_ERROR(FoldAll(store));
        DML_RETURN_IF_ERROR(MakeDeltas(store, first, second));
        return RepackAll(store);
      };
      {
        ContentStore store(engine, SmallPacks());
        if (store.Recover().ok()) work(store).IgnoreError();
      }
      for (int again = 0; again < 2; ++again) {
        ContentStore store(*disk, SmallPacks());
        ASSERT_TRUE(store.Recover().ok());
        ExpectSound(*disk, store);
        for (const Content* content : {&first, &second, &small}) {
          EXPECT_EQ(ReadBack(store, content->blob().digest), content->bytes);
        }
        ASSERT_TRUE(work(store).ok()) << "and goes on from there";
      }
      if (!engine.dead()) break;
    }
  }
  EXPECT_GT(steps, 60) << "several packs were made and dropped";
}

// Lives of a store: uploads, moves and deltas, some of them in the midst of others, and a death.
class Lives {
 public:
  explicit Lives(unsigned seed) : random_(seed) {}

  void Run() {
    for (int life = 0; life < 3; ++life) {
      DyingEngine dying(disk_, 10 + static_cast<int>(random_() % 150), random_() % 2 == 0);
      auto alias = std::shared_ptr<Engine>(&dying, [](Engine*) {});
      CrossedEngine engine(alias);
      {
        ContentStore store(engine, SmallPacks());
        if (store.Recover().ok()) {
          engine.cross = [&] { Act(store); };
          for (int act = 0; act < 25 && !dying.dead(); ++act) Act(store);
          engine.cross = nullptr;
        }
      }
      ContentStore store(*disk_, SmallPacks());
      ASSERT_TRUE(store.Recover().ok());
      ExpectSound(*disk_, store);
      ReadAll(store);
    }
    ContentStore store(*disk_, SmallPacks());
    ASSERT_TRUE(store.Recover().ok());
    ASSERT_TRUE(RepackAll(store).ok());
    ExpectSound(*disk_, store);
    ReadAll(store);
    uint64_t live = 0;
    for (const auto& [chunk, record] : testing::ChunkRows(*disk_)) {
      if (record.pack != 0) live += record.stored_size;
    }
    EXPECT_EQ(testing::PackedBytes(*disk_), live) << "dead weight is gone";
  }

 private:
  void Act(ContentStore& store) {
    switch (random_() % 6) {
      case 0:
      case 1: {
        const Content content = random_() % 2 == 0 ? testing::MakeContent(random_, Pieces())
                                                   : MakeRelease(random_() % 5, Pieces());
        if (UploadAll(store, content).ok()) acknowledged_[content.blob().digest] = content;
        break;
      }
      case 2:
        RepackAll(store).IgnoreError();
        break;
      case 3:
        FoldAll(store).IgnoreError();
        break;
      case 4:
        if (acknowledged_.size() > 1) MakeDeltas(store, Any(), Any()).IgnoreError();
        break;
      case 5:
        ReadAll(store);
        break;
    }
  }
  int Pieces() { return 1 + static_cast<int>(random_() % 14); }
  const Content& Any() {
    return std::next(acknowledged_.begin(), random_() % acknowledged_.size())->second;
  }
  void ReadAll(ContentStore& store) {
    for (const auto& [digest, content] : acknowledged_) {
      EXPECT_TRUE(store.HasBlob("acme", content.blob()).value());
      EXPECT_EQ(ReadBack(store, digest), content.bytes);
    }
  }

  std::mt19937 random_;
  std::shared_ptr<Engine> disk_ = NewMemoryEngine();
  std::map<Digest, Content> acknowledged_;
};

TEST(RepackerCrashTest, RandomSchedulesLoseNothingThatWasAcknowledged) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Lives(seed).Run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace dml
