#include "storage/content/content_store.h"

#include <random>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "storage/content/blob_writer.h"
#include "storage/content/content_keys.h"
#include "storage/content/upload.h"
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
  void SetUp() override { ASSERT_TRUE(store_.Recover().ok()); }

  // All of a blob in one stream of its own.
  absl::Status Put(const std::string& ns, const std::string& bytes,
                   const std::vector<EncodedChunk>& chunks, UploadTotals* totals = nullptr) {
    Upload upload(store_.chunks(), ns);
    for (const EncodedChunk& chunk : chunks) DML_RETURN_IF_ERROR(upload.Add(chunk));
    absl::Status ended = upload.EndBlob({Sha256(bytes), bytes.size()});
    DML_RETURN_IF_ERROR(upload.Commit());
    if (totals != nullptr) *totals = upload.totals();
    return ended;
  }
  // Of chunks that must be there.
  absl::Status Assemble(const std::string& ns, const BlobRef& blob,
                        const std::vector<ChunkRef>& chunks) {
    Upload upload(store_.chunks(), ns);
    for (const ChunkRef& chunk : chunks) DML_RETURN_IF_ERROR(upload.AddKnown(chunk));
    DML_RETURN_IF_ERROR(upload.EndBlob(blob));
    return upload.Commit();
  }
  std::string ReadBack(const Digest& blob) {
    std::string out;
    ChunkList list = ChunkList::Open(store_, blob).value();
    for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
      out += store_.chunks().LoadVerified(list.At(i).value()).value();
    }
    return out;
  }
  size_t Missing(const std::string& ns, const std::vector<EncodedChunk>& chunks) {
    std::vector<Digest> digests;
    for (const EncodedChunk& chunk : chunks) digests.push_back(chunk.raw_digest);
    return store_.chunks().FindMissing(ns, digests)->size();
  }
  void Damage(const EncodedChunk& chunk, size_t at) {
    std::string damaged = chunk.stored;
    damaged[at] ^= 0x55;
    auto batch = engine_->NewBatch();
    batch->Put(Table::kChunks, chunk.raw_digest.raw(), damaged);
    ASSERT_TRUE(engine_->Commit(std::move(batch), Durability::kSynced).ok());
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine();
  ContentStore store_{*engine_};
};

// However small its chunks are, and whether they are sent or only named.
TEST_F(ContentStoreTest, AnUploadNamesSoManyChunksAtMost) {
  ContentOptions options;
  options.upload_chunks = 10;
  ContentStore store(*engine_, options);
  const EncodedChunk chunk = EncodeChunk(AsBytes(std::string_view("x")));
  Upload upload(store.chunks(), "acme");
  ASSERT_TRUE(upload.Add(chunk).ok());
  ASSERT_TRUE(upload.EndBlob({chunk.raw_digest, 1}).ok());
  ASSERT_TRUE(upload.Commit().ok());  // And the count begins anew.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(upload.Add(chunk).ok());
  ASSERT_TRUE(upload.EndBlob({Sha256("xxxxx"), 5}).ok());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(upload.AddKnown({chunk.raw_digest, 1}).ok());
  for (const absl::Status& status : {upload.AddKnown({chunk.raw_digest, 1}), upload.Add(chunk),
                                     upload.EndBlob({Sha256(""), 0})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Reason(status), "UPLOAD_TOO_LONG");
  }
  EXPECT_TRUE(upload.Commit().ok()) << "what was right stays right";
  EXPECT_TRUE(*store.HasBlob("acme", {Sha256("xxxxx"), 5}));
}

TEST_F(ContentStoreTest, BlobComesBackAndSecondUploadStoresNothing) {
  std::string bytes = RandomBytes(1 << 20, 1);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_GT(chunks.size(), 1u);
  UploadTotals first;
  UploadTotals second;
  ASSERT_TRUE(Put("acme", bytes, chunks, &first).ok());
  ASSERT_TRUE(Put("acme", bytes, chunks, &second).ok());
  EXPECT_EQ(first.chunks_stored, chunks.size());
  EXPECT_EQ(second.chunks_stored, 0u);
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_TRUE(store_.HasBlob("acme", blob).value());
  EXPECT_FALSE(store_.HasBlob("acme", {blob.digest, blob.size + 1}).value());
  ASSERT_TRUE(Assemble("acme", blob, Refs(chunks)).ok());
  EXPECT_EQ(ReadBack(blob.digest), bytes);
}

