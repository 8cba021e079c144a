#include "storage/collect/sweep.h"

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

// Rows looked at between two calls of `step`.
constexpr size_t kMaxScannedPerStep = 4096;

struct Candidate {
  std::string key;
  Digest digest;  // What would be leased.
};

// What would be leased to rely on a row; nullopt where the row stays.
using Judge =
    absl::FunctionRef<absl::StatusOr<std::optional<Digest>>(std::string_view, std::string_view)>;
// Adds the deletion to the batch, and counts; under the index mutex.
using Remove = absl::FunctionRef<absl::Status(Batch&, const Candidate&)>;

bool IsYoung(const ChunkStore& store, Timestamp stored_time) {
  return store.options().clock() < stored_time + store.options().lease;
}

absl::StatusOr<bool> RemoveBatch(Sweep& sweep, const std::vector<Candidate>& candidates,
                                 Remove remove) {
  ChunkStore& store = sweep.store;
  std::vector<Digest> digests;
  for (const Candidate& candidate : candidates) digests.push_back(candidate.digest);
  absl::MutexLock lock(&store.index_mutex());
  if (store.options().clock() >= sweep.marks_good_until) return false;
  const LeaseTable::Removal removal = store.leases().Remove(digests);
  auto batch = store.engine().NewBatch();
  for (const Candidate& candidate : candidates) {
    if (removal.Has(candidate.digest)) {
      DML_RETURN_IF_ERROR(remove(*batch, candidate));
    } else {
      ++sweep.record.held;
    }
  }
  if (batch->ByteSize() == 0) return true;
  DML_RETURN_IF_ERROR(store.engine().Commit(std::move(batch), Durability::kBuffered));
  return true;
}

absl::StatusOr<bool> SweepRows(Sweep& sweep, Table table, KeyRange range, Judge judge,
                               Remove remove) {
  while (true) {
    DML_RETURN_IF_ERROR(sweep.step());
    std::vector<Candidate> candidates;
    auto cursor = sweep.store.engine().NewCursor(table, range);
    cursor->SeekToFirst();
    for (size_t i = 0; cursor->Valid() && i < kMaxScannedPerStep; cursor->Next(), ++i) {
      if (candidates.size() >= sweep.batch_rows) break;
      DML_ASSIGN_OR_RETURN(auto digest, judge(cursor->key(), cursor->value()));
      if (digest.has_value()) candidates.push_back({std::string(cursor->key()), *digest});
    }
    DML_RETURN_IF_ERROR(cursor->status());
    const bool more = cursor->Valid();
    if (more) range.lower = std::string(cursor->key());
    cursor.reset();
    if (!candidates.empty()) {
      DML_ASSIGN_OR_RETURN(bool good, RemoveBatch(sweep, candidates, remove));
      if (!good) return false;
    }
    if (!more) return true;
  }
}

// Rows `prefix`, String digest, ... whose digest is in the range of the marks.
KeyRange RangeOf(const KeyBuilder& prefix, const MarkSet& marks) {
  auto at = [&](uint64_t first_bytes) {
    std::string raw = KeyBuilder().U64(first_bytes).Build();
    raw.resize(Digest::kSize, '\0');
    return KeyBuilder(prefix).String(raw).Build();
  };
  return {at(marks.first()),
          marks.last() == UINT64_MAX ? PrefixRange(prefix.Build()).upper : at(marks.last() + 1)};
}

absl::StatusOr<Digest> DigestAfter(std::string_view key, size_t prefix) {
  KeyReader parts(key.substr(prefix));
  DML_ASSIGN_OR_RETURN(std::string raw, parts.String());
  return Digest::FromBytes(raw);
}

// Sweeps rows `prefix`, String digest, ... that `is_marked` does not name.
absl::StatusOr<bool> SweepUnmarked(Sweep& sweep, Table table, const KeyBuilder& prefix,
                                   const MarkSet& marks,
                                   absl::FunctionRef<bool(const Digest&)> is_marked,
                                   Remove remove) {
  const size_t skip = prefix.Build().size();
  return SweepRows(
      sweep, table, RangeOf(prefix, marks),
      [&](std::string_view key, std::string_view) -> absl::StatusOr<std::optional<Digest>> {
        DML_ASSIGN_OR_RETURN(Digest digest, DigestAfter(key, skip));
        if (is_marked(digest)) return std::nullopt;
        return digest;
      },
      remove);
}

