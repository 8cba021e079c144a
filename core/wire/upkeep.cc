#include "core/wire/upkeep.h"

#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {

std::string Encode(const CollectionRecord& record) {
  pb::CollectionRecord m;
  m.set_phase(static_cast<uint32_t>(record.phase));
  m.set_from(record.from);
  m.set_author(record.author);
  m.set_start_micros(ToMicros(record.start_time));
  m.set_finish_micros(ToMicros(record.finish_time));
  m.set_leases_end_micros(ToMicros(record.leases_end_time));
  m.set_entries(record.entries);
  m.set_variants(record.variants);
  m.set_variant_bytes(record.variant_bytes);
  m.set_partials(record.partials);
  m.set_visible_blobs(record.visible_blobs);
  m.set_blobs(record.blobs);
  m.set_visible_chunks(record.visible_chunks);
  m.set_chunks(record.chunks);
  m.set_chunk_bytes(record.chunk_bytes);
  m.set_packs(record.packs);
  m.set_pack_bytes(record.pack_bytes);
  m.set_packs_repacked(record.packs_repacked);
  m.set_held(record.held);
  return SerializeDeterministically(m);
}

absl::StatusOr<CollectionRecord> DecodeCollectionRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::CollectionRecord>(bytes));
  if (m.phase() < static_cast<uint32_t>(CollectionPhase::kDecide) ||
      m.phase() > static_cast<uint32_t>(CollectionPhase::kDone)) {
    return DataLoss(kRecordInvalid, "collection phase {} is unknown: upgrade the program",
                    m.phase());
  }
  CollectionRecord record;
  record.phase = static_cast<CollectionPhase>(m.phase());
  record.from = m.from();
  record.author = m.author();
  record.start_time = FromMicros(m.start_micros());
  record.finish_time = FromMicros(m.finish_micros());
  record.leases_end_time = FromMicros(m.leases_end_micros());
  record.entries = m.entries();
  record.variants = m.variants();
  record.variant_bytes = m.variant_bytes();
  record.partials = m.partials();
  record.visible_blobs = m.visible_blobs();
  record.blobs = m.blobs();
  record.visible_chunks = m.visible_chunks();
  record.chunks = m.chunks();
  record.chunk_bytes = m.chunk_bytes();
  record.packs = m.packs();
  record.pack_bytes = m.pack_bytes();
  record.packs_repacked = m.packs_repacked();
  record.held = m.held();
  return record;
}

std::string Encode(const ScrubRecord& record) {
  pb::ScrubRecord m;
  if (record.cursor.has_value()) m.set_cursor_sha256(std::string(record.cursor->raw()));
  m.set_running(record.running);
  m.set_start_micros(ToMicros(record.start_time));
  m.set_finish_micros(ToMicros(record.finish_time));
  m.set_chunks(record.chunks);
  m.set_bytes(record.bytes);
  m.set_damaged_count(record.damaged_count);
  for (const DamagedChunk& damaged : record.damaged) {
    pb::DamagedChunk* out = m.add_damaged();
    out->set_sha256(std::string(damaged.chunk.raw()));
    if (damaged.base.has_value()) out->set_base_sha256(std::string(damaged.base->raw()));
    for (const std::string& variant : damaged.variants) out->add_variants(variant);
  }
  return SerializeDeterministically(m);
}

absl::StatusOr<ScrubRecord> DecodeScrubRecord(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ScrubRecord>(bytes));
  ScrubRecord record;
  if (!m.cursor_sha256().empty()) {
    DML_ASSIGN_OR_RETURN(record.cursor, DigestFrom(m.cursor_sha256()));
  }
  record.running = m.running();
  record.start_time = FromMicros(m.start_micros());
  record.finish_time = FromMicros(m.finish_micros());
  record.chunks = m.chunks();
  record.bytes = m.bytes();
  record.damaged_count = m.damaged_count();
  for (const pb::DamagedChunk& in : m.damaged()) {
    DamagedChunk damaged;
    DML_ASSIGN_OR_RETURN(damaged.chunk, DigestFrom(in.sha256()));
    if (!in.base_sha256().empty()) {
      DML_ASSIGN_OR_RETURN(damaged.base, DigestFrom(in.base_sha256()));
    }
    damaged.variants.assign(in.variants().begin(), in.variants().end());
    record.damaged.push_back(std::move(damaged));
  }
  return record;
}

}  // namespace dml::wire
