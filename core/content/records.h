// What the content plane knows of chunks and blobs, as values.
#pragma once

#include <optional>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/content/frame.h"

namespace dml {

/// A chunk by identity: digest and size of its raw bytes.
struct ChunkRef {
  Digest digest;
  uint32_t size = 0;
  bool operator==(const ChunkRef&) const = default;
};

/// Where and how a chunk is stored.
struct ChunkRecord {
  uint32_t raw_size = 0;
  FrameCodec codec = FrameCodec::kRaw;
  uint32_t stored_size = 0;
  Digest stored_digest;        // SHA-256 of the stored frame: what serving checks.
  uint64_t pack = 0;           // 0: the frame is a row of its own.
  uint64_t position = 0;       // In the pack.
  std::optional<Digest> base;  // Of a delta frame; never itself a delta.
  Timestamp stored_time{};
  bool operator==(const ChunkRecord&) const = default;
};

/// A chunk as its pack's footer lists it; `record` without pack, position and time.
struct PackedChunk {
  Digest digest;
  ChunkRecord record;
  bool operator==(const PackedChunk&) const = default;
};

struct PackRecord {
  uint64_t chunks = 0;
  uint64_t stored_bytes = 0;  // Of the frames.
  Timestamp created_time{};
  bool operator==(const PackRecord&) const = default;
};

/// A whole blob: its ordered chunk list is kept in pages of kChunksPerPage.
struct BlobRecord {
  uint64_t size = 0;
  uint64_t chunk_count = 0;
  Timestamp stored_time{};
  bool operator==(const BlobRecord&) const = default;
};

inline constexpr uint64_t kChunksPerPage = 1024;

/// A resumable upload of plain bytes that is not finished; cut at chunk boundaries.
struct PartialBlob {
  uint64_t committed = 0;  // Bytes that are durable.
  std::vector<ChunkRef> chunks;
  bool operator==(const PartialBlob&) const = default;
};

}  // namespace dml
