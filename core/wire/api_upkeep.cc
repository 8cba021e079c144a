#include "core/wire/api_upkeep.h"

namespace dml::wire {
namespace {

absl::StatusOr<Digest> DigestOf(std::string_view raw, std::string_view field) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(raw);
  if (!digest.ok()) return AtField(digest.status(), field);
  return digest;
}

absl::StatusOr<std::chrono::seconds> SecondsOf(const google::protobuf::Duration& in,
                                               std::string_view field) {
  if (in.nanos() == 0) return std::chrono::seconds(in.seconds());
  return AtField(InvalidArgument(ErrorReason("RETENTION_INVALID"), "{} is of whole seconds", field),
                 field);
}

}  // namespace

void To(const CollectionRecord& record, v1::Collection* out) {
  out->set_phase(static_cast<v1::Collection::Phase>(record.phase));
  out->set_author(record.author);
  if (record.start_time != Timestamp()) To(record.start_time, out->mutable_start_time());
  if (record.finish_time != Timestamp()) To(record.finish_time, out->mutable_finish_time());
  if (record.leases_end_time != Timestamp()) {
    To(record.leases_end_time, out->mutable_leases_end_time());
  }
  out->set_entries(record.entries);
  out->set_variants(record.variants);
  out->set_variant_bytes(record.variant_bytes);
  out->set_partial_blobs(record.partials);
  out->set_visible_blobs(record.visible_blobs);
  out->set_blobs(record.blobs);
  out->set_visible_chunks(record.visible_chunks);
  out->set_chunks(record.chunks);
  out->set_chunk_bytes(record.chunk_bytes);
  out->set_packs(record.packs);
  out->set_pack_bytes(record.pack_bytes);
  out->set_packs_repacked(record.packs_repacked);
  out->set_held(record.held);
}

absl::StatusOr<CollectionRecord> From(const v1::Collection& in) {
  if (in.phase() < v1::Collection::PHASE_DECIDE || in.phase() > v1::Collection::PHASE_DONE) {
    return AtField(InvalidArgument(ErrorReason("PHASE_UNKNOWN"), "phase {} is unknown",
                                   static_cast<int>(in.phase())),
                   "phase");
  }
  CollectionRecord record;
  record.phase = static_cast<CollectionPhase>(in.phase());
  record.author = in.author();
  record.start_time = From(in.start_time());
  record.finish_time = From(in.finish_time());
  record.leases_end_time = From(in.leases_end_time());
  record.entries = in.entries();
  record.variants = in.variants();
  record.variant_bytes = in.variant_bytes();
  record.partials = in.partial_blobs();
  record.visible_blobs = in.visible_blobs();
  record.blobs = in.blobs();
  record.visible_chunks = in.visible_chunks();
  record.chunks = in.chunks();
  record.chunk_bytes = in.chunk_bytes();
  record.packs = in.packs();
  record.pack_bytes = in.pack_bytes();
  record.packs_repacked = in.packs_repacked();
  record.held = in.held();
  return record;
}

void To(const RepackRecord& record, v1::Repack* out) {
  if (record.start_time != Timestamp()) To(record.start_time, out->mutable_start_time());
  if (record.finish_time != Timestamp()) To(record.finish_time, out->mutable_finish_time());
  out->set_folded_chunks(record.folded_chunks);
  out->set_folded_bytes(record.folded_bytes);
  out->set_deltas(record.deltas);
  out->set_delta_bytes(record.delta_bytes);
  out->set_delta_bytes_saved(record.delta_bytes_saved);
  out->set_packs_repacked(record.packs_repacked);
  out->set_packs_dropped(record.packs_dropped);
  out->set_moved_bytes(record.moved_bytes);
  out->set_damaged_chunks(record.damaged);
}

RepackRecord From(const v1::Repack& in) {
  RepackRecord out;
  out.start_time = From(in.start_time());
  out.finish_time = From(in.finish_time());
  out.folded_chunks = in.folded_chunks();
  out.folded_bytes = in.folded_bytes();
  out.deltas = in.deltas();
  out.delta_bytes = in.delta_bytes();
  out.delta_bytes_saved = in.delta_bytes_saved();
  out.packs_repacked = in.packs_repacked();
  out.packs_dropped = in.packs_dropped();
  out.moved_bytes = in.moved_bytes();
  out.damaged = in.damaged_chunks();
  return out;
}

