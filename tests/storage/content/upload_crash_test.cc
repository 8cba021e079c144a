// Uploads that are broken off at any step: what was acknowledged is there, nothing half done is.
#include <map>
#include <memory>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "storage/content/content_keys.h"
#include "storage/content/content_store.h"
#include "storage/content/upload.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/dying_engine.h"

namespace dml {
namespace {

namespace keys = content_keys;
using testing::DyingEngine;

ContentOptions SmallPacks() {
  ContentOptions options;
  options.loose_bytes = 2000;
  options.pack_bytes = 8000;
  options.pack_chunks = 6;
  return options;
}

struct Content {
  std::string bytes;
  std::vector<EncodedChunk> chunks;
  BlobRef blob() const { return {Sha256(bytes), bytes.size()}; }
};

// Pieces out of a small pool, so that blobs share chunks.
Content MakeContent(std::mt19937& random, int pieces) {
  Content out;
  for (int i = 0; i < pieces; ++i) {
    std::mt19937 piece(random() % 40);
    std::string raw(200 + piece() % 1800, '\0');
    for (char& c : raw) c = static_cast<char>(piece());
    out.bytes += raw;
    out.chunks.push_back(EncodeChunk(AsBytes(raw)));
  }
  return out;
}

std::string ReadBack(ContentStore& store, const Digest& blob) {
  std::string out;
  ChunkList list = ChunkList::Open(store, blob).value();
  for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
    out += store.chunks().LoadVerified(list.At(i).value()).value();
  }
  return out;
}

std::vector<std::string> KeysOf(Engine& engine, Table table, const KeyRange& range) {
  std::vector<std::string> out;
  auto cursor = engine.NewCursor(table, range);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) out.emplace_back(cursor->key());
  return out;
}

// No pack without its record or the other way round, no intent, and every chunk can be read.
void ExpectSound(Engine& engine, ContentStore& store) {
  auto rows = [&](keys::IndexRow kind) {
    return KeysOf(engine, Table::kChunkIndex, PrefixRange(keys::Start(kind).Build()));
  };
  EXPECT_TRUE(rows(keys::IndexRow::kPackIntent).empty());
  std::set<std::string> packs;
  for (const std::string& key : KeysOf(engine, Table::kPacks, {})) packs.insert(key.substr(0, 8));
  std::set<std::string> recorded;
  for (const std::string& key : rows(keys::IndexRow::kPack)) recorded.insert(key.substr(1));
  EXPECT_EQ(packs, recorded);
  for (const std::string& key : rows(keys::IndexRow::kChunk)) {
    KeyReader reader(key);
    ASSERT_TRUE(reader.U8().ok());
    const Digest chunk = Digest::FromBytes(reader.String().value()).value();
    EXPECT_EQ(Sha256(store.chunks().LoadRaw(chunk).value()), chunk);
  }
  for (const std::string& key : rows(keys::IndexRow::kVisibleChunk)) {
    KeyReader reader(key);
    ASSERT_TRUE(reader.U8().ok());
    ASSERT_TRUE(reader.String().ok());
    const Digest chunk = Digest::FromBytes(reader.String().value()).value();
    EXPECT_TRUE(store.chunks().Load(chunk).ok());
  }
}

absl::Status UploadAll(ContentStore& store, const Content& content) {
  Upload upload(store.chunks(), "acme");
  for (const EncodedChunk& chunk : content.chunks) DML_RETURN_IF_ERROR(upload.Add(chunk));
  DML_RETURN_IF_ERROR(upload.EndBlob(content.blob()));
  return upload.Commit();
}

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
