#include "storage/collect/maintenance.h"

#include <algorithm>
#include <utility>

#include <absl/time/time.h>
#include <spdlog/spdlog.h>

namespace dml {
namespace {

std::vector<const RootSource*> Borrow(
    const std::vector<std::unique_ptr<const RootSource>>& sources) {
  std::vector<const RootSource*> out;
  for (const auto& source : sources) out.push_back(source.get());
  return out;
}

void Want(JobState& job) {
  if (!job.running) job.waiting = true;
}

}  // namespace

Maintenance::Maintenance(Library& library, std::vector<std::unique_ptr<const RootSource>> sources,
                         MaintenanceOptions options)
    : library_(library),
      owned_sources_(std::move(sources)),
      sources_(Borrow(owned_sources_)),
      options_(std::move(options)),
      scrub_rate_(options_.scrub_bytes_per_second) {}

absl::StatusOr<std::unique_ptr<Maintenance>> Maintenance::Start(
    Library& library, std::vector<std::unique_ptr<const RootSource>> sources,
    MaintenanceOptions options) {
  std::unique_ptr<Maintenance> out(
      new Maintenance(library, std::move(sources), std::move(options)));
  DML_ASSIGN_OR_RETURN(out->scrub_, Scrub::Open(library.content()));
  DML_ASSIGN_OR_RETURN(CollectionRecord record, ReadCollectionRecord(library.engine()));
  {
    absl::MutexLock lock(&out->mutex_);
    out->collection_.record = std::move(record);
    out->scrubbing_.record = out->scrub_->record();
    out->scrubbing_.job.running = out->scrubbing_.record.running;
  }
  out->thread_ = std::jthread([raw = out.get()] { raw->Run(); });
  return out;
}

Maintenance::~Maintenance() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Maintenance::Collect(const std::string& author) {
  absl::MutexLock lock(&mutex_);
  if (!collection_.job.waiting && !collection_.job.running) author_ = author;
  Want(collection_.job);
}

void Maintenance::Repack() {
  absl::MutexLock lock(&mutex_);
  Want(repacking_.job);
}

void Maintenance::MakePlan() {
  absl::MutexLock lock(&mutex_);
  Want(plan_job_);
}

void Maintenance::Measure() {
  absl::MutexLock lock(&mutex_);
  Want(measurement_.job);
}

absl::Status Maintenance::RunScrub(uint64_t bytes_per_second) {
  if (bytes_per_second != 0 && bytes_per_second < kMinScrubRate) {
    return AtField(
        InvalidArgument(ErrorReason("RATE_INVALID"), "{} bytes per second are too few; at least {}",
                        bytes_per_second, kMinScrubRate),
        "bytes_per_second");
  }
  absl::MutexLock lock(&mutex_);
  scrub_rate_ = bytes_per_second != 0 ? bytes_per_second : options_.scrub_bytes_per_second;
  Want(scrubbing_.job);
  return absl::OkStatus();
}

Maintenance::Collection Maintenance::collection() const {
  absl::MutexLock lock(&mutex_);
  return collection_;
}

Maintenance::Repacking Maintenance::repacking() const {
  absl::MutexLock lock(&mutex_);
  return repacking_;
}

Maintenance::Plan Maintenance::plan(size_t begin, size_t end) const {
  absl::MutexLock lock(&mutex_);
  Plan out;
  out.job = plan_job_;
  out.items = plan_.items.size();
  out.plan.variants = plan_.variants;
  out.plan.variant_bytes = plan_.variant_bytes;
  out.plan.figures = plan_.figures;
  end = std::min(end, out.items);
  if (begin < end) out.plan.items.assign(&plan_.items[begin], &plan_.items[begin] + (end - begin));
  return out;
}

Maintenance::Measurement Maintenance::measurement() const {
  absl::MutexLock lock(&mutex_);
  return measurement_;
}

Maintenance::Scrubbing Maintenance::scrubbing() const {
  Scrubbing out;
  {
    absl::MutexLock lock(&mutex_);
    out = scrubbing_;
  }
  // What was uploaded again since the pass saw it is repaired.
  out.record.damaged_count -= std::erase_if(out.record.damaged, [&](const DamagedChunk& item) {
    return !library_.content().chunks().IsDamaged(item.chunk);
  });
  return out;
}

// False when it is time to stop.
bool Maintenance::AwaitWork() {
  absl::MutexLock lock(&mutex_);
  auto wake = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || collection_.job.waiting || repacking_.job.waiting || plan_job_.waiting ||
           measurement_.job.waiting || scrubbing_.job.waiting || scrubbing_.job.running;
  };
  const absl::Duration interval = options_.repack_interval.count() == 0
                                      ? absl::InfiniteDuration()
                                      : absl::FromChrono(options_.repack_interval);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&wake), interval)) repacking_.job.waiting = true;
  return !stopping_;
}

