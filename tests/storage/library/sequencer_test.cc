#include "storage/library/sequencer.h"

#include <thread>

#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;
using testing::TestLibrary;

// A memory engine whose commits can be held up, counted and made to fail.
class ControlledEngine : public testing::ForwardingEngine {
 public:
  struct Control {
    absl::Mutex mutex;
    bool hold ABSL_GUARDED_BY(mutex) = false;
    int waiting ABSL_GUARDED_BY(mutex) = 0;
    int commits ABSL_GUARDED_BY(mutex) = 0;
    int failures_left ABSL_GUARDED_BY(mutex) = 0;

    void Hold(bool value) {
      absl::MutexLock lock(&mutex);
      hold = value;
    }
    void AwaitACommitHeldUp() {
      absl::MutexLock lock(&mutex);
      auto held = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return waiting > 0; };
      mutex.Await(absl::Condition(&held));
    }
    void FailNext(int count) {
      absl::MutexLock lock(&mutex);
      failures_left = count;
    }
    int Commits() {
      absl::MutexLock lock(&mutex);
      return commits;
    }
  };

  explicit ControlledEngine(std::shared_ptr<Control> control)
      : ForwardingEngine(NewMemoryEngine()), control_(std::move(control)) {}

  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override {
    {
      absl::MutexLock lock(&control_->mutex);
      Control& c = *control_;
      ++c.waiting;
      auto free = [&c]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mutex) { return !c.hold; };
      c.mutex.Await(absl::Condition(&free));
      --c.waiting;
      ++c.commits;
      if (c.failures_left > 0) {
        --c.failures_left;
        return Unavailable(ErrorReason("STORAGE_IO"), "injected");
      }
    }
    return ForwardingEngine::Commit(std::move(batch), durability);
  }

 private:
  std::shared_ptr<Control> control_;
};

TEST(SequencerTest, CommandsThatWaitTogetherShareOneCommit) {
  auto control = std::make_shared<ControlledEngine::Control>();
  TestLibrary library(std::make_unique<ControlledEngine>(control));
  control->Hold(true);
  std::vector<std::jthread> threads;
  auto submit = [&](int i) {
    threads.emplace_back([&library, i] {
      EXPECT_TRUE(library.Commit(NamespaceCreated{"ns" + std::to_string(i), "", {}}).ok());
    });
  };
  submit(0);
  control->AwaitACommitHeldUp();
  const int before = control->Commits();
  for (int i = 1; i <= 30; ++i) submit(i);
  while (library->queue_depth() < 30) std::this_thread::yield();
  control->Hold(false);
  threads.clear();
  EXPECT_EQ(control->Commits() - before, 2) << "one for the first, one for the other thirty";
  EXPECT_EQ(JournalView(*library->Read()).Size().value(), 3u + 31u);
}

TEST(SequencerTest, FailedWriteAcknowledgesNothingAndTheNextOneReadsTheStateBack) {
  auto control = std::make_shared<ControlledEngine::Control>();
  TestLibrary library(std::make_unique<ControlledEngine>(control));
  const uint64_t signed_before = library->checkpoint()->checkpoint.size;
  control->FailNext(1);
  EXPECT_EQ(Reason(library.Commit(NamespaceCreated{"lost", "", {}}, {}, "id-1").status()),
            "STORAGE_IO");
  EXPECT_EQ(library->checkpoint()->checkpoint.size, signed_before) << "nothing was signed";
  // The retry tells the outcome: it had not happened, so it happens now.
  Receipt receipt = library.Commit(NamespaceCreated{"lost", "", {}}, {}, "id-1").value();
  EXPECT_FALSE(receipt.replayed);
  EXPECT_EQ(receipt.index, signed_before);
  EXPECT_TRUE(library->VerifyViews().value().differing_keys.empty());
}

TEST(SequencerTest, WhileReadingBackFailsNothingIsDecided) {
  auto control = std::make_shared<ControlledEngine::Control>();
  TestLibrary library(std::make_unique<ControlledEngine>(control));
  control->FailNext(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Reason(library.Commit(NamespaceCreated{"x", "", {}}).status()), "STORAGE_IO");
  }
  EXPECT_TRUE(library.Commit(NamespaceCreated{"x", "", {}}).ok());
}

