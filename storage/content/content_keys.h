// The keys of the content plane's rows; docs/formats.md, "Keys of tables".
#pragma once

#include <string>
#include <string_view>

#include "core/base/digest.h"
#include "storage/engine/key.h"

namespace dml::content_keys {

// Rows of kChunkIndex and kBlobs begin with their kind. Numbers are never used again.
enum class IndexRow : uint8_t {
  kChunk = 1,
  kVisibleChunk = 2,
  kPack = 3,
  kPackIntent = 4,
  kDamagedChunk = 5,
  kDependent = 6,
};
enum class BlobRow : uint8_t { kBlob = 1, kChunkPage = 2, kVisibleBlob = 3, kPartial = 4 };

inline constexpr std::string_view kNextPack = "content.next_pack";          // kMeta, U64.
inline constexpr std::string_view kIndexRebuild = "content.index_rebuild";  // kMeta, empty.
inline constexpr uint64_t kFooterPosition = UINT64_MAX;                     // Of a pack's last row.

inline KeyBuilder Start(IndexRow row) { return KeyBuilder().U8(static_cast<uint8_t>(row)); }
inline KeyBuilder Start(BlobRow row) { return KeyBuilder().U8(static_cast<uint8_t>(row)); }

inline std::string Chunk(const Digest& chunk) {
  return Start(IndexRow::kChunk).String(chunk.raw()).Build();
}
inline std::string VisibleChunk(std::string_view ns, const Digest& chunk) {
  return Start(IndexRow::kVisibleChunk).String(ns).String(chunk.raw()).Build();
}
inline std::string Pack(uint64_t pack) { return Start(IndexRow::kPack).U64(pack).Build(); }
inline std::string PackIntent(uint64_t pack) {
  return Start(IndexRow::kPackIntent).U64(pack).Build();
}
inline std::string DamagedChunk(const Digest& chunk) {
  return Start(IndexRow::kDamagedChunk).String(chunk.raw()).Build();
}

/// The digest that the key of a row of kChunkIndex ends with.
inline absl::StatusOr<Digest> LastDigest(std::string_view key) {
  KeyReader reader(key);
  DML_ASSIGN_OR_RETURN(uint8_t kind, reader.U8());
  DML_ASSIGN_OR_RETURN(std::string part, reader.String());
  const auto row = static_cast<IndexRow>(kind);
  if (row == IndexRow::kVisibleChunk || row == IndexRow::kDependent) {
    DML_ASSIGN_OR_RETURN(part, reader.String());
  }
  return Digest::FromBytes(part);
}

/// The deltas upon a chunk.
inline KeyBuilder DependentPrefix(const Digest& base) {
  return Start(IndexRow::kDependent).String(base.raw());
}
inline std::string Dependent(const Digest& base, const Digest& chunk) {
  return DependentPrefix(base).String(chunk.raw()).Build();
}

/// Of kPacks.
inline std::string PackedFrame(uint64_t pack, uint64_t position) {
  return KeyBuilder().U64(pack).U64(position).Build();
}
inline KeyRange PackRange(uint64_t pack) { return PrefixRange(KeyBuilder().U64(pack).Build()); }

inline std::string Blob(const Digest& blob) {
  return Start(BlobRow::kBlob).String(blob.raw()).Build();
}
inline std::string ChunkPage(const Digest& blob, uint64_t page) {
  return Start(BlobRow::kChunkPage).String(blob.raw()).U64(page).Build();
}
inline std::string VisibleBlob(std::string_view ns, const BlobRef& blob) {
  return Start(BlobRow::kVisibleBlob).String(ns).String(blob.digest.raw()).U64(blob.size).Build();
}
inline std::string Partial(std::string_view ns, const BlobRef& blob) {
  return Start(BlobRow::kPartial).String(ns).String(blob.digest.raw()).U64(blob.size).Build();
}

}  // namespace dml::content_keys
