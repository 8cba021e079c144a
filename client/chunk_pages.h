// The chunk list of one file of a variant, as the library tells it, a page at a time. Internal to
// client/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/connection.h"
#include "core/content/records.h"
#include "dml/v1/content.pb.h"

namespace dml {

/// A chunk, and its place in the blob.
struct PlacedChunk {
  ChunkRef chunk;
  uint64_t ordinal = 0;  // In the chunk list.
  uint64_t offset = 0;   // Of its first byte.
};

struct ChunkPage {
  std::vector<PlacedChunk> chunks;  // Without gaps.
  std::vector<Digest> bases;        // Of the deltas among them, where they were asked for.
};

/// Walks the list from its start. A list that does not fit the blob's size is no list: what was
/// returned never goes beyond the blob, and the last page ends where the blob does.
class ChunkPages {
 public:
  /// `connection` must outlive it. `variant` and `permit` (by which it may be read; "": without)
  /// are resource names.
  ChunkPages(Connection& connection, const std::string& variant, const BlobRef& blob,
             bool with_bases, const std::string& permit = "");

  /// nullopt behind the last page. INTERNAL (SERVER_ANSWER_INVALID).
  absl::StatusOr<std::optional<ChunkPage>> Next();

 private:
  absl::Status Add(const v1::GetBlobChunksResponse& response, ChunkPage& page);
  absl::Status DoesNotFit() const;

  Connection& connection_;
  const BlobRef blob_;
  v1::GetBlobChunksRequest request_;
  uint64_t offset_ = 0;
  uint64_t ordinal_ = 0;
  bool ended_ = false;
};

}  // namespace dml
