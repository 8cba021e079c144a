// Uploads that are broken off at any step: what was acknowledged is there, nothing half done is.
#include <map>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "storage/engine/memory_engine.h"
#include "tests/support/content_model.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

using testing::Content;
using testing::DyingEngine;
using testing::ExpectSound;
using testing::MakeContent;
using testing::ReadBack;
using testing::SmallPacks;
using testing::UploadAll;

TEST(UploadCrashTest, AtEveryStepOfPacksAndRows) {
  std::mt19937 random(1);
  const Content first = MakeContent(random, 8);
  const Content second = MakeContent(random, 30);
  int steps = 0;
  for (bool last_is_done : {false, true}) {
    for (int changes = 1;; ++changes, ++steps) {
      SCOPED_TRACE(fmt::format("{} changes, the last {}", changes, last_is_done));
      std::shared_ptr<Engine> disk = NewMemoryEngine();
      {
        ContentStore store(*disk, SmallPacks());
        ASSERT_TRUE(store.Recover().ok());
        ASSERT_TRUE(UploadAll(store, first).ok());
      }
      DyingEngine engine(disk, changes, last_is_done);
      absl::Status status;
      {
        ContentStore store(engine, SmallPacks());
        status = store.Recover();
        if (status.ok()) status = UploadAll(store, second);
      }
      ContentStore again(*disk, SmallPacks());
      ASSERT_TRUE(again.Recover().ok());
      ExpectSound(*disk, again);
      EXPECT_EQ(ReadBack(again, first.blob().digest), first.bytes);
      const bool there = again.HasBlob("acme", second.blob()).value();
      EXPECT_TRUE(there || !status.ok()) << "acknowledged and lost";
      if (!there) {
        ASSERT_TRUE(UploadAll(again, second).ok());
      }
      EXPECT_EQ(ReadBack(again, second.blob().digest), second.bytes);
      ExpectSound(*disk, again);
      if (!engine.dead()) break;
    }
  }
  EXPECT_GT(steps, 10) << "the upload made several packs";
}

// Several uploads at once, in any order of their steps, in two namespaces, and deaths in between.
TEST(UploadCrashTest, RandomSchedulesLoseNothingThatWasAcknowledged) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    std::shared_ptr<Engine> disk = NewMemoryEngine();
    std::map<std::pair<std::string, Digest>, std::string> acknowledged;
    for (int life = 0; life < 4; ++life) {
      DyingEngine engine(disk, 2 + static_cast<int>(random() % 40), random() % 2 == 0);
      ContentStore store(engine, SmallPacks());
      if (!store.Recover().ok()) continue;
      struct Session {
        std::unique_ptr<Upload> upload;
        Content content;
        size_t next = 0;
      };
      std::vector<Session> sessions(3);
      for (int step = 0; step < 400 && !engine.dead(); ++step) {
        Session& session = sessions[random() % sessions.size()];
        if (session.upload == nullptr) {
          const char* ns = random() % 2 == 0 ? "acme" : "other";
          session = {std::make_unique<Upload>(store.chunks(), ns),
                     MakeContent(random, 1 + static_cast<int>(random() % 25)), 0};
        }
        Upload& upload = *session.upload;
        if (session.next < session.content.chunks.size()) {
          const EncodedChunk& chunk = session.content.chunks[session.next++];
          const Digest digests[] = {chunk.raw_digest};
          const bool missing = !store.chunks().FindMissing(upload.ns(), digests).value().empty();
          absl::Status status =
              missing ? upload.Add(chunk) : upload.AddKnown({chunk.raw_digest, chunk.raw_size});
          if (!status.ok()) session.upload.reset();
          continue;
        }
        const BlobRef blob = session.content.blob();
        ASSERT_TRUE(upload.EndBlob(blob).ok());
        if (upload.Commit().ok()) {
          acknowledged[{upload.ns(), blob.digest}] = session.content.bytes;
        }
        session.upload.reset();
      }
    }
    ContentStore store(*disk, SmallPacks());
    ASSERT_TRUE(store.Recover().ok());
    ExpectSound(*disk, store);
    for (const auto& [name, bytes] : acknowledged) {
      EXPECT_TRUE(store.HasBlob(name.first, {name.second, bytes.size()}).value());
      EXPECT_EQ(ReadBack(store, name.second), bytes);
    }
  }
}

}  // namespace
}  // namespace dml
