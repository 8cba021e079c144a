#include "client/stall_guard.h"

#include <absl/time/clock.h>

namespace dml {

StallGuard::StallGuard(grpc::ClientContext& context, std::chrono::milliseconds timeout)
    : context_(context), timeout_(timeout) {
  Progress();
  thread_ = std::thread([this] { Watch(); });
}

StallGuard::~StallGuard() {
  {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  thread_.join();
}

void StallGuard::Progress() {
  absl::MutexLock lock(&mutex_);
  deadline_ = absl::Now() + absl::FromChrono(timeout_);
}

void StallGuard::Watch() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithDeadline(absl::Condition(&done_), deadline_)) {
    if (absl::Now() < deadline_) continue;  // There was progress meanwhile.
    stalled_ = true;
    context_.TryCancel();
    return;
  }
}

absl::Status StallGuard::Ended(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (status.ok()) return status;
  if (stalled_) {
    return Unavailable(ErrorReason("TRANSFER_STALLED"),
                       "nothing moved for {} ms; try again, and look at the network and the "
                       "library's load",
                       timeout_.count());
  }
  if (status.code() == absl::StatusCode::kCancelled) {
    return Unavailable(ErrorReason("TRANSFER_BROKEN"),
                       "the connection was reset in the middle of a transfer: {}; try again",
                       Message(status));
  }
  return status;
}

}  // namespace dml
