// The collector: frees what nothing refers to any more, beside the traffic.
//
// A pass decides which variants' payload goes (storage/collect/roots.h) and writes that down in the
// journal before anything is deleted: entries PayloadCollected, which the rule for them lets pass
// or not. From then on a variant's files count as named by it or not by what the journal says, and
// by nothing else: this is the only way by which payload of a published variant is ever freed.
// Then it sweeps, from visibility down to packs (CollectionPhase). What no manifest ever named goes
// without an entry, once its leases have run out.
//
// Every phase starts from the state that it finds, so that a pass may end anywhere: the next one
// goes on in the phase and at the digest where it was, and work is at most done twice. Memory: the
// marks (mark_bytes), the variants of one package, and 64 bytes for each pack.
//
// Run is called by one thread at a time.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "core/content/upkeep.h"
#include "storage/collect/roots.h"
#include "storage/library/library.h"

namespace dml {

struct CollectorOptions {
  size_t mark_bytes = 64 << 20;
  size_t batch_rows = 128;  // Deleted at a time; uploads wait that long.
  /// Called between small steps with the pass so far. May block, to leave the disk to others; an
  /// error (CANCELLED) ends the pass.
  std::function<absl::Status(const CollectionRecord&)> step;
  /// Moves the live frames of packs elsewhere and drops them; called for packs less than half of
  /// whose bytes are live, a few at a time. Empty: they stay.
  std::function<absl::Status(std::span<const uint64_t> packs)> repack;
};

class Collector {
 public:
  /// All must outlive it.
  Collector(Library& library, RootSources sources, CollectorOptions options)
      : library_(library), sources_(sources), options_(std::move(options)) {}

  /// A pass: the one that was interrupted, unless this one lets further payload go, which starts
  /// its sweep anew. `author` is who the entries are by. Where leases of an earlier process may be
  /// good yet, only the entries are written (CollectionRecord::leases_end_time).
  /// Errors: those of the storage and of `step`; UNAVAILABLE (COLLECTION_TOO_SLOW) where marking
  /// takes longer than half a lease.
  absl::StatusOr<CollectionRecord> Run(const std::string& author);

 private:
  using Phase = CollectionPhase;
  struct EntryBatch;

  absl::Status RunPass(const std::string& author);
  absl::Status Decide(const std::string& author);
  absl::Status AddToEntry(Collectable item, const Reader& state, EntryBatch& batch);
  absl::Status CommitEntry(EntryBatch batch);
  absl::Status PlanAgain(EntryBatch& batch) const;
  absl::Status SweepPhase();
  absl::StatusOr<bool> SweepRange(Phase phase);
  absl::Status CollectPacks();
  absl::StatusOr<std::vector<uint64_t>> DropPacks();
  absl::Status Step() { return options_.step ? options_.step(record_) : absl::OkStatus(); }
  absl::Status Save(Durability durability);
  ChunkStore& store() { return library_.content().chunks(); }
  Timestamp Now() { return store().options().clock(); }

  Library& library_;
  const RootSources sources_;
  const CollectorOptions options_;
  CollectionRecord record_;
};

/// The pass under way or the last one, as stored; phase kDone and times of 1970 before the first.
absl::StatusOr<CollectionRecord> ReadCollectionRecord(const Reader& reader);

}  // namespace dml
