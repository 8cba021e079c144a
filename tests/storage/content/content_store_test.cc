#include "storage/content/content_store.h"

#include <random>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "storage/engine/memory_engine.h"

namespace dml {
namespace {

std::string RandomBytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::vector<EncodedChunk> Cut(const std::string& bytes) {
  std::vector<EncodedChunk> chunks;
  StreamChunker chunker{ChunkerParams{}};
  auto keep = [&](ByteSpan chunk) {
    chunks.push_back(EncodeChunk(chunk));
    return absl::OkStatus();
  };
  EXPECT_TRUE(chunker.Push(AsBytes(bytes), keep).ok());
  EXPECT_TRUE(chunker.Finish(keep).ok());
  return chunks;
}

std::vector<ChunkRef> Refs(const std::vector<EncodedChunk>& chunks) {
  std::vector<ChunkRef> refs;
  for (const EncodedChunk& chunk : chunks) refs.push_back({chunk.raw_digest, chunk.raw_size});
  return refs;
}

class ContentStoreTest : public ::testing::Test {
 protected:
  std::string ReadBack(const Digest& blob) {
    std::string out;
    std::vector<ChunkRef> chunks = store_.ChunkList(blob, 0, UINT64_MAX).value();
    for (const ChunkRef& ref : chunks) {
      EncodedChunk chunk = store_.ReadChunk(ref.digest).value();
      out += DecodeChunk(chunk.codec, AsBytes(chunk.stored), chunk.raw_size).value();
    }
    return out;
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine();
  ContentStore store_{*engine_};
};

TEST_F(ContentStoreTest, BlobComesBackAndSecondUploadStoresNothing) {
  std::string bytes = RandomBytes(1 << 20, 1);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_GT(chunks.size(), 3u);
  EXPECT_EQ(store_.PutChunks("acme", chunks, Durability::kSynced)->chunks_stored, chunks.size());
  EXPECT_EQ(store_.PutChunks("acme", chunks, Durability::kSynced)->chunks_stored, 0u);
  ASSERT_TRUE(store_.AssembleBlob("acme", blob, Refs(chunks)).ok());
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_TRUE(store_.HasBlob("acme", blob).value());
  EXPECT_FALSE(store_.HasBlob("acme", {blob.digest, blob.size + 1}).value());

  std::vector<ChunkRef> other_list = {{chunks[0].raw_digest, chunks[0].raw_size}};
  EXPECT_TRUE(store_.AssembleBlob("acme", blob, other_list).ok()) << "it is there already";
  EXPECT_EQ(ReadBack(blob.digest), bytes) << "and stays as it was";
  EXPECT_FALSE(store_.AssembleBlob("acme", {blob.digest, blob.size + 1}, other_list).ok());
}

// attack 23: a digest is not a capability, and shows no existence.
TEST_F(ContentStoreTest, AnotherNamespaceSeesNothing) {
  std::string bytes = RandomBytes(1 << 20, 2);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(store_.PutChunks("acme", chunks, Durability::kSynced).ok());
  ASSERT_TRUE(store_.AssembleBlob("acme", blob, Refs(chunks)).ok());
  std::vector<Digest> digests;
  for (const EncodedChunk& chunk : chunks) digests.push_back(chunk.raw_digest);
  EXPECT_EQ(store_.FindMissing("other", digests)->size(), chunks.size());
  EXPECT_TRUE(store_.FindMissing("acme", digests)->empty());
  EXPECT_EQ(Reason(store_.AssembleBlob("other", blob, Refs(chunks))), "CHUNK_NOT_FOUND");
  EXPECT_FALSE(store_.HasBlob("other", blob).value());
}

TEST_F(ContentStoreTest, RefusesWrongWholes) {
  std::string bytes = RandomBytes(1 << 20, 3);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(store_.PutChunks("acme", chunks, Durability::kSynced).ok());
  std::vector<ChunkRef> refs = Refs(chunks);
  std::swap(refs[0], refs[1]);
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", blob, refs)), "BLOB_DIGEST_MISMATCH");
  refs = Refs(chunks);
  refs.pop_back();
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", blob, refs)), "BLOB_SIZE_MISMATCH");
  refs = Refs(chunks);
  refs.push_back(refs[0]);
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", blob, refs)), "BLOB_SIZE_MISMATCH");
  refs = Refs(chunks);
  refs[0].size += 1;
  refs[1].size -= 1;
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", blob, refs)), "BLOB_SIZE_MISMATCH");
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", {blob.digest, kMaxBlobBytes + 1}, refs)),
            "BLOB_TOO_LARGE");
  EXPECT_FALSE(store_.HasBlob("acme", blob).value());
}

TEST_F(ContentStoreTest, AWrongChunkStoresNothingOfItsBatch) {
  std::vector<EncodedChunk> chunks = Cut(RandomBytes(1 << 20, 4));
  chunks.back().raw_digest = Sha256("something else");
  EXPECT_EQ(Reason(store_.PutChunks("acme", chunks, Durability::kSynced).status()),
            "CHUNK_DIGEST_MISMATCH");
  std::vector<Digest> first = {chunks[0].raw_digest};
  EXPECT_EQ(store_.FindMissing("acme", first)->size(), 1u);
}

// attack 23: never other bytes under a digest.
TEST_F(ContentStoreTest, DamagedFrameIsDataLossForThatChunkOnly) {
  std::string bytes = RandomBytes(1 << 20, 5);
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(store_.PutChunks("acme", chunks, Durability::kSynced).ok());
  auto batch = engine_->NewBatch();
  std::string damaged = chunks[0].stored;
  damaged[damaged.size() / 2] ^= 1;
  batch->Put(Table::kChunks, chunks[0].raw_digest.raw(), damaged);
  ASSERT_TRUE(engine_->Commit(std::move(batch), Durability::kSynced).ok());
  EXPECT_EQ(store_.ReadChunk(chunks[0].raw_digest).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(store_.ReadChunk(chunks[1].raw_digest).ok());
  EXPECT_EQ(Reason(store_.AssembleBlob("acme", {Sha256(bytes), bytes.size()}, Refs(chunks))),
            "CHUNK_CORRUPT")
      << "not the fault of the list, which is right";
}

TEST_F(ContentStoreTest, ADamagedZstdFrameIsDataLossToo) {
  std::string bytes(100'000, 'a');
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_EQ(chunks[0].codec, FrameCodec::kZstd);
  ASSERT_TRUE(store_.PutChunks("acme", chunks, Durability::kSynced).ok());
  for (size_t at = 0; at < chunks[0].stored.size(); ++at) {
    std::string damaged = chunks[0].stored;
    damaged[at] ^= 0x55;
    auto batch = engine_->NewBatch();
    batch->Put(Table::kChunks, chunks[0].raw_digest.raw(), damaged);
    ASSERT_TRUE(engine_->Commit(std::move(batch), Durability::kSynced).ok());
    EXPECT_EQ(Reason(store_.ReadChunk(chunks[0].raw_digest).status()), "CHUNK_CORRUPT") << at;
    EXPECT_EQ(Reason(store_.AssembleBlob("acme", {Sha256(bytes), bytes.size()}, Refs(chunks))),
              "CHUNK_CORRUPT")
        << at;
  }
}

TEST_F(ContentStoreTest, ChunkListIsPagedAcrossRows) {
  std::vector<ChunkRef> refs;
  std::vector<EncodedChunk> chunks;
  std::string whole;
  for (int i = 0; i < 2500; ++i) {
    std::string piece = "chunk " + std::to_string(i);
    whole += piece;
    chunks.push_back(EncodeChunk(AsBytes(piece)));
    refs.push_back({chunks.back().raw_digest, chunks.back().raw_size});
  }
  BlobRef blob{Sha256(whole), whole.size()};
  ASSERT_TRUE(store_.PutChunks("acme", chunks, Durability::kBuffered).ok());
  ASSERT_TRUE(store_.AssembleBlob("acme", blob, refs).ok());
  EXPECT_EQ(store_.ChunkList(blob.digest, 0, 10000).value(), refs);
  EXPECT_EQ(store_.ChunkList(blob.digest, 1000, 100).value(),
            std::vector<ChunkRef>(refs.begin() + 1000, refs.begin() + 1100));
  EXPECT_EQ(store_.ChunkList(blob.digest, 2040, 1000)->size(), 460u);
  EXPECT_TRUE(store_.ChunkList(blob.digest, 2500, 1)->empty());
}

TEST_F(ContentStoreTest, PlainWriteResumesWhereItWasCommitted) {
  std::string bytes = RandomBytes(3 << 20, 6);
  BlobRef blob{Sha256(bytes), bytes.size()};
  uint64_t committed = 0;
  {
    BlobWriter writer = BlobWriter::Begin(store_, "acme", blob, 0).value();
    ASSERT_TRUE(writer.Write(AsBytes(bytes).first(2 << 20)).ok());
    committed = writer.Flush().value();
  }
  EXPECT_GT(committed, 1u << 20);
  EXPECT_EQ(store_.GetPartial("acme", blob)->committed, committed);
  EXPECT_EQ(Reason(BlobWriter::Begin(store_, "acme", blob, committed - 1).status()),
            "WRITE_OFFSET_MISMATCH");
  BlobWriter writer = BlobWriter::Begin(store_, "acme", blob, committed).value();
  ASSERT_TRUE(writer.Write(AsBytes(bytes).subspan(committed)).ok());
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_EQ(store_.GetPartial("acme", blob)->committed, 0u);
}

TEST_F(ContentStoreTest, PlainWriteRefusesTooMuchTooLittleAndOther) {
  std::string bytes = RandomBytes(100000, 7);
  BlobRef blob{Sha256(bytes), bytes.size()};
  BlobWriter long_writer = BlobWriter::Begin(store_, "acme", blob, 0).value();
  EXPECT_EQ(Reason(long_writer.Write(AsBytes(bytes + "x"))), "BLOB_SIZE_MISMATCH");
  BlobWriter short_writer = BlobWriter::Begin(store_, "acme", blob, 0).value();
  ASSERT_TRUE(short_writer.Write(AsBytes(bytes).first(10)).ok());
  EXPECT_EQ(Reason(short_writer.Finish()), "BLOB_SIZE_MISMATCH");
  bytes[0] ^= 1;
  BlobWriter other_writer = BlobWriter::Begin(store_, "acme", blob, 0).value();
  ASSERT_TRUE(other_writer.Write(AsBytes(bytes)).ok());
  EXPECT_EQ(Reason(other_writer.Finish()), "BLOB_DIGEST_MISMATCH");
}

}  // namespace
}  // namespace dml
