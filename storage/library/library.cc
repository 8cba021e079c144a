#include "storage/library/library.h"

#include "core/wire/entry.h"
#include "storage/engine/memory_engine.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr uint64_t kEntriesPerBatch = 512;
constexpr size_t kMaxDifferences = 16;

// Folds entries [from, to) of `source` into `target`, a batch at a time.
absl::Status Fold(const Reader& source, uint64_t from, uint64_t to, Engine& target,
                  const Library::VerifyStep& step = {}) {
  JournalView journal(source);
  while (from < to) {
    if (step) DML_RETURN_IF_ERROR(step(from, to));
    auto batch = target.NewBatch();
    uint64_t end = std::min(to, from + kEntriesPerBatch);
    for (; from < end; ++from) {
      DML_ASSIGN_OR_RETURN(StoredEntry stored, journal.At(from));
      DML_RETURN_IF_ERROR(ApplyEntry(stored.entry, source, *batch));
    }
    DML_RETURN_IF_ERROR(target.Commit(std::move(batch), Durability::kBuffered));
  }
  return absl::OkStatus();
}

absl::Status ClearViews(Engine& engine) {
  while (true) {
    auto batch = engine.NewBatch();
    SetViewCursor(0, *batch);
    auto snapshot = engine.NewSnapshot();
    auto cursor = snapshot->NewCursor(Table::kViews, KeyRange{});
    uint64_t deleted = 0;
    for (cursor->SeekToFirst(); cursor->Valid() && deleted < 10000; cursor->Next(), ++deleted) {
      batch->Delete(Table::kViews, cursor->key());
    }
    DML_RETURN_IF_ERROR(cursor->status());
    DML_RETURN_IF_ERROR(engine.Commit(std::move(batch), Durability::kSynced));
    if (deleted == 0) return absl::OkStatus();
  }
}

// Entry 0 says which library this is.
absl::Status CheckFirstEntry(const JournalView& journal, std::string_view origin) {
  DML_ASSIGN_OR_RETURN(StoredEntry first, journal.At(0));
  const auto* created = std::get_if<LibraryCreated>(&first.entry.payload);
  if (created == nullptr || created->origin != origin) {
    return FailedPrecondition(ErrorReason("ORIGIN_MISMATCH"),
                              "the journal belongs to '{}', not to '{}'",
                              created ? created->origin : "?", origin);
  }
  return absl::OkStatus();
}

absl::Status CreateFirstEntry(Engine& engine, CheckpointSigner& signer, Timestamp now) {
  Entry entry;
  entry.time = now;
  entry.author = "dmld";
  entry.payload = LibraryCreated{signer.origin(), std::string(signer.public_key().spki_der())};
  DML_ASSIGN_OR_RETURN(std::string leaf, wire::EncodeEntry(entry));
  auto batch = engine.NewBatch();
  TreeAppender appender;
  AppendLeaf(leaf, appender, *batch);
  DML_RETURN_IF_ERROR(ApplyEntry(entry, *batch, *batch));
  DML_RETURN_IF_ERROR(engine.Commit(std::move(batch), Durability::kSynced));
  return signer.Sign(appender.size(), appender.Root());
}

// Compares two tables row by row; both cursors walk in key order.
absl::Status CompareViews(const Reader& left, const Reader& right, ViewComparison& out) {
  auto a = left.NewCursor(Table::kViews, KeyRange{});
  auto b = right.NewCursor(Table::kViews, KeyRange{});
  a->SeekToFirst();
  b->SeekToFirst();
  auto differs = [&](std::string_view key) {
    if (out.differing_keys.size() < kMaxDifferences) {
      out.differing_keys.push_back(HexEncode(AsBytes(key)));
    }
  };
  while (a->Valid() || b->Valid()) {
    ++out.rows;
    if (!b->Valid() || (a->Valid() && a->key() < b->key())) {
      differs(a->key());
      a->Next();
    } else if (!a->Valid() || b->key() < a->key()) {
      differs(b->key());
      b->Next();
    } else {
      if (a->value() != b->value()) differs(a->key());
      a->Next();
      b->Next();
    }
  }
  DML_RETURN_IF_ERROR(a->status());
  return b->status();
}

}  // namespace

