#include "storage/collect/scrub.h"

#include <map>

#include "core/content/delta.h"
#include "core/crypto/sha256.h"
#include "core/wire/upkeep.h"
#include "storage/collect/marking.h"
#include "storage/content/content_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

constexpr std::string_view kPassKey = "scrub.pass";

// What a frame decodes to, `base` being the raw bytes of a delta's base; "" where it does not.
std::string Decode(const StoredChunk& stored, std::string_view base) {
  const EncodedChunk& frame = stored.frame;
  absl::StatusOr<std::string> raw =
      stored.base.has_value() ? DecodeDelta(AsBytes(frame.stored), frame.raw_size, AsBytes(base))
                              : DecodeChunk(frame.codec, AsBytes(frame.stored), frame.raw_size);
  return raw.ok() ? *std::move(raw) : "";
}

}  // namespace

absl::Status Pacer::Spend(uint64_t bytes) {
  if (!started_.has_value()) started_ = clock_();
  bytes_ += bytes;
  const auto due = std::chrono::nanoseconds(static_cast<int64_t>(
      static_cast<double>(bytes_) * 1e9 / static_cast<double>(bytes_per_second_)));
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_() - *started_);
  return due > passed ? sleep_(due - passed) : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Scrub>> Scrub::Open(ContentStore& content) {
  std::unique_ptr<Scrub> scrub(new Scrub(content));
  DML_ASSIGN_OR_RETURN(auto row, content.chunks().engine().Get(Table::kMeta, kPassKey));
  if (row.has_value()) {
    DML_ASSIGN_OR_RETURN(scrub->record_, wire::DecodeScrubRecord(*row));
  }
  return scrub;
}

absl::Status Scrub::Save(Durability durability) {
  auto batch = store().engine().NewBatch();
  batch->Put(Table::kMeta, kPassKey, wire::Encode(record_));
  return store().engine().Commit(std::move(batch), durability);
}

absl::Status Scrub::Start() {
  if (record_.running) return absl::OkStatus();
  const Timestamp finished = record_.finish_time;
  record_ = {};
  record_.running = true;
  record_.start_time = store().options().clock();
  record_.finish_time = finished;
  return Save(Durability::kSynced);
}

absl::Status Scrub::Step(size_t chunks, Pacer& pacer) {
  if (!record_.running) return absl::OkStatus();
  KeyRange range = PrefixRange(keys::Start(keys::IndexRow::kChunk).Build());
  if (record_.cursor.has_value()) range.lower = keys::Chunk(*record_.cursor);
  std::vector<Digest> next;
  auto cursor = store().engine().NewCursor(Table::kChunkIndex, range);
  for (cursor->SeekToFirst(); cursor->Valid() && next.size() < chunks; cursor->Next()) {
    KeyReader key(cursor->key().substr(1));
    DML_ASSIGN_OR_RETURN(std::string raw, key.String());
    DML_ASSIGN_OR_RETURN(Digest chunk, Digest::FromBytes(raw));
    if (chunk != record_.cursor) next.push_back(chunk);
  }
  DML_RETURN_IF_ERROR(cursor->status());
  const bool more = cursor->Valid();
  cursor.reset();
  for (const Digest& chunk : next) {
    const uint64_t before = record_.bytes;
    DML_RETURN_IF_ERROR(Check(chunk));
    record_.cursor = chunk;
    DML_RETURN_IF_ERROR(pacer.Spend(record_.bytes - before));
  }
  return more ? Save(Durability::kBuffered) : Finish(pacer);
}

absl::Status Scrub::Check(const Digest& chunk) {
  absl::StatusOr<StoredChunk> stored = store().Load(chunk);
  if (absl::IsNotFound(stored.status())) return absl::OkStatus();  // Collected meanwhile.
  ++record_.chunks;
  if (absl::IsDataLoss(stored.status())) return Report({chunk, std::nullopt, {}});
  DML_RETURN_IF_ERROR(stored.status());
  record_.bytes += stored->frame.stored.size();
  std::string base_raw;
  if (stored->base.has_value()) {
    absl::StatusOr<StoredChunk> base = store().Load(*stored->base);
    if (base.ok()) {
      record_.bytes += base->frame.stored.size();
      base_raw = Decode(*base, "");
    }
    if (absl::IsNotFound(base.status()) || absl::IsDataLoss(base.status()) ||
        (base.ok() && Sha256(base_raw) != *stored->base)) {
      return Report({chunk, stored->base, {}});
    }
    DML_RETURN_IF_ERROR(base.status());
  }
  if (Sha256(Decode(*stored, base_raw)) == chunk) return absl::OkStatus();
  return Report({chunk, std::nullopt, {}});
}

absl::Status Scrub::Report(DamagedChunk damaged) {
  DML_RETURN_IF_ERROR(store().MarkDamaged(damaged.chunk));
  ++record_.damaged_count;
  if (record_.damaged.size() < kMaxDamagedTold) record_.damaged.push_back(std::move(damaged));
  return absl::OkStatus();
}

absl::Status Scrub::Finish(Pacer& pacer) {
  std::map<Digest, DamagedChunk*> damaged;
  for (DamagedChunk& item : record_.damaged) {
    item.variants.clear();
    damaged[item.chunk] = &item;
  }
  if (!damaged.empty()) {
    auto state = store().engine().NewSnapshot();
    auto step = [&] { return pacer.Spend(0); };
    DML_RETURN_IF_ERROR(ForEachPayload(
        *state, step, [&](const VariantRecord& record, const Manifest& manifest) -> absl::Status {
          const std::string name = record.name.ResourceName();
          for (const ManifestFile& file : manifest.files) {
            DML_RETURN_IF_ERROR(ForEachChunk(*state, file.blob.digest, [&](const ChunkRef& chunk) {
              auto it = damaged.find(chunk.digest);
              if (it == damaged.end()) return;
              auto& told = it->second->variants;
              const bool again = !told.empty() && told.back() == name;
              if (!again && told.size() < kMaxDamagedVariantsTold) told.push_back(name);
            }));
          }
          return absl::OkStatus();
        }));
  }
  record_.running = false;
  record_.cursor.reset();
  record_.finish_time = store().options().clock();
  return Save(Durability::kSynced);
}

}  // namespace dml
