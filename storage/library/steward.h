// What a library does about releases of its own accord: time moves rollouts on, and what was let go
// is judged again. On a thread of its own.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "storage/library/reevaluation.h"

namespace dml {

struct StewardOptions {
  std::chrono::milliseconds interval{1000};  // How often it looks.
  std::string author = "dmld";               // Of its entries.
  Reevaluator::OnFound on_found{};           // On its thread.
};

class Steward {
 public:
  /// All must outlive it.
  Steward(Library& library, TrustCache& trust, PolicyCache& policies, StewardOptions options = {});
  /// Ends after what it is at.
  ~Steward();
  Steward(const Steward&) = delete;
  Steward& operator=(const Steward&) = delete;

 private:
  void Run();
  bool Sleep();

  Library& library_;
  const StewardOptions options_;
  Reevaluator reevaluator_;  // Of the thread alone.
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // Last: starts when all else is there.
};

}  // namespace dml
