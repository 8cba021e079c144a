#include "storage/collect/collector.h"

#include <set>

#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "core/wire/upkeep.h"
#include "storage/collect/pack_survey.h"
#include "storage/collect/sweep.h"
#include "storage/content/content_keys.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

namespace keys = content_keys;

constexpr std::string_view kPassKey = "collect.pass";
// Of one entry: what it may hold (kMaxEntryBytes), and what a group of commands should.
constexpr size_t kMaxNameBytes = 48 << 10;
constexpr size_t kMaxDigests = 16 << 10;
constexpr int kEntryTries = 3;

}  // namespace

struct Collector::EntryBatch {
  std::string author;
  std::vector<Collectable> items;
  std::vector<std::vector<Digest>> files;  // Of each item.
  size_t name_bytes = 0;
  size_t digests = 0;

  bool HasRoomFor(const Collectable& item, size_t more) const {
    return items.empty() || (name_bytes + item.name.ResourceName().size() <= kMaxNameBytes &&
                             digests + more <= kMaxDigests);
  }
  void Add(Collectable item, std::vector<Digest> item_files) {
    name_bytes += item.name.ResourceName().size();
    digests += item_files.size();
    items.push_back(std::move(item));
    files.push_back(std::move(item_files));
  }
  Command MakeCommand() const {
    std::set<Digest> all;
    PayloadCollected payload;
    for (const Collectable& item : items) payload.variants.push_back(item.name);
    for (const auto& list : files) all.insert(list.begin(), list.end());
    std::string text;
    for (const Digest& digest : all) text += digest.ToString() + "\n";
    payload.digest_list = {Sha256(text), text.size()};
    Command command;
    command.author = author;
    command.payload = std::move(payload);
    command.metadata.push_back(std::move(text));
    return command;
  }
};

absl::StatusOr<CollectionRecord> ReadCollectionRecord(const Reader& reader) {
  DML_ASSIGN_OR_RETURN(auto row, reader.Get(Table::kMeta, kPassKey));
  if (!row.has_value()) return CollectionRecord();
  return wire::DecodeCollectionRecord(*row);
}

absl::Status Collector::Save(Durability durability) {
  auto batch = library_.engine().NewBatch();
  batch->Put(Table::kMeta, kPassKey, wire::Encode(record_));
  return library_.engine().Commit(std::move(batch), durability);
}

absl::StatusOr<CollectionRecord> Collector::Run(const std::string& author) {
  const absl::Status status = RunPass(author);
  if (status.ok()) return record_;
  // So that the counts go on, too; without it the pass still goes on where it was.
  if (record_.start_time != Timestamp()) Save(Durability::kBuffered).IgnoreError();
  return status;
}

absl::Status Collector::RunPass(const std::string& author) {
  record_ = {};
  DML_ASSIGN_OR_RETURN(record_, ReadCollectionRecord(library_.engine()));
  if (record_.phase == Phase::kDone) {
    const Timestamp finished = record_.finish_time;
    record_ = {};
    record_.phase = Phase::kDecide;
    record_.start_time = Now();
    record_.finish_time = finished;
    record_.author = author;
  }
  const uint64_t entries = record_.entries;
  const absl::Status decided = Decide(author);
  if (record_.entries != entries || (decided.ok() && record_.phase == Phase::kDecide)) {
    record_.phase = Phase::kPartials;
    record_.from = 0;
  }
  DML_RETURN_IF_ERROR(decided);
  const Timestamp leases_end = store().leases().AllHeldUntil();
  record_.leases_end_time = Now() < leases_end ? leases_end : Timestamp();
  DML_RETURN_IF_ERROR(Save(Durability::kSynced));
  if (record_.leases_end_time != Timestamp()) return absl::OkStatus();
  while (record_.phase != Phase::kDone) {
    DML_RETURN_IF_ERROR(record_.phase == Phase::kPacks ? CollectPacks() : SweepPhase());
    record_.phase = static_cast<Phase>(static_cast<uint8_t>(record_.phase) + 1);
    record_.from = 0;
    if (record_.phase == Phase::kDone) record_.finish_time = Now();
    // Synced: a pack is dropped only once it is durable that no row refers to it.
    DML_RETURN_IF_ERROR(Save(Durability::kSynced));
  }
  return absl::OkStatus();
}

absl::Status Collector::Decide(const std::string& author) {
  auto state = library_.Read();
  EntryBatch batch{author, {}, {}};
  DML_RETURN_IF_ERROR(
      PlanCollection(*state, sources_, Now(), [&](std::vector<Collectable> plan) -> absl::Status {
        for (Collectable& item : plan) {
          DML_RETURN_IF_ERROR(Step());
          DML_RETURN_IF_ERROR(AddToEntry(std::move(item), *state, batch));
        }
        return absl::OkStatus();
      }));
  return batch.items.empty() ? absl::OkStatus() : CommitEntry(std::move(batch));
}

absl::Status Collector::AddToEntry(Collectable item, const Reader& state, EntryBatch& batch) {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(state, item.manifest));
  DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(bytes));
  std::vector<Digest> files;
  for (const ManifestFile& file : manifest.files) files.push_back(file.blob.digest);
  if (!batch.HasRoomFor(item, files.size())) {
    DML_RETURN_IF_ERROR(CommitEntry(std::exchange(batch, EntryBatch{batch.author, {}, {}})));
  }
  batch.Add(std::move(item), std::move(files));
  return absl::OkStatus();
}