absl::Status BringViewsUpToDate(Engine& engine) {
  auto snapshot = engine.NewSnapshot();
  DML_ASSIGN_OR_RETURN(uint64_t size, JournalView(*snapshot).Size());
  DML_ASSIGN_OR_RETURN(uint64_t cursor, ViewCursor(*snapshot));
  if (cursor == size) return absl::OkStatus();
  if (cursor == 0) DML_RETURN_IF_ERROR(ClearViews(engine));
  return Fold(*snapshot, cursor, size, engine);
}

Library::Library(std::unique_ptr<Engine> engine, std::unique_ptr<CheckpointSigner> signer,
                 LibraryOptions options)
    : clock_(std::move(options.clock), options.max_clock_step),
      scratch_engine_(std::move(options.scratch_engine)),
      engine_(std::move(engine)),
      signer_(std::move(signer)),
      content_(*engine_, std::move(options.content)),
      cosigned_(*engine_, signer_->origin(), signer_->public_key()) {}

absl::StatusOr<std::unique_ptr<Library>> Library::Open(std::unique_ptr<Engine> engine,
                                                       PrivateKey log_key, LibraryOptions options) {
  DML_RETURN_IF_ERROR(options.sequencer.Validate());
  auto signer = std::make_unique<CheckpointSigner>(options.origin, std::move(log_key),
                                                   options.signed_checkpoint_file);
  uint64_t size = 0;
  {
    auto snapshot = engine->NewSnapshot();
    const JournalView journal(*snapshot);
    DML_ASSIGN_OR_RETURN(size, journal.Size());
    const std::string& first = options.first_origin.empty() ? options.origin : options.first_origin;
    if (size > 0) DML_RETURN_IF_ERROR(CheckFirstEntry(journal, first));
    DML_RETURN_IF_ERROR(
        signer->Open(journal, options.accept_missing_checkpoint, options.signed_before));
  }
  if (size == 0) DML_RETURN_IF_ERROR(CreateFirstEntry(*engine, *signer, options.clock()));
  DML_RETURN_IF_ERROR(BringViewsUpToDate(*engine));
  std::unique_ptr<Library> library(new Library(std::move(engine), std::move(signer), options));
  DML_RETURN_IF_ERROR(library->content_.Recover());
  library->sequencer_ = std::make_unique<Sequencer>(*library->engine_, *library->signer_,
                                                    library->clock_, options.sequencer);
  return library;
}

absl::StatusOr<Timestamp> Library::TimeOf(const Reader& state) const {
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(uint64_t size, journal.Size());
  DML_ASSIGN_OR_RETURN(StoredEntry last, journal.At(size - 1));
  return clock_.After(last.entry.time);
}

absl::StatusOr<ViewComparison> Library::VerifyViews(const VerifyStep& step) const {
  auto snapshot = engine_->NewSnapshot();
  ViewComparison out;
  DML_ASSIGN_OR_RETURN(out.entries, JournalView(*snapshot).Size());
  std::unique_ptr<Engine> fresh;
  if (scratch_engine_) {
    DML_ASSIGN_OR_RETURN(fresh, scratch_engine_());
  } else {
    fresh = NewMemoryEngine();
  }
  DML_RETURN_IF_ERROR(Fold(*snapshot, 0, out.entries, *fresh, step));
  DML_RETURN_IF_ERROR(CompareViews(*snapshot, *fresh->NewSnapshot(), out));
  return out;
}

absl::Status RebuildViews(Engine& engine) {
  DML_RETURN_IF_ERROR(ClearViews(engine));
  return BringViewsUpToDate(engine);
}

}  // namespace dml