void Maintenance::Run() {
  while (AwaitWork()) {
    if (RunJob(collection_.job, &Maintenance::RunCollection)) continue;
    if (RunJob(repacking_.job, &Maintenance::RunRepack)) continue;
    if (RunJob(plan_job_, &Maintenance::RunPlan)) continue;
    if (RunJob(measurement_.job, &Maintenance::RunMeasurement)) continue;
    const absl::Status status = RunScrubStep();
    absl::MutexLock lock(&mutex_);
    scrubbing_.record = scrub_->record();
    scrubbing_.job.running = status.ok() && scrubbing_.record.running;
    scrubbing_.job.error = status;
  }
}

bool Maintenance::RunJob(JobState& job, absl::Status (Maintenance::*work)()) {
  {
    absl::MutexLock lock(&mutex_);
    if (!job.waiting) return false;
    job.waiting = false;
    job.running = true;
  }
  const absl::Status status = (this->*work)();
  if (!status.ok() && !absl::IsCancelled(status)) {
    spdlog::error("maintenance failed: {} ({})", Message(status), Reason(status));
  }
  absl::MutexLock lock(&mutex_);
  job.running = false;
  job.error = status;
  return true;
}

absl::Status Maintenance::CheckStopping() const {
  absl::MutexLock lock(&mutex_);
  if (!stopping_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kCancelled, ErrorReason("SHUTTING_DOWN"),
                   "the daemon is shutting down");
}

absl::Status Maintenance::Sleep(std::chrono::nanoseconds time) const {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(time));
  }
  return CheckStopping();
}

absl::Status Maintenance::RunCollection() {
  CollectorOptions options;
  options.mark_bytes = options_.mark_bytes;
  Repacker repacker(library_.content().chunks());
  options.repack = [&repacker](std::span<const uint64_t> packs) {
    return repacker.Repack(packs).status();
  };
  options.step = [this](const CollectionRecord& so_far) {
    {
      absl::MutexLock lock(&mutex_);
      collection_.record = so_far;
    }
    return CheckStopping();
  };
  std::string author;
  {
    absl::MutexLock lock(&mutex_);
    author = author_;
  }
  DML_ASSIGN_OR_RETURN(CollectionRecord record,
                       Collector(library_, sources_, std::move(options)).Run(author));
  absl::MutexLock lock(&mutex_);
  collection_.record = std::move(record);
  return absl::OkStatus();
}

absl::Status Maintenance::RunRepack() {
  Pacer pacer(options_.repack_bytes_per_second, std::chrono::steady_clock::now,
              [this](std::chrono::nanoseconds time) { return Sleep(time); });
  RepackPass pass(library_, [&](const RepackRecord& so_far, uint64_t bytes) -> absl::Status {
    {
      absl::MutexLock lock(&mutex_);
      repacking_.record = so_far;
    }
    DML_RETURN_IF_ERROR(CheckStopping());
    return pacer.Spend(bytes);
  });
  DML_ASSIGN_OR_RETURN(RepackRecord record, pass.Run());
  absl::MutexLock lock(&mutex_);
  repacking_.record = record;
  return absl::OkStatus();
}

absl::Status Maintenance::RunPlan() {
  const Timestamp now = library_.content().chunks().options().clock();
  auto state = library_.Read();
  CollectionPlan plan;
  DML_RETURN_IF_ERROR(
      PlanCollection(*state, sources_, now, [&](std::vector<Collectable> items) -> absl::Status {
        for (Collectable& item : items) {
          ++plan.variants;
          plan.variant_bytes += item.payload_size;
          if (plan.items.size() < options_.max_plan_items) plan.items.push_back(std::move(item));
        }
        return CheckStopping();
      }));
  DML_ASSIGN_OR_RETURN(plan.figures, MeasureStorage(*state, sources_, now, options_.mark_bytes,
                                                    [this] { return CheckStopping(); }));
  absl::MutexLock lock(&mutex_);
  plan_ = std::move(plan);
  return absl::OkStatus();
}

absl::Status Maintenance::RunMeasurement() {
  const Timestamp now = library_.content().chunks().options().clock();
  auto state = library_.Read();
  DML_ASSIGN_OR_RETURN(StorageFigures figures, MeasureStorage(*state, {}, now, options_.mark_bytes,
                                                              [this] { return CheckStopping(); }));
  absl::MutexLock lock(&mutex_);
  measurement_.figures = figures;
  return absl::OkStatus();
}

absl::Status Maintenance::RunScrubStep() {
  uint64_t rate = 0;
  bool start = false;
  {
    absl::MutexLock lock(&mutex_);
    rate = scrub_rate_;
    start = std::exchange(scrubbing_.job.waiting, false);
    // Busy without a gap, for whoever waits for the end.
    if (start) scrubbing_.job.running = true;
  }
  if (start) DML_RETURN_IF_ERROR(scrub_->Start());
  Pacer pacer(rate, std::chrono::steady_clock::now,
              [this](std::chrono::nanoseconds time) { return Sleep(time); });
  DML_RETURN_IF_ERROR(scrub_->Step(options_.scrub_step_chunks, pacer));
  return CheckStopping();
}

}  // namespace dml
