// The journal as stored: entry bytes, the nodes of their Merkle tree, and proofs from them.
//
// kJournal: U64 index -> entry bytes. kMerkle: U8 level, U64 index -> 32-byte node hash
// (core/merkle). kMeta "journal.size": U64. The sequencer alone appends, inside its batch; everyone
// reads through a Reader, and what they read is as old as that Reader. Thread-compatible: no state
// of its own.
#pragma once

#include <string>
#include <vector>

#include "core/journal/entry.h"
#include "core/merkle/merkle.h"
#include "storage/engine/engine.h"

namespace dml {

/// An entry with the exact bytes that it came from.
struct StoredEntry {
  Entry entry;
  std::string leaf;
};

class JournalView {
 public:
  /// `reader` must outlive the view.
  explicit JournalView(const Reader& reader) : reader_(reader) {}

  absl::StatusOr<uint64_t> Size() const;
  /// OUT_OF_RANGE is never used: an index at or above Size() is NOT_FOUND (ENTRY_NOT_FOUND).
  absl::StatusOr<std::string> Leaf(uint64_t index) const;
  absl::StatusOr<StoredEntry> At(uint64_t index) const;

  /// Root of the first `size` entries; `size` must not exceed Size().
  absl::StatusOr<Digest> Root(uint64_t size) const;
  absl::StatusOr<std::vector<Digest>> Inclusion(uint64_t index, uint64_t size) const;
  absl::StatusOr<std::vector<Digest>> Consistency(uint64_t first, uint64_t second) const;

  /// The stored nodes, for the functions of core/merkle and core/tlog. Must not outlive the view.
  NodeReader Nodes() const;

  /// Where appending goes on after the first `size` entries.
  absl::StatusOr<TreeAppender> Appender(uint64_t size) const;

 private:
  absl::Status CheckSize(uint64_t size) const;

  const Reader& reader_;
};

/// Adds one entry's bytes at appender.size() to the batch, with the tree nodes that it completes.
void AppendLeaf(std::string_view leaf, TreeAppender& appender, Batch& batch);

}  // namespace dml