// What the rule refuses has changed since it was planned; the rest of the batch is tried again.
absl::Status Collector::CommitEntry(EntryBatch batch) {
  for (int i = 0;; ++i) {
    const absl::Status status = library_.Commit(batch.MakeCommand()).status();
    if (status.ok()) break;
    if (status.code() != absl::StatusCode::kFailedPrecondition || i + 1 == kEntryTries) {
      return status;
    }
    DML_RETURN_IF_ERROR(PlanAgain(batch));
    if (batch.items.empty()) return absl::OkStatus();
  }
  ++record_.entries;
  for (const Collectable& item : batch.items) {
    ++record_.variants;
    record_.variant_bytes += item.payload_size;
  }
  return absl::OkStatus();
}

absl::Status Collector::PlanAgain(EntryBatch& batch) const {
  auto state = library_.Read();
  const Timestamp now = library_.content().chunks().options().clock();
  std::map<PackageName, std::set<VariantName>> plan;
  EntryBatch left{batch.author, {}, {}};
  for (size_t i = 0; i < batch.items.size(); ++i) {
    const PackageName& package = batch.items[i].name.package;
    auto [it, added] = plan.try_emplace(package);
    if (added) {
      DML_ASSIGN_OR_RETURN(std::vector<Collectable> items,
                           PlanPackage(*state, sources_, package, now));
      for (const Collectable& item : items) it->second.insert(item.name);
    }
    if (it->second.contains(batch.items[i].name)) {
      left.Add(std::move(batch.items[i]), std::move(batch.files[i]));
    }
  }
  batch = std::move(left);
  return absl::OkStatus();
}

absl::Status Collector::SweepPhase() {
  while (true) {
    CollectionRecord before = record_;
    DML_ASSIGN_OR_RETURN(bool good, SweepRange(record_.phase));
    before.held = record_.held;
    if (!good && record_ == before) {
      return Unavailable(ErrorReason("COLLECTION_TOO_SLOW"),
                         "marking what is in use takes longer than half of the {} seconds that a "
                         "lease lasts: nothing can be freed; look at what else the disk does",
                         store().options().lease.count());
    }
    if (!good) continue;
    if (record_.from == 0) return absl::OkStatus();
    DML_RETURN_IF_ERROR(Save(Durability::kBuffered));
  }
}

// Marks from record_.from on and sweeps as far as the marks go; sets record_.from to what follows,
// 0 for the end. False where the marks were too old before that.
absl::StatusOr<bool> Collector::SweepRange(Phase phase) {
  auto step_fn = [this] { return Step(); };
  const StepFn step(step_fn);
  Sweep sweep{
      store(), step, record_, options_.batch_rows,
      Now() + std::chrono::duration_cast<std::chrono::microseconds>(store().options().lease) / 2};
  if (phase == Phase::kPartials) return SweepPartials(sweep);
  MarkSet marks(options_.mark_bytes, record_.from);
  NamespaceNumbers numbers;
  {
    auto state = library_.Read();
    if (phase == Phase::kVisibleBlobs) {
      DML_RETURN_IF_ERROR(MarkPayload(*state, step, numbers, marks));
    } else if (phase == Phase::kBlobs) {
      DML_RETURN_IF_ERROR(MarkVisibleBlobs(*state, step, marks));
    } else if (phase == Phase::kVisibleChunks) {
      DML_RETURN_IF_ERROR(MarkChunksOfNamespaces(*state, step, numbers, marks));
    } else {
      DML_RETURN_IF_ERROR(MarkChunks(*state, step, marks));
      if (phase == Phase::kChunks) DML_RETURN_IF_ERROR(MarkBases(*state, step, marks));
    }
  }
  marks.Seal();
  absl::StatusOr<bool> good = false;
  if (phase == Phase::kVisibleBlobs) good = SweepVisibleBlobs(sweep, marks, numbers);
  if (phase == Phase::kBlobs) good = SweepBlobs(sweep, marks);
  if (phase == Phase::kVisibleChunks) good = SweepVisibleChunks(sweep, marks, numbers);
  if (phase == Phase::kDeltas) good = SweepDeltas(sweep, marks);
  if (phase == Phase::kChunks) good = SweepChunks(sweep, marks);
  if (good.ok() && *good) record_.from = marks.last() == UINT64_MAX ? 0 : marks.last() + 1;
  return good;
}

absl::Status Collector::CollectPacks() {
  DML_ASSIGN_OR_RETURN(std::vector<uint64_t> sparse, DropPacks());
  if (!options_.repack) return absl::OkStatus();
  constexpr size_t kAtATime = 8;
  for (size_t i = 0; i < sparse.size(); i += kAtATime) {
    DML_RETURN_IF_ERROR(Step());
    const auto packs = std::span(sparse).subspan(i, std::min(kAtATime, sparse.size() - i));
    DML_RETURN_IF_ERROR(options_.repack(packs));
    record_.packs_repacked += packs.size();
  }
  return absl::OkStatus();
}

// Drops packs without live frames; answers those that are less than half live.
absl::StatusOr<std::vector<uint64_t>> Collector::DropPacks() {
  // Of one moment: a pack's row and its chunks' come together. Frames of a pack only ever die.
  DML_ASSIGN_OR_RETURN(std::vector<PackUse> packs,
                       SurveyPacks(*library_.Read(), [this] { return Step(); }));
  std::vector<uint64_t> sparse;
  for (const PackUse& use : packs) {
    if (!use.dead()) {
      if (use.sparse()) sparse.push_back(use.pack);
      continue;
    }
    DML_RETURN_IF_ERROR(Step());
    DML_RETURN_IF_ERROR(store().DropPack(use.pack));
    ++record_.packs;
    record_.pack_bytes += use.stored_bytes;
  }
  return sparse;
}

}  // namespace dml