// Sweeps rows `row`, String namespace, String digest, ... that are not marked for the namespace.
absl::StatusOr<bool> SweepOfNamespaces(Sweep& sweep, Table table, const KeyBuilder& row,
                                       const MarkSet& marks, NamespaceNumbers& numbers,
                                       Remove remove) {
  std::vector<std::string> namespaces;
  DML_RETURN_IF_ERROR(
      ForEachNamespace(sweep.store.engine(), table, row.Build(), [&](const std::string& ns) {
        namespaces.push_back(ns);
        return absl::OkStatus();
      }));
  for (const std::string& ns : namespaces) {
    const uint32_t group = numbers.Of(ns);
    DML_ASSIGN_OR_RETURN(
        bool good, SweepUnmarked(
                       sweep, table, KeyBuilder(row).String(ns), marks,
                       [&](const Digest& digest) { return marks.Has(digest, group); }, remove));
    if (!good) return false;
  }
  return true;
}

absl::StatusOr<std::optional<ChunkRecord>> FindChunk(const Reader& reader, const Digest& chunk) {
  DML_ASSIGN_OR_RETURN(auto row, reader.Get(Table::kChunkIndex, keys::Chunk(chunk)));
  if (!row.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(ChunkRecord record, wire::DecodeChunkRecord(*row));
  return record;
}

absl::StatusOr<std::optional<BlobRecord>> FindBlob(const Reader& reader, const Digest& blob) {
  DML_ASSIGN_OR_RETURN(auto row, reader.Get(Table::kBlobs, keys::Blob(blob)));
  if (!row.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(BlobRecord record, wire::DecodeBlobRecord(*row));
  return record;
}

// What a plain upload leases whenever it goes on.
Digest LastChunk(const PartialBlob& partial) {
  return partial.chunks.empty() ? Digest() : partial.chunks.back().digest;
}

absl::Status RemoveChunk(Sweep& sweep, Batch& batch, const Candidate& row, bool deltas_only) {
  DML_ASSIGN_OR_RETURN(auto record, FindChunk(batch, row.digest));
  if (!record.has_value()) return absl::OkStatus();
  if (deltas_only && !record->base.has_value()) return absl::OkStatus();
  if (IsYoung(sweep.store, record->stored_time)) {
    ++sweep.record.held;
    return absl::OkStatus();
  }
  DML_ASSIGN_OR_RETURN(bool is_base, sweep.store.IsBase(batch, row.digest));
  if (is_base) {  // Of a delta that was made after the marks.
    ++sweep.record.held;
    return absl::OkStatus();
  }
  if (record->base.has_value()) {
    batch.Delete(Table::kChunkIndex, keys::Dependent(*record->base, row.digest));
  }
  batch.Delete(Table::kChunkIndex, row.key);
  batch.Delete(Table::kChunkIndex, keys::DamagedChunk(row.digest));
  if (record->pack == 0) batch.Delete(Table::kChunks, row.digest.raw());
  ++sweep.record.chunks;
  sweep.record.chunk_bytes += record->stored_size;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> SweepPartials(Sweep& sweep) {
  return SweepRows(
      sweep, Table::kBlobs, PrefixRange(keys::Start(keys::BlobRow::kPartial).Build()),
      [](std::string_view, std::string_view value) -> absl::StatusOr<std::optional<Digest>> {
        DML_ASSIGN_OR_RETURN(PartialBlob partial, wire::DecodePartialBlob(value));
        return LastChunk(partial);
      },
      [&](Batch& batch, const Candidate& row) -> absl::Status {
        DML_ASSIGN_OR_RETURN(auto value, batch.Get(Table::kBlobs, row.key));
        if (!value.has_value()) return absl::OkStatus();
        DML_ASSIGN_OR_RETURN(PartialBlob partial, wire::DecodePartialBlob(*value));
        if (LastChunk(partial) != row.digest) {  // An upload went on with it meanwhile.
          ++sweep.record.held;
          return absl::OkStatus();
        }
        DML_ASSIGN_OR_RETURN(auto chunk, FindChunk(batch, row.digest));
        if (chunk.has_value() && IsYoung(sweep.store, chunk->stored_time)) {
          ++sweep.record.held;
          return absl::OkStatus();
        }
        batch.Delete(Table::kBlobs, row.key);
        ++sweep.record.partials;
        return absl::OkStatus();
      });
}

absl::StatusOr<bool> SweepVisibleBlobs(Sweep& sweep, const MarkSet& marks,
                                       NamespaceNumbers& numbers) {
  return SweepOfNamespaces(sweep, Table::kBlobs, keys::Start(keys::BlobRow::kVisibleBlob), marks,
                           numbers, [&](Batch& batch, const Candidate& row) -> absl::Status {
                             DML_ASSIGN_OR_RETURN(auto blob, FindBlob(batch, row.digest));
                             if (blob.has_value() && IsYoung(sweep.store, blob->stored_time)) {
                               ++sweep.record.held;
                               return absl::OkStatus();
                             }
                             batch.Delete(Table::kBlobs, row.key);
                             ++sweep.record.visible_blobs;
                             return absl::OkStatus();
                           });
}

absl::StatusOr<bool> SweepBlobs(Sweep& sweep, const MarkSet& marks) {
  return SweepUnmarked(
      sweep, Table::kBlobs, keys::Start(keys::BlobRow::kBlob), marks,
      [&](const Digest& digest) { return marks.HasAny(digest); },
      [&](Batch& batch, const Candidate& row) -> absl::Status {
        DML_ASSIGN_OR_RETURN(auto blob, FindBlob(batch, row.digest));
        if (!blob.has_value()) return absl::OkStatus();
        if (IsYoung(sweep.store, blob->stored_time)) {
          ++sweep.record.held;
          return absl::OkStatus();
        }
        batch.Delete(Table::kBlobs, row.key);
        for (uint64_t first = 0; first < blob->chunk_count; first += kChunksPerPage) {
          batch.Delete(Table::kBlobs, keys::ChunkPage(row.digest, first / kChunksPerPage));
        }
        ++sweep.record.blobs;
        return absl::OkStatus();
      });
}

absl::StatusOr<bool> SweepVisibleChunks(Sweep& sweep, const MarkSet& marks,
                                        NamespaceNumbers& numbers) {
  return SweepOfNamespaces(sweep, Table::kChunkIndex, keys::Start(keys::IndexRow::kVisibleChunk),
                           marks, numbers, [&](Batch& batch, const Candidate& row) -> absl::Status {
                             DML_ASSIGN_OR_RETURN(auto chunk, FindChunk(batch, row.digest));
                             if (chunk.has_value() && IsYoung(sweep.store, chunk->stored_time)) {
                               ++sweep.record.held;
                               return absl::OkStatus();
                             }
                             batch.Delete(Table::kChunkIndex, row.key);
                             ++sweep.record.visible_chunks;
                             return absl::OkStatus();
                           });
}

absl::StatusOr<bool> SweepDeltas(Sweep& sweep, const MarkSet& marks) {
  return SweepRows(
      sweep, Table::kChunkIndex, RangeOf(keys::Start(keys::IndexRow::kChunk), marks),
      [&](std::string_view key, std::string_view value) -> absl::StatusOr<std::optional<Digest>> {
        DML_ASSIGN_OR_RETURN(ChunkRecord record, wire::DecodeChunkRecord(value));
        if (!record.base.has_value()) return std::nullopt;
        DML_ASSIGN_OR_RETURN(Digest digest, DigestAfter(key, 1));
        if (marks.HasAny(digest)) return std::nullopt;
        return digest;
      },
      [&](Batch& batch, const Candidate& row) { return RemoveChunk(sweep, batch, row, true); });
}

absl::StatusOr<bool> SweepChunks(Sweep& sweep, const MarkSet& marks) {
  auto is_marked = [&](const Digest& digest) { return marks.HasAny(digest); };
  DML_ASSIGN_OR_RETURN(bool good,
                       SweepUnmarked(sweep, Table::kChunkIndex, keys::Start(keys::IndexRow::kChunk),
                                     marks, is_marked, [&](Batch& batch, const Candidate& row) {
                                       return RemoveChunk(sweep, batch, row, false);
                                     }));
  if (!good) return false;
  return SweepUnmarked(sweep, Table::kChunkIndex, keys::Start(keys::IndexRow::kDamagedChunk), marks,
                       is_marked, [&](Batch& batch, const Candidate& row) -> absl::Status {
                         DML_ASSIGN_OR_RETURN(auto chunk, FindChunk(batch, row.digest));
                         if (!chunk.has_value()) batch.Delete(Table::kChunkIndex, row.key);
                         return absl::OkStatus();
                       });
}

}  // namespace dml
