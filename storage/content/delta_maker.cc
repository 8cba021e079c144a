#include "storage/content/delta_maker.h"

#include <utility>

#include "core/content/delta.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

// Damage, which is noted where it is found, and the end of a chunk concern that chunk alone.
bool ConcernsOneChunk(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status);
}

}  // namespace

// The row of a chunk that is stored in full and seen by the namespace.
absl::StatusOr<std::optional<ChunkRecord>> DeltaMaker::Eligible(const std::string& ns,
                                                                const Digest& chunk) const {
  DML_ASSIGN_OR_RETURN(auto record, store_.Find(store_.engine(), chunk));
  if (!record.has_value() || record->base.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(bool visible, store_.IsVisible(ns, chunk));
  if (!visible) record.reset();
  return record;
}

absl::StatusOr<std::vector<Digest>> DeltaMaker::EligibleBases(const std::string& ns,
                                                              const DeltaTarget& target) const {
  std::vector<Digest> bases;
  for (const Digest& base : target.bases) {
    if (base == target.chunk) continue;
    DML_ASSIGN_OR_RETURN(auto record, Eligible(ns, base));
    if (record.has_value()) bases.push_back(base);
  }
  return bases;
}

// The raw bytes, hashed; adds what was read to `bytes`.
absl::StatusOr<std::string> DeltaMaker::Load(const Digest& chunk, uint64_t& bytes) const {
  DML_ASSIGN_OR_RETURN(std::string raw, store_.LoadRaw(chunk));
  bytes += raw.size();
  if (Sha256(raw) == chunk) return raw;
  return store_.LoadVerified({chunk, static_cast<uint32_t>(raw.size())});
}

absl::Status DeltaMaker::MakeOne(const std::string& ns, const DeltaTarget& target,
                                 FrameMover& mover, uint64_t& bytes, DeltaReport& report) const {
  DML_ASSIGN_OR_RETURN(auto from, Eligible(ns, target.chunk));
  if (!from.has_value()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(bool is_base, store_.IsBase(store_.engine(), target.chunk));
  if (is_base) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(std::vector<Digest> bases, EligibleBases(ns, target));
  if (bases.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(std::string raw, Load(target.chunk, bytes));
  const auto load = [&](const Digest& base) { return Load(base, bytes); };
  DML_ASSIGN_OR_RETURN(auto delta,
                       EncodeBestDelta(AsBytes(raw), from->stored_size, bases, load, level_));
  if (!delta.has_value()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(std::string base_raw, Load(delta->base, bytes));
  DML_ASSIGN_OR_RETURN(std::string decoded,
                       DecodeDelta(AsBytes(delta->frame), from->raw_size, AsBytes(base_raw)));
  if (decoded != raw) {
    return Internal(ErrorReason("DELTA_WRONG"), "the delta of chunk {} decodes to other bytes",
                    target.chunk.ToString());
  }
  ChunkRecord to = *from;
  to.codec = FrameCodec::kZstdDelta;
  to.base = delta->base;
  to.stored_size = static_cast<uint32_t>(delta->frame.size());
  to.stored_digest = Sha256(delta->frame);
  report.bytes_saved += from->stored_size - to.stored_size;
  return mover.Add(target.chunk, *from, to, std::move(delta->frame));
}

absl::StatusOr<DeltaReport> DeltaMaker::Make(const DeltaPlan& plan, size_t first,
                                             uint64_t max_bytes) {
  DeltaReport report;
  FrameMover mover(store_, 0);
  uint64_t bytes = 0;
  for (report.next = first; report.next < plan.targets.size() && bytes < max_bytes; ++report.next) {
    const absl::Status made = MakeOne(plan.ns, plan.targets[report.next], mover, bytes, report);
    if (!made.ok() && !ConcernsOneChunk(made)) return made;
  }
  DML_RETURN_IF_ERROR(mover.Finish());
  report.moved = mover.totals();
  return report;
}

}  // namespace dml
