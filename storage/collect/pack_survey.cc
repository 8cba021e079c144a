#include "storage/collect/pack_survey.h"

#include <algorithm>

namespace dml {

absl::StatusOr<std::vector<PackUse>> SurveyPacks(const Reader& reader, StepFn step) {
  std::vector<PackUse> packs;
  DML_RETURN_IF_ERROR(ForEachPack(reader, [&](uint64_t pack, const PackRecord& record) {
    packs.push_back({pack, record.stored_bytes, 0});
  }));
  DML_RETURN_IF_ERROR(
      ForEachStoredChunk(reader, step, [&](const Digest&, const ChunkRecord& record) {
        const auto at = std::ranges::lower_bound(packs, record.pack, {}, &PackUse::pack);
        if (record.pack != 0 && at != packs.end() && at->pack == record.pack) {
          at->live_bytes += record.stored_size;
        }
        return absl::OkStatus();
      }));
  return packs;
}

}  // namespace dml
