#include "storage/collect/repack_pass.h"

#include <algorithm>
#include <span>

#include "storage/collect/pack_survey.h"
#include "storage/library/delta_plan.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

constexpr uint64_t kFoldBytes = 64 << 20;  // At a time.
constexpr uint64_t kDeltaBytes = 8 << 20;
constexpr size_t kPacksAtATime = 8;  // What is left of them fills packs together.
constexpr uint64_t kSmallShare = 8;  // Packs below this part of a full one are merged.

// The first package after `last`, or the first of all.
absl::StatusOr<std::optional<PackageName>> NextPackage(const Reader& state,
                                                       const std::optional<PackageName>& last) {
  const std::string all = view_keys::Start(view_keys::Row::kPackage).Build();
  auto cursor = state.NewCursor(Table::kViews, PrefixRange(all));
  if (last.has_value()) {
    const std::string own =
        view_keys::Start(view_keys::Row::kPackage).String(last->ns).String(last->name).Build();
    cursor->Seek(PrefixRange(own).upper);
  } else {
    cursor->SeekToFirst();
  }
  DML_RETURN_IF_ERROR(cursor->status());
  if (!cursor->Valid()) return std::nullopt;
  KeyReader key(cursor->key());
  DML_RETURN_IF_ERROR(key.U8().status());
  PackageName out;
  DML_ASSIGN_OR_RETURN(out.ns, key.String());
  DML_ASSIGN_OR_RETURN(out.name, key.String());
  return out;
}

// Packs that are mostly dead; and small ones, as deltas leave them, the smallest first and only as
// many at once, so that a frame moves few times until its pack is full.
std::vector<uint64_t> WorthMoving(const std::vector<PackUse>& packs, uint64_t pack_bytes) {
  std::vector<uint64_t> out;
  std::vector<PackUse> small;
  for (const PackUse& use : packs) {
    if (use.sparse()) {
      out.push_back(use.pack);
    } else if (use.stored_bytes < pack_bytes / kSmallShare) {
      small.push_back(use);
    }
  }
  std::ranges::sort(small, {}, &PackUse::stored_bytes);
  small.resize(small.size() / kPacksAtATime * kPacksAtATime);
  for (const PackUse& use : small) out.push_back(use.pack);
  return out;
}

}  // namespace

absl::StatusOr<RepackRecord> RepackPass::Run() {
  record_ = {};
  record_.start_time = library_.content().chunks().options().clock();
  DML_RETURN_IF_ERROR(Fold());
  DML_RETURN_IF_ERROR(MakeDeltas());
  DML_RETURN_IF_ERROR(RepackPacks());
  record_.finish_time = library_.content().chunks().options().clock();
  return record_;
}

absl::Status RepackPass::Fold() {
  FoldReport report;
  do {
    DML_ASSIGN_OR_RETURN(report, repacker_.Fold(kFoldBytes));
    record_.folded_chunks += report.moved.chunks;
    record_.folded_bytes += report.moved.bytes;
    DML_RETURN_IF_ERROR(progress_(record_, report.moved.bytes));
  } while (report.more);
  return absl::OkStatus();
}

absl::Status RepackPass::MakeDeltas() {
  DML_ASSIGN_OR_RETURN(auto row, library_.engine().Get(Table::kMeta, kDeltasDone));
  uint64_t done_index = 0;
  if (row.has_value()) {
    DML_ASSIGN_OR_RETURN(done_index, KeyReader(*row).U64());
  }
  // Of before the first look: what is published meanwhile is for the next pass.
  const uint64_t last_index = library_.checkpoint()->checkpoint.size - 1;
  if (last_index <= done_index) return absl::OkStatus();
  std::optional<PackageName> package;
  while (true) {
    DML_ASSIGN_OR_RETURN(package, NextPackage(*library_.Read(), package));
    if (!package.has_value()) break;
    DML_RETURN_IF_ERROR(MakeDeltasOf(*package, done_index));
    DML_RETURN_IF_ERROR(progress_(record_, 0));
  }
  auto batch = library_.engine().NewBatch();
  batch->Put(Table::kMeta, kDeltasDone, KeyBuilder().U64(last_index).Build());
  return library_.engine().Commit(std::move(batch), Durability::kBuffered);
}

absl::Status RepackPass::MakeDeltasOf(const PackageName& package, uint64_t done_index) {
  DeltaMaker maker(library_.content().chunks());
  auto state = library_.Read();
  return PlanPackageDeltas(
      *state, library_.content(), package, done_index, [&](const DeltaPlan& plan) -> absl::Status {
        size_t next = 0;
        while (next < plan.targets.size()) {
          DML_ASSIGN_OR_RETURN(DeltaReport report, maker.Make(plan, next, kDeltaBytes));
          next = report.next;
          record_.deltas += report.moved.chunks;
          record_.delta_bytes += report.moved.bytes;
          record_.delta_bytes_saved += report.bytes_saved;
          DML_RETURN_IF_ERROR(progress_(record_, kDeltaBytes));
        }
        return absl::OkStatus();
      });
}

absl::Status RepackPass::RepackPacks() {
  auto step = [this] { return progress_(record_, 0); };
  DML_ASSIGN_OR_RETURN(std::vector<PackUse> packs, SurveyPacks(*library_.Read(), step));
  const std::vector<uint64_t> work =
      WorthMoving(packs, library_.content().chunks().options().pack_bytes);
  for (size_t i = 0; i < work.size(); i += kPacksAtATime) {
    const auto group = std::span(work).subspan(i, std::min(kPacksAtATime, work.size() - i));
    DML_ASSIGN_OR_RETURN(RepackReport report, repacker_.Repack(group));
    record_.packs_repacked += group.size();
    record_.packs_dropped += report.packs_dropped;
    record_.moved_bytes += report.moved.bytes;
    record_.damaged += report.damaged.size();
    DML_RETURN_IF_ERROR(progress_(record_, report.moved.bytes));
  }
  return absl::OkStatus();
}

}  // namespace dml
