// Breaks off a stream that makes no progress: there is no absolute deadline on a transfer.
#pragma once

#include <chrono>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/client_context.h>

#include "core/base/status.h"

namespace dml {

/// Watches one call from a thread of its own. Declare it after the context, which it borrows.
/// Progress() and the others may be called from any thread.
class StallGuard {
 public:
  StallGuard(grpc::ClientContext& context, std::chrono::milliseconds timeout);
  ~StallGuard();
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

  /// The call has `timeout` from now on.
  void Progress();

  /// How the call ended: UNAVAILABLE (TRANSFER_STALLED) where this guard broke it off, UNAVAILABLE
  /// (TRANSFER_BROKEN) where the connection was reset in its middle, else `status`.
  absl::Status Ended(const absl::Status& status);

 private:
  void Watch();

  grpc::ClientContext& context_;
  const std::chrono::milliseconds timeout_;
  absl::Mutex mutex_;
  absl::Time deadline_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool stalled_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dml
