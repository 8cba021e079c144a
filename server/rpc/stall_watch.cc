#include "server/rpc/stall_watch.h"

#include <absl/time/time.h>

namespace dml {
namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

StallWatch::StallWatch(std::chrono::milliseconds limit)
    : limit_(limit), thread_([this] { Run(); }) {}

StallWatch::~StallWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void StallWatch::Run() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(limit_ / 8))) {
    const int64_t before = (Steady::now() - limit_).time_since_epoch().count();
    for (Stream* stream : streams_) {
      if (stream->last_ >= before || stream->stalled_.exchange(true)) continue;
      stream->context_.TryCancel();
    }
  }
}

StallWatch::Stream::Stream(StallWatch& watch, grpc::ServerContext& context)
    : watch_(watch), context_(context), last_(Steady::now().time_since_epoch().count()) {
  absl::MutexLock lock(&watch_.mutex_);
  at_ = watch_.streams_.insert(watch_.streams_.end(), this);
}

StallWatch::Stream::~Stream() {
  absl::MutexLock lock(&watch_.mutex_);
  watch_.streams_.erase(at_);
}

absl::Status StallWatch::Stream::Broken() const {
  if (stalled_) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, ErrorReason("TRANSFER_STALLED"),
                     "nothing was sent or taken for too long (limits.stallTimeoutSeconds)");
  }
  return MakeError(absl::StatusCode::kCancelled, ErrorReason("CANCELLED"), "the client went away");
}

}  // namespace dml