void To(const StorageFigures& figures, v1::StorageFigures* out) {
  if (figures.time != Timestamp()) To(figures.time, out->mutable_measure_time());
  out->set_live_variants(figures.live_variants);
  out->set_logical_bytes(figures.logical_bytes);
  out->set_stored_bytes(figures.stored_bytes());
  out->set_reclaimable_bytes(figures.reclaimable_bytes());
  out->set_chunks(figures.chunks);
  out->set_delta_chunks(figures.delta_chunks);
  out->set_chunk_bytes(figures.chunk_bytes);
  out->set_packs(figures.packs);
  out->set_dead_bytes(figures.dead_bytes);
  out->set_unreferenced_chunks(figures.unreferenced_chunks);
  out->set_unreferenced_bytes(figures.unreferenced_bytes);
}

StorageFigures From(const v1::StorageFigures& in) {
  StorageFigures figures;
  figures.time = From(in.measure_time());
  figures.live_variants = in.live_variants();
  figures.logical_bytes = in.logical_bytes();
  figures.chunks = in.chunks();
  figures.delta_chunks = in.delta_chunks();
  figures.chunk_bytes = in.chunk_bytes();
  figures.packs = in.packs();
  figures.dead_bytes = in.dead_bytes();
  figures.unreferenced_chunks = in.unreferenced_chunks();
  figures.unreferenced_bytes = in.unreferenced_bytes();
  return figures;
}

void To(const DamagedChunk& damaged, v1::DamagedChunk* out) {
  out->set_sha256(std::string(damaged.chunk.raw()));
  if (damaged.base.has_value()) out->set_base_sha256(std::string(damaged.base->raw()));
  for (const std::string& variant : damaged.variants) out->add_variants(variant);
}

absl::StatusOr<DamagedChunk> From(const v1::DamagedChunk& in) {
  DamagedChunk damaged;
  DML_ASSIGN_OR_RETURN(damaged.chunk, DigestOf(in.sha256(), "sha256"));
  if (!in.base_sha256().empty()) {
    DML_ASSIGN_OR_RETURN(damaged.base, DigestOf(in.base_sha256(), "base_sha256"));
  }
  damaged.variants.assign(in.variants().begin(), in.variants().end());
  return damaged;
}

void To(const RetentionRecord& record, v1::Retention* out) {
  out->set_namespace_(NamespaceResource(record.ns));
  out->set_keep(static_cast<v1::Retention::Keep>(record.policy.keep));
  out->set_keep_versions(record.policy.keep_versions);
  out->mutable_keep_age()->set_seconds(record.policy.keep_age.count());
  out->set_collect_withdrawn(record.policy.collect_withdrawn);
  out->mutable_withdrawn_grace()->set_seconds(record.policy.withdrawn_grace.count());
  out->set_etag(record.Etag());
  out->set_index(record.index);
  if (record.time != Timestamp()) To(record.time, out->mutable_set_time());
  out->set_author(record.author);
}

absl::StatusOr<RetentionRecord> From(const v1::Retention& in) {
  RetentionRecord record;
  DML_ASSIGN_OR_RETURN(record.ns, ParseResource(in.namespace_(), "namespaces"));
  if (in.keep() < v1::Retention::KEEP_EVERYTHING || in.keep() > v1::Retention::KEEP_ONLY_HELD) {
    return AtField(InvalidArgument(ErrorReason("RETENTION_INVALID"),
                                   "say what is kept: everything, what matches, or only what is "
                                   "held"),
                   "keep");
  }
  record.policy.keep = static_cast<RetentionKeep>(in.keep());
  record.policy.keep_versions = in.keep_versions();
  DML_ASSIGN_OR_RETURN(record.policy.keep_age, SecondsOf(in.keep_age(), "keep_age"));
  record.policy.collect_withdrawn = in.collect_withdrawn();
  DML_ASSIGN_OR_RETURN(record.policy.withdrawn_grace,
                       SecondsOf(in.withdrawn_grace(), "withdrawn_grace"));
  record.index = in.index();
  record.time = From(in.set_time());
  record.author = in.author();
  return record;
}

}  // namespace dml::wire
