#include "storage/collect/storage_figures.h"

#include <algorithm>

namespace dml {
namespace {

// Answers for variants in the order of packages whether their payload would go.
class Plan {
 public:
  Plan(const Reader& reader, RootSources sources, Timestamp now)
      : reader_(reader), sources_(sources), now_(now) {}

  absl::StatusOr<bool> LetsGo(const VariantName& name) {
    if (sources_.empty()) return false;
    if (!planned_.has_value() || *planned_ != name.package) {
      DML_ASSIGN_OR_RETURN(items_, PlanPackage(reader_, sources_, name.package, now_));
      planned_ = name.package;
    }
    return std::ranges::binary_search(items_, name, {}, &Collectable::name);
  }

 private:
  const Reader& reader_;
  const RootSources sources_;
  const Timestamp now_;
  std::optional<PackageName> planned_;
  std::vector<Collectable> items_;
};

absl::Status MarkPlanned(const Reader& reader, Plan plan, StepFn step, MarkSet& marks) {
  return ForEachPayload(
      reader, step, [&](const VariantRecord& record, const Manifest& manifest) -> absl::Status {
        DML_ASSIGN_OR_RETURN(bool goes, plan.LetsGo(record.name));
        if (goes) return absl::OkStatus();
        for (const ManifestFile& file : manifest.files) {
          DML_RETURN_IF_ERROR(ForEachChunk(
              reader, file.blob.digest, [&](const ChunkRef& chunk) { marks.Add(chunk.digest); }));
        }
        return absl::OkStatus();
      });
}

}  // namespace

absl::StatusOr<StorageFigures> MeasureStorage(const Reader& reader, RootSources sources,
                                              Timestamp now, size_t mark_bytes, StepFn step) {
  StorageFigures out;
  out.time = now;
  Plan plan(reader, sources, now);
  DML_RETURN_IF_ERROR(ForEachPayload(
      reader, step, [&](const VariantRecord& record, const Manifest&) -> absl::Status {
        DML_ASSIGN_OR_RETURN(bool goes, plan.LetsGo(record.name));
        if (goes || record.state != VariantState::kPublished) return absl::OkStatus();
        ++out.live_variants;
        out.logical_bytes += record.payload_size;
        return absl::OkStatus();
      }));

  uint64_t packed_bytes = 0;  // Live ones.
  uint64_t from = 0;
  do {
    MarkSet marks(mark_bytes, from);
    DML_RETURN_IF_ERROR(MarkPlanned(reader, Plan(reader, sources, now), step, marks));
    DML_RETURN_IF_ERROR(MarkBases(reader, step, marks));
    marks.Seal();
    DML_RETURN_IF_ERROR(
        ForEachStoredChunk(reader, step, [&](const Digest& chunk, const ChunkRecord& record) {
          const uint64_t prefix = MarkSet::PrefixOf(chunk);
          if (prefix < marks.first() || prefix > marks.last()) return absl::OkStatus();
          ++out.chunks;
          out.chunk_bytes += record.stored_size;
          if (record.base.has_value()) ++out.delta_chunks;
          if (record.pack != 0) packed_bytes += record.stored_size;
          if (!marks.HasAny(chunk)) {
            ++out.unreferenced_chunks;
            out.unreferenced_bytes += record.stored_size;
          }
          return absl::OkStatus();
        }));
    from = marks.last() == UINT64_MAX ? 0 : marks.last() + 1;
  } while (from != 0);

  uint64_t pack_bytes = 0;
  DML_RETURN_IF_ERROR(ForEachPack(reader, [&](uint64_t, const PackRecord& record) {
    ++out.packs;
    pack_bytes += record.stored_bytes;
  }));
  out.dead_bytes = pack_bytes - std::min(pack_bytes, packed_bytes);
  return out;
}

}  // namespace dml
