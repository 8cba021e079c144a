// Small content for a content store, and what must hold of the store whatever happened to it.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/content/content_keys.h"
#include "storage/content/content_store.h"
#include "storage/content/upload.h"

namespace dml::testing {

inline ContentOptions SmallPacks() {
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

inline std::string RandomPiece(unsigned seed) {
  std::mt19937 random(seed);
  std::string raw(200 + random() % 1800, '\0');
  for (char& c : raw) c = static_cast<char>(random());
  return raw;
}

inline void AddPiece(const std::string& raw, Content& content) {
  content.bytes += raw;
  content.chunks.push_back(EncodeChunk(AsBytes(raw)));
}

/// Pieces out of a small pool, so that blobs share chunks.
inline Content MakeContent(std::mt19937& random, int pieces) {
  Content out;
  for (int i = 0; i < pieces; ++i) AddPiece(RandomPiece(random() % 40), out);
  return out;
}

/// A version of a file: each resembles the others, and no two share a chunk.
inline Content MakeRelease(unsigned version, int pieces) {
  Content out;
  for (int i = 0; i < pieces; ++i) {
    std::string raw = RandomPiece(5000 + i);
    raw.replace(raw.size() / 2, 8, fmt::format("{:8}", version));
    AddPiece(raw, out);
  }
  return out;
}

inline absl::Status UploadAll(ContentStore& store, const Content& content,
                              const std::string& ns = "acme") {
  Upload upload(store.chunks(), ns);
  for (const EncodedChunk& chunk : content.chunks) DML_RETURN_IF_ERROR(upload.Add(chunk));
  DML_RETURN_IF_ERROR(upload.EndBlob(content.blob()));
  return upload.Commit();
}

inline std::string ReadBack(ContentStore& store, const Digest& blob) {
  std::string out;
  ChunkList list = ChunkList::Open(store, blob).value();
  for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
    out += store.chunks().LoadVerified(list.At(i).value()).value();
  }
  return out;
}

inline std::vector<std::string> KeysOf(const Reader& engine, Table table, const KeyRange& range) {
  std::vector<std::string> out;
  auto cursor = engine.NewCursor(table, range);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) out.emplace_back(cursor->key());
  EXPECT_TRUE(cursor->status().ok()) << Message(cursor->status());
  return out;
}

inline std::vector<std::string> IndexKeys(const Reader& engine, content_keys::IndexRow kind) {
  return KeysOf(engine, Table::kChunkIndex, PrefixRange(content_keys::Start(kind).Build()));
}

/// The rows of all chunks.
inline std::map<Digest, ChunkRecord> ChunkRows(const Reader& engine) {
  std::map<Digest, ChunkRecord> out;
  for (const std::string& key : IndexKeys(engine, content_keys::IndexRow::kChunk)) {
    const std::string row = engine.Get(Table::kChunkIndex, key).value().value();
    out[content_keys::LastDigest(key).value()] = wire::DecodeChunkRecord(row).value();
  }
  return out;
}

/// The packs that the index knows.
inline std::vector<uint64_t> Packs(const Reader& engine) {
  std::vector<uint64_t> out;
  for (const std::string& key : IndexKeys(engine, content_keys::IndexRow::kPack)) {
    out.push_back(KeyReader(key.substr(1)).U64().value());
  }
  return out;
}

/// What the packs' records say of the bytes in them.
inline uint64_t PackedBytes(const Reader& engine) {
  uint64_t bytes = 0;
  for (const uint64_t pack : Packs(engine)) {
    const std::string row =
        engine.Get(Table::kChunkIndex, content_keys::Pack(pack)).value().value();
    bytes += wire::DecodePackRecord(row)->stored_bytes;
  }
  return bytes;
}

/// No pack without its record or the other way round, no intent, no frame without a row that names
/// it, deltas rest on marked chunks that are no deltas, and every chunk can be read.
inline void ExpectSound(const Reader& engine, ContentStore& store) {
  namespace keys = content_keys;
  EXPECT_TRUE(IndexKeys(engine, keys::IndexRow::kPackIntent).empty());
  std::set<uint64_t> packs;
  for (const std::string& key : KeysOf(engine, Table::kPacks, {})) {
    packs.insert(KeyReader(key).U64().value());
  }
  const std::vector<uint64_t> recorded = Packs(engine);
  EXPECT_EQ(packs, std::set<uint64_t>(recorded.begin(), recorded.end()));
  const std::map<Digest, ChunkRecord> rows = ChunkRows(engine);
  std::set<std::string> marks;
  std::set<std::string> loose;
  for (const auto& [chunk, record] : rows) {
    EXPECT_EQ(Sha256(store.chunks().LoadRaw(chunk).value()), chunk);
    if (record.pack == 0) loose.insert(std::string(chunk.raw()));
    if (!record.base.has_value()) continue;
    marks.insert(keys::Dependent(*record.base, chunk));
    ASSERT_TRUE(rows.contains(*record.base));
    EXPECT_FALSE(rows.at(*record.base).base.has_value()) << "a delta upon a delta";
  }
  const auto in_table = [](const std::vector<std::string>& keys) {
    return std::set<std::string>(keys.begin(), keys.end());
  };
  EXPECT_EQ(in_table(KeysOf(engine, Table::kChunks, {})), loose);
  EXPECT_EQ(in_table(IndexKeys(engine, keys::IndexRow::kDependent)), marks);
  for (const std::string& key : IndexKeys(engine, keys::IndexRow::kVisibleChunk)) {
    EXPECT_TRUE(store.chunks().Load(keys::LastDigest(key).value()).ok());
  }
}

}  // namespace dml::testing
