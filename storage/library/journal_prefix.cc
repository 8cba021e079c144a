#include "storage/library/journal_prefix.h"

#include "storage/journal/journal.h"
#include "storage/journal/journal_size.h"
#include "storage/library/cosigned_cut.h"
#include "storage/library/library.h"

namespace dml {
namespace {

constexpr int kRowsPerBatch = 10'000;

absl::Status DeleteRange(Engine& engine, Table table, const KeyRange& range) {
  while (true) {
    auto batch = engine.NewBatch();
    auto snapshot = engine.NewSnapshot();
    auto cursor = snapshot->NewCursor(table, range);
    int deleted = 0;
    for (cursor->SeekToFirst(); cursor->Valid() && deleted < kRowsPerBatch; cursor->Next()) {
      batch->Delete(table, cursor->key());
      ++deleted;
    }
    DML_RETURN_IF_ERROR(cursor->status());
    if (deleted == 0) return absl::OkStatus();
    DML_RETURN_IF_ERROR(engine.Commit(std::move(batch), Durability::kBuffered));
  }
}

// Level by level: a node that is not below the first incomplete one covers a leaf that goes.
absl::Status CutTree(Engine& engine, uint64_t size) {
  for (int level = 0; level < 64; ++level) {
    KeyRange range;
    range.lower = KeyBuilder().U8(static_cast<uint8_t>(level)).U64(size >> level).Build();
    range.upper = KeyBuilder().U8(static_cast<uint8_t>(level + 1)).Build();
    DML_RETURN_IF_ERROR(DeleteRange(engine, Table::kMerkle, range));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CutJournal(Engine& engine, uint64_t size) {
  {
    auto snapshot = engine.NewSnapshot();
    DML_ASSIGN_OR_RETURN(const uint64_t all, JournalView(*snapshot).Size());
    if (size == 0 || size > all) {
      return InvalidArgument(ErrorReason("JOURNAL_SIZE_INVALID"),
                             "the journal has {} entries; it can be cut to 1 to {}", all, all);
    }
    if (size == all) return RebuildViews(engine);
  }
  KeyRange entries;
  entries.lower = KeyBuilder().U64(size).Build();
  DML_RETURN_IF_ERROR(DeleteRange(engine, Table::kJournal, entries));
  DML_RETURN_IF_ERROR(CutTree(engine, size));
  auto batch = engine.NewBatch();
  SetJournalSize(size, *batch);
  DML_RETURN_IF_ERROR(DropCosignedAbove(engine, size, *batch));
  DML_RETURN_IF_ERROR(engine.Commit(std::move(batch), Durability::kSynced));
  return RebuildViews(engine);
}

}  // namespace dml