TEST_F(ContentStoreTest, AnotherListOfTheSameBytesDoesNotReplaceTheFirst) {
  std::string bytes = RandomBytes(1 << 20, 11);
  BlobRef blob{Sha256(bytes), bytes.size()};
  ASSERT_TRUE(Put("acme", bytes, Cut(bytes)).ok());
  const uint64_t count = store_.GetBlob(blob.digest)->chunk_count;
  std::vector<EncodedChunk> halves = {EncodeChunk(AsBytes(bytes).first(500'000)),
                                      EncodeChunk(AsBytes(bytes).subspan(500'000))};
  ASSERT_NE(count, halves.size());
  ASSERT_TRUE(Put("other", bytes, halves).ok());
  EXPECT_EQ(store_.GetBlob(blob.digest)->chunk_count, count);
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_TRUE(store_.HasBlob("other", blob).value());
}

// attack 23: a digest is not a capability, and shows no existence.
TEST_F(ContentStoreTest, AnotherNamespaceSeesNothing) {
  std::string bytes = RandomBytes(1 << 20, 2);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(Put("acme", bytes, chunks).ok());
  EXPECT_EQ(Missing("other", chunks), chunks.size());
  EXPECT_EQ(Missing("acme", chunks), 0u);
  EXPECT_EQ(Reason(Assemble("other", blob, Refs(chunks))), "CHUNK_NOT_FOUND");
  EXPECT_FALSE(store_.HasBlob("other", blob).value());
  // Sent again, it is there, and nothing is stored twice.
  UploadTotals totals;
  ASSERT_TRUE(Put("other", bytes, chunks, &totals).ok());
  EXPECT_EQ(totals.bytes_stored, 0u);
  EXPECT_EQ(totals.chunks_received, chunks.size()) << "what the caller is told";
  EXPECT_TRUE(store_.HasBlob("other", blob).value());
}

TEST_F(ContentStoreTest, RefusesWrongWholes) {
  std::string bytes = RandomBytes(1 << 20, 3);
  BlobRef blob{Sha256(bytes), bytes.size()};
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(Put("acme", "something else", chunks).code() == absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Missing("acme", chunks), 0u) << "the chunks were right and are kept";
  std::vector<ChunkRef> refs = Refs(chunks);
  std::swap(refs[0], refs[1]);
  EXPECT_EQ(Reason(Assemble("acme", blob, refs)), "BLOB_DIGEST_MISMATCH");
  refs = Refs(chunks);
  refs.pop_back();
  EXPECT_EQ(Reason(Assemble("acme", blob, refs)), "BLOB_SIZE_MISMATCH");
  refs = Refs(chunks);
  refs.push_back(refs[0]);
  EXPECT_EQ(Reason(Assemble("acme", blob, refs)), "BLOB_SIZE_MISMATCH");
  refs = Refs(chunks);
  refs[0].size += 1;
  EXPECT_EQ(Reason(Assemble("acme", blob, refs)), "CHUNK_SIZE_MISMATCH");
  EXPECT_FALSE(store_.HasBlob("acme", blob).value());
}

TEST_F(ContentStoreTest, AWrongChunkIsNotStoredAndTheOthersAre) {
  std::vector<EncodedChunk> chunks = Cut(RandomBytes(1 << 20, 4));
  std::vector<EncodedChunk> good = chunks;
  Upload upload(store_.chunks(), "acme");
  ASSERT_TRUE(upload.Add(chunks[0]).ok());
  chunks[1].raw_digest = Sha256("something else");
  EXPECT_EQ(Reason(upload.Add(chunks[1])), "CHUNK_DIGEST_MISMATCH");
  chunks[1].raw_size += 1;
  EXPECT_EQ(Reason(upload.Add(chunks[1])), "CHUNK_FRAME_INVALID");
  ASSERT_TRUE(upload.Commit().ok());
  EXPECT_EQ(Missing("acme", good), good.size() - 1);
  EXPECT_EQ(Missing("acme", chunks), chunks.size() - 1);
}

// attack 23: never other bytes under a digest.
TEST_F(ContentStoreTest, ADamagedFrameIsDataLossForThatChunkOnlyAndUploadedAgainRepaired) {
  for (bool compressible : {false, true}) {
    std::string bytes = compressible ? std::string(100'000, 'a') : RandomBytes(1 << 20, 5);
    std::vector<EncodedChunk> chunks = Cut(bytes);
    ASSERT_EQ(chunks[0].codec, compressible ? FrameCodec::kZstd : FrameCodec::kRaw);
    ASSERT_TRUE(Put("acme", bytes, chunks).ok());
    Damage(chunks[0], chunks[0].stored.size() / 2);
    EXPECT_EQ(Reason(Assemble("acme", {Sha256(bytes), bytes.size()}, Refs(chunks))),
              "CHUNK_CORRUPT")
        << "not the fault of the list, which is right";
    EXPECT_EQ(Reason(store_.chunks().Load(chunks[0].raw_digest).status()), "CHUNK_CORRUPT");
    if (!compressible) {
      EXPECT_TRUE(store_.chunks().Load(chunks[1].raw_digest).ok());
    }
    EXPECT_EQ(Missing("acme", chunks), 1u) << "it has to be sent again";
    ASSERT_TRUE(Put("acme", bytes, chunks).ok());
    EXPECT_EQ(Missing("acme", chunks), 0u);
    EXPECT_EQ(ReadBack(Sha256(bytes)), bytes);
  }
}

TEST_F(ContentStoreTest, OneUploadFindsAllDamagedChunksOfABlob) {
  const std::string bytes = RandomBytes(1 << 20, 12);
  const BlobRef blob{Sha256(bytes), bytes.size()};
  const std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_GT(chunks.size(), 4u);
  ASSERT_TRUE(Put("acme", bytes, chunks).ok());
  // The first changes bytes only, which a look at the size does not show; the last is cut short.
  Damage(chunks[0], 10);
  Damage(chunks[2], 10);
  auto batch = engine_->NewBatch();
  batch->Put(Table::kChunks, chunks[3].raw_digest.raw(), "short");
  ASSERT_TRUE(engine_->Commit(std::move(batch), Durability::kSynced).ok());
  EXPECT_EQ(Reason(Assemble("acme", blob, Refs(chunks))), "CHUNK_CORRUPT");
  EXPECT_EQ(Missing("acme", chunks), 3u);
  // The stream goes on with another blob.
  Upload upload(store_.chunks(), "acme");
  for (const EncodedChunk& chunk : chunks) ASSERT_TRUE(upload.Add(chunk).ok());
  ASSERT_TRUE(upload.EndBlob(blob).ok());
  ASSERT_TRUE(upload.Commit().ok());
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_TRUE(Assemble("acme", blob, Refs(chunks)).ok());
}

TEST_F(ContentStoreTest, EveryDamagedByteOfAZstdFrameIsFound) {
  std::string bytes(100'000, 'a');
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(Put("acme", bytes, chunks).ok());
  for (size_t at = 0; at < chunks[0].stored.size(); ++at) {
    Damage(chunks[0], at);
    EXPECT_EQ(Reason(store_.chunks().Load(chunks[0].raw_digest).status()), "CHUNK_CORRUPT") << at;
  }
}

TEST_F(ContentStoreTest, DamageIsRememberedAcrossOpenings) {
  std::string bytes = RandomBytes(1000, 8);
  std::vector<EncodedChunk> chunks = Cut(bytes);
  ASSERT_TRUE(Put("acme", bytes, chunks).ok());
  Damage(chunks[0], 0);
  EXPECT_FALSE(store_.chunks().Load(chunks[0].raw_digest).ok());
  ContentStore again(*engine_);
  ASSERT_TRUE(again.Recover().ok());
  const Digest digests[] = {chunks[0].raw_digest};
  EXPECT_EQ(again.chunks().FindMissing("acme", digests)->size(), 1u);
}

TEST_F(ContentStoreTest, ChunkListIsPagedAcrossRows) {
  Upload upload(store_.chunks(), "acme");
  std::vector<ChunkRef> refs;
  std::string whole;
  for (int i = 0; i < 2500; ++i) {
    std::string piece = "chunk " + std::to_string(i);
    whole += piece;
    EncodedChunk chunk = EncodeChunk(AsBytes(piece));
    refs.push_back({chunk.raw_digest, chunk.raw_size});
    ASSERT_TRUE(upload.Add(std::move(chunk)).ok());
  }
  ASSERT_TRUE(upload.EndBlob({Sha256(whole), whole.size()}).ok());
  ASSERT_TRUE(upload.Commit().ok());
  ChunkList list = ChunkList::Open(store_, Sha256(whole)).value();
  ASSERT_EQ(list.record().chunk_count, refs.size());
  for (uint64_t i : {0, 1023, 1024, 2047, 2048, 2499, 5}) EXPECT_EQ(list.At(i).value(), refs[i]);
  EXPECT_EQ(Reason(list.At(2500).status()), "CHUNK_LIST_MISSING");
}

TEST_F(ContentStoreTest, PlainWriteResumesWhereItWasCommitted) {
  std::string bytes = RandomBytes(3 << 20, 6);
  BlobRef blob{Sha256(bytes), bytes.size()};
  {
    BlobWriter writer = BlobWriter::Begin(store_, "acme", blob, 0, {}).value();
    ASSERT_TRUE(writer.Write(AsBytes(bytes).first(2 << 20)).ok());
    ASSERT_TRUE(writer.Flush().ok());
  }
  const uint64_t committed = store_.GetPartial("acme", blob)->committed;
  EXPECT_GE(committed, 1u << 20);
  EXPECT_EQ(Reason(BlobWriter::Begin(store_, "acme", blob, committed - 1, {}).status()),
            "WRITE_OFFSET_MISMATCH");
  BlobWriter writer = BlobWriter::Begin(store_, "acme", blob, committed, {}).value();
  ASSERT_TRUE(writer.Write(AsBytes(bytes).subspan(committed)).ok());
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(ReadBack(blob.digest), bytes);
  EXPECT_EQ(store_.GetPartial("acme", blob)->committed, 0u);
}

TEST_F(ContentStoreTest, PlainWriteRefusesTooMuchTooLittleAndOther) {
  std::string bytes = RandomBytes(100000, 7);
  BlobRef blob{Sha256(bytes), bytes.size()};
  BlobWriter long_writer = BlobWriter::Begin(store_, "acme", blob, 0, {}).value();
  EXPECT_EQ(Reason(long_writer.Write(AsBytes(bytes + "x"))), "BLOB_SIZE_MISMATCH");
  BlobWriter short_writer = BlobWriter::Begin(store_, "acme", blob, 0, {}).value();
  ASSERT_TRUE(short_writer.Write(AsBytes(bytes).first(10)).ok());
  EXPECT_EQ(Reason(short_writer.Finish()), "BLOB_SIZE_MISMATCH");
  bytes[0] ^= 1;
  BlobWriter other_writer = BlobWriter::Begin(store_, "acme", blob, 0, {}).value();
  ASSERT_TRUE(other_writer.Write(AsBytes(bytes)).ok());
  EXPECT_EQ(Reason(other_writer.Finish()), "BLOB_DIGEST_MISMATCH");
  EXPECT_EQ(
      Reason(BlobWriter::Begin(store_, "acme", {blob.digest, kMaxBlobBytes + 1}, 0, {}).status()),
      "BLOB_TOO_LARGE");
}

}  // namespace
}  // namespace dml
