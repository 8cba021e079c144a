// Maintenance: the long work of a library, one thing at a time, on a thread of its own.
//
// Owned by the composition root, between the library and the services. Calls start work and return;
// what became of it is asked for. Collections, plans and measurements run to their end one after
// another, and so do repacks; a scrub, which takes days, gives way to them between its steps.
// Whatever runs when it is destroyed ends where it is: a scrub goes on with the next start, a
// collection with the next call. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "storage/collect/collector.h"
#include "storage/collect/repack_pass.h"
#include "storage/collect/scrub.h"
#include "storage/collect/storage_figures.h"

namespace dml {

struct MaintenanceOptions {
  size_t mark_bytes = 64 << 20;  // See CollectorOptions.
  uint64_t repack_bytes_per_second = 64 << 20;
  std::chrono::seconds repack_interval{0};     // A pass of its own accord so often; 0: never.
  uint64_t scrub_bytes_per_second = 32 << 20;  // Where a call does not say.
  size_t scrub_step_chunks = 8;
  size_t max_plan_items = 10'000;  // Variants that a plan lists; it counts all.
};

inline constexpr uint64_t kMinScrubRate = 64 << 10;  // Bytes per second.

/// Whether a piece of work is under way, and how it ended the last time.
struct JobState {
  bool waiting = false;  // For other work to end.
  bool running = false;
  absl::Status error;  // OK before the first time.
};

/// What a collection would do, as of `figures.time`.
struct CollectionPlan {
  uint64_t variants = 0;           // Whose payload would go,
  uint64_t variant_bytes = 0;      // and its size, whether kept variants share it or not.
  std::vector<Collectable> items;  // The first ones, ascending.
  StorageFigures figures;          // As if it had gone: reclaimable_bytes is what would be freed.
};

class Maintenance {
 public:
  /// `library` must outlive it.
  static absl::StatusOr<std::unique_ptr<Maintenance>> Start(
      Library& library, std::vector<std::unique_ptr<const RootSource>> sources,
      MaintenanceOptions options = {});
  ~Maintenance();

  /// Each does nothing where the same work waits or runs already.
  void Collect(const std::string& author);
  void Repack();
  void MakePlan();
  void Measure();
  /// `bytes_per_second` 0: the default; from the next step on, also where a scrub is under way.
  /// INVALID_ARGUMENT (RATE_INVALID) below kMinScrubRate.
  absl::Status RunScrub(uint64_t bytes_per_second);

  struct Collection {
    JobState job;
    CollectionRecord record;  // Of the pass under way, else the last one.
  };
  struct Plan {
    JobState job;
    CollectionPlan plan;  // The last one, with items [begin, end) only.
    size_t items = 0;     // How many there are.
  };
  struct Measurement {
    JobState job;
    StorageFigures figures;  // The last ones.
  };
  struct Scrubbing {
    JobState job;
    ScrubRecord record;  // Of the pass under way, else the last one.
  };
  struct Repacking {
    JobState job;
    RepackRecord record;  // Of the pass under way, else the last one.
  };
  Collection collection() const;
  Repacking repacking() const;
  Plan plan(size_t begin, size_t end) const;
  Measurement measurement() const;
  Scrubbing scrubbing() const;

 private:
  Maintenance(Library& library, std::vector<std::unique_ptr<const RootSource>> sources,
              MaintenanceOptions options);

  void Run();
  absl::Status RunCollection();
  absl::Status RunRepack();
  bool AwaitWork();
  absl::Status RunPlan();
  absl::Status RunMeasurement();
  absl::Status RunScrubStep();
  // Carries out the work that waits under `job`, if any; false where none does.
  bool RunJob(JobState& job, absl::Status (Maintenance::*work)());
  absl::Status CheckStopping() const;
  absl::Status Sleep(std::chrono::nanoseconds time) const;

  Library& library_;
  const std::vector<std::unique_ptr<const RootSource>> owned_sources_;
  const std::vector<const RootSource*> sources_;
  const MaintenanceOptions options_;
  std::unique_ptr<Scrub> scrub_;  // Of the thread alone, once that runs.

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::string author_ ABSL_GUARDED_BY(mutex_);
  Collection collection_ ABSL_GUARDED_BY(mutex_);
  Repacking repacking_ ABSL_GUARDED_BY(mutex_);
  JobState plan_job_ ABSL_GUARDED_BY(mutex_);
  CollectionPlan plan_ ABSL_GUARDED_BY(mutex_);
  Measurement measurement_ ABSL_GUARDED_BY(mutex_);
  Scrubbing scrubbing_ ABSL_GUARDED_BY(mutex_);
  uint64_t scrub_rate_ ABSL_GUARDED_BY(mutex_) = 0;
  std::jthread thread_;  // Last: starts when all else is there.
};

}  // namespace dml
