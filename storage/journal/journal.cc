#include "storage/journal/journal.h"

#include "core/wire/entry.h"
#include "storage/engine/key.h"
#include "storage/journal/journal_size.h"

namespace dml {
namespace {

constexpr std::string_view kSizeKey = "journal.size";

std::string EntryKey(uint64_t index) { return KeyBuilder().U64(index).Build(); }
std::string NodeKey(NodeId id) { return KeyBuilder().U8(id.level).U64(id.index).Build(); }

}  // namespace

absl::StatusOr<uint64_t> JournalView::Size() const {
  DML_ASSIGN_OR_RETURN(std::optional<std::string> value, reader_.Get(Table::kMeta, kSizeKey));
  if (!value.has_value()) return 0;
  KeyReader bytes(*value);
  DML_ASSIGN_OR_RETURN(uint64_t size, bytes.U64());
  return size;
}

absl::StatusOr<std::string> JournalView::Leaf(uint64_t index) const {
  DML_ASSIGN_OR_RETURN(auto value, reader_.Get(Table::kJournal, EntryKey(index)));
  if (value.has_value()) return *std::move(value);
  DML_ASSIGN_OR_RETURN(uint64_t size, Size());
  if (index >= size) {
    return NotFound(ErrorReason("ENTRY_NOT_FOUND"), "no entry {}: the journal has {}", index, size);
  }
  return DataLoss(ErrorReason("ENTRY_MISSING"), "entry {} of {} is missing from the store", index,
                  size);
}

absl::StatusOr<StoredEntry> JournalView::At(uint64_t index) const {
  StoredEntry out;
  DML_ASSIGN_OR_RETURN(out.leaf, Leaf(index));
  DML_ASSIGN_OR_RETURN(out.entry, wire::DecodeEntry(out.leaf));
  if (out.entry.index != index) {
    return DataLoss(ErrorReason("ENTRY_INVALID"), "the entry stored at {} says that it is {}",
                    index, out.entry.index);
  }
  return out;
}

NodeReader JournalView::Nodes() const {
  return [this](NodeId id) -> absl::StatusOr<Digest> {
    DML_ASSIGN_OR_RETURN(auto value, reader_.Get(Table::kMerkle, NodeKey(id)));
    if (!value.has_value()) {
      return DataLoss(ErrorReason("NODE_MISSING"), "tree node (level {}, index {}) is missing",
                      id.level, id.index);
    }
    return Digest::FromBytes(*value);
  };
}

absl::Status JournalView::CheckSize(uint64_t size) const {
  DML_ASSIGN_OR_RETURN(uint64_t current, Size());
  if (size > current) {
    return InvalidArgument(ErrorReason("PROOF_RANGE_INVALID"),
                           "size {} is beyond the journal's {} entries", size, current);
  }
  return absl::OkStatus();
}

absl::StatusOr<Digest> JournalView::Root(uint64_t size) const {
  DML_RETURN_IF_ERROR(CheckSize(size));
  return RootHash(size, Nodes());
}

absl::StatusOr<std::vector<Digest>> JournalView::Inclusion(uint64_t index, uint64_t size) const {
  DML_RETURN_IF_ERROR(CheckSize(size));
  return InclusionProof(index, size, Nodes());
}

absl::StatusOr<std::vector<Digest>> JournalView::Consistency(uint64_t first,
                                                             uint64_t second) const {
  DML_RETURN_IF_ERROR(CheckSize(second));
  return ConsistencyProof(first, second, Nodes());
}

absl::StatusOr<TreeAppender> JournalView::Appender(uint64_t size) const {
  DML_RETURN_IF_ERROR(CheckSize(size));
  return TreeAppender::Load(size, Nodes());
}

void AppendLeaf(std::string_view leaf, TreeAppender& appender, Batch& batch) {
  batch.Put(Table::kJournal, EntryKey(appender.size()), leaf);
  appender.Append(LeafHash(AsBytes(leaf)), [&](NodeId id, const Digest& hash) {
    batch.Put(Table::kMerkle, NodeKey(id), hash.raw());
  });
  SetJournalSize(appender.size(), batch);
}

void SetJournalSize(uint64_t size, Batch& batch) {
  batch.Put(Table::kMeta, kSizeKey, KeyBuilder().U64(size).Build());
}

}  // namespace dml
