// How many searches run at a time: each takes a processor, and memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/base/status.h"

namespace dml {

/// Shared by the calls that search; a call holds a slot for as long as it does. One principal has
/// at most three quarters of them, so that it never keeps everybody else out. Thread-safe.
class SolveSlots : public std::enable_shared_from_this<SolveSlots> {
 public:
  explicit SolveSlots(int slots = 4) : slots_(slots) {}

  /// Given back on destruction.
  class Slot {
   public:
    Slot(std::shared_ptr<SolveSlots> slots, std::string principal)
        : slots_(std::move(slots)), principal_(std::move(principal)) {}
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (slots_ != nullptr) slots_->GiveBack(principal_);
    }

   private:
    std::shared_ptr<SolveSlots> slots_;
    std::string principal_;
  };

  /// RESOURCE_EXHAUSTED (TOO_MANY_SEARCHES) with RetryInfo where it can have none.
  absl::StatusOr<Slot> Take(const std::string& principal);
  int taken() const;

 private:
  void GiveBack(const std::string& principal);

  const int slots_;
  mutable absl::Mutex mutex_;
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> taken_by_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