TEST(SequencerTest, AFullQueueRefusesWithATimeToTryAgain) {
  auto control = std::make_shared<ControlledEngine::Control>();
  SequencerOptions options;
  options.max_queue = 2;
  TestLibrary library(std::make_unique<ControlledEngine>(control), options);
  control->Hold(true);
  std::vector<std::jthread> threads;
  auto submit = [&](std::string name) {
    threads.emplace_back(
        [&library, name] { EXPECT_TRUE(library.Commit(NamespaceCreated{name, "", {}}).ok()); });
  };
  submit("first");
  control->AwaitACommitHeldUp();
  submit("second");
  submit("third");
  while (library->queue_depth() < 2) std::this_thread::yield();
  absl::Status refused = library.Commit(NamespaceCreated{"fourth", "", {}}).status();
  EXPECT_EQ(Reason(refused), "QUEUE_FULL");
  EXPECT_TRUE(RetryAfter(refused).has_value());
  control->Hold(false);
}

TEST(SequencerTest, EntryTimeNeverGoesBack) {
  auto now = std::make_shared<int64_t>(1767225600000000);
  LibraryOptions options;
  options.origin = "dml.test/library";
  options.clock = [now] { return FromMicros(*now); };
  auto library = Library::Open(NewMemoryEngine(), testing::LogKey(), options).value();
  Timestamp first =
      library->Commit({"pat", "", NamespaceCreated{"one", "", {}}, {}, {}}).value().time;
  *now -= 3600000000;
  EXPECT_EQ(library->Commit({"pat", "", NamespaceCreated{"two", "", {}}, {}, {}}).value().time,
            first);
}

TEST(SequencerTest, EntriesOfOneGroupSeeEachOther) {
  auto control = std::make_shared<ControlledEngine::Control>();
  TestLibrary library(std::make_unique<ControlledEngine>(control));
  PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  control->Hold(true);
  std::vector<std::jthread> threads;
  threads.emplace_back([&] { (void)library.Commit(NamespaceCreated{"first", "", {}}); });
  control->AwaitACommitHeldUp();
  std::atomic<int> published = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { published += library.Publish(spec).ok(); });
  }
  while (library->queue_depth() < 8) std::this_thread::yield();
  control->Hold(false);
  threads.clear();
  EXPECT_EQ(published, 1) << "the same version, eight times in one group";
}

class SeenCommits : public CommitObserver {
 public:
  void Committed(const GroupCommit& group) override { groups.push_back(group); }
  std::vector<GroupCommit> groups;  // Of the sequencer's thread; read when it rests.
};

TEST(SequencerTest, TellsOfGroupsThatWereWrittenRefusedAndFailed) {
  auto control = std::make_shared<ControlledEngine::Control>();
  SeenCommits seen;
  SequencerOptions options;
  options.observer = &seen;
  options.retry_interval = std::chrono::hours(1);
  TestLibrary library(std::make_unique<ControlledEngine>(control), options);
  const size_t before = seen.groups.size();
  ASSERT_TRUE(library.Commit(NamespaceCreated{"first", "", {}}).ok());
  ASSERT_FALSE(library.Commit(NamespaceCreated{"first", "", {}}).ok());
  control->FailNext(1);
  ASSERT_FALSE(library.Commit(NamespaceCreated{"second", "", {}}).ok());
  ASSERT_EQ(seen.groups.size(), before + 3);
  const GroupCommit written = seen.groups[before];
  EXPECT_EQ(written.commands, 1u);
  EXPECT_EQ(written.entries, 1u);
  EXPECT_GT(written.sync.count(), 0);
  EXPECT_GT(written.sign.count(), 0);
  EXPECT_FALSE(written.failed);
  EXPECT_EQ(seen.groups[before + 1].entries, 0u) << "refused: nothing was written";
  EXPECT_FALSE(seen.groups[before + 1].failed);
  EXPECT_TRUE(seen.groups[before + 2].failed);
}

TEST(SequencerTest, ALibraryThatIsReadOnlyRefusesEveryChange) {
  LibraryOptions options;
  options.origin = "dml.test/library";
  options.sequencer.read_only = true;
  auto library = Library::Open(NewMemoryEngine(), testing::LogKey(), options).value();
  EXPECT_EQ(Reason(library->CheckWritable()), "LIBRARY_READ_ONLY");
  const absl::Status refused =
      library->Commit({"pat", "", NamespaceCreated{"one", "", {}}, {}, {}}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(refused), "LIBRARY_READ_ONLY");
  EXPECT_EQ(JournalView(*library->Read()).Size().value(), 1u);
}

}  // namespace
}  // namespace dml
