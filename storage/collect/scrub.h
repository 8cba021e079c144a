// The scrub: reads every stored chunk and checks it, at a bounded rate.
//
// It goes along the chunk index. Of each chunk the stored frame is checked against its digest and
// what it decodes to against the chunk's identity, deltas through their base. What is wrong counts
// as damaged from then on (ChunkStore::MarkDamaged), so that the next upload of it repairs it; that
// goes for the dependents of a damaged base too, as nobody might ever send the base again. Where
// the pass stands is stored with each step, so that it goes on after a restart.
//
// Not thread-safe; uploads, reads and collection go on beside it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "core/content/upkeep.h"
#include "storage/content/content_store.h"

namespace dml {

/// Slows its caller down to so many bytes per second. Not thread-safe.
class Pacer {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  /// Waits; an error ends the work.
  using Sleep = std::function<absl::Status(std::chrono::nanoseconds)>;

  Pacer(uint64_t bytes_per_second, Clock clock, Sleep sleep)
      : bytes_per_second_(bytes_per_second), clock_(std::move(clock)), sleep_(std::move(sleep)) {}

  /// Waits until the bytes so far, with these, fit the rate since the first call.
  absl::Status Spend(uint64_t bytes);

 private:
  const uint64_t bytes_per_second_;
  const Clock clock_;
  const Sleep sleep_;
  std::optional<std::chrono::steady_clock::time_point> started_;
  uint64_t bytes_ = 0;
};

class Scrub {
 public:
  /// Goes on with the pass that was under way, if any. `content` must outlive it.
  static absl::StatusOr<std::unique_ptr<Scrub>> Open(ContentStore& content);

  /// Begins a pass, unless one is under way.
  absl::Status Start();
  /// Looks at up to `chunks` further ones, `pacer` bounding the rate. At the end of the index finds
  /// the variants that are made of what is damaged, and ends the pass. An error of the pacer leaves
  /// the pass where it was.
  absl::Status Step(size_t chunks, Pacer& pacer);

  const ScrubRecord& record() const { return record_; }

 private:
  explicit Scrub(ContentStore& content) : content_(content) {}

  absl::Status Check(const Digest& chunk);
  absl::Status Report(DamagedChunk damaged);
  absl::Status Finish(Pacer& pacer);
  absl::Status Save(Durability durability);
  ChunkStore& store() { return content_.chunks(); }

  ContentStore& content_;
  ScrubRecord record_;
};

}  // namespace dml
