// One pack while it grows: frames in order, then a footer that lists them.
//
// A pack is a file of the table kPacks (docs/formats.md, "Packs"). Not thread-safe. A builder that
// is dropped before Seal leaves nothing but its intent, which the next opening clears away.
#pragma once

#include <memory>
#include <vector>

#include "storage/content/chunk_store.h"

namespace dml {

class PackBuilder {
 public:
  static absl::StatusOr<PackBuilder> Begin(ChunkStore& store);

  /// Appends a frame; fills in where it lies in `record`.
  absl::Status Add(const Digest& chunk, std::string_view frame, ChunkRecord& record);

  /// Durable and readable on return, but not in the index: ChunkStore::Commit does that. After an
  /// error the pack is given up.
  absl::Status Seal();

  uint64_t pack() const { return pack_; }
  bool full() const;

 private:
  PackBuilder(ChunkStore& store, uint64_t pack, std::unique_ptr<RowFile> file)
      : store_(&store), pack_(pack), file_(std::move(file)) {}

  ChunkStore* store_;
  uint64_t pack_;
  std::unique_ptr<RowFile> file_;
  std::vector<PackedChunk> chunks_;
  uint64_t bytes_ = 0;
};

}  // namespace dml
