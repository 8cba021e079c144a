#include "client/backoff.h"

#include <algorithm>
#include <thread>

#include <grpcpp/support/time.h>

#include "core/crypto/random.h"

namespace dml {
namespace {

constexpr std::chrono::minutes kLongestServerDelay{1};

uint32_t RandomSeed() {
  uint8_t bytes[4];
  FillRandom(bytes);
  return static_cast<uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

}  // namespace

Backoff::Backoff(const RetryOptions& options, bool patient, std::shared_ptr<grpc::Channel> channel)
    : options_(options),
      patient_(patient),
      channel_(std::move(channel)),
      delay_(options.first_delay),
      random_(RandomSeed()) {}

void Backoff::Reset() {
  attempts_ = 1;
  delay_ = options_.first_delay;
  waited_ = {};
  failing_.reset();
}

// By what was waited too, not only by the clock: a sleep that tests replace ends as well.
bool Backoff::HasPatience(const absl::Status& error) const {
  if (!patient_ || options_.max_attempts == 1) return false;
  const bool busy = absl::IsResourceExhausted(error) && RetryAfter(error).has_value();
  if (!busy && Reason(error) != "SERVER_UNAVAILABLE") return false;
  return waited_ < options_.patience &&
         std::chrono::steady_clock::now() - *failing_ < options_.patience;
}

bool Backoff::WaitAfter(const absl::Status& error) {
  std::optional<std::chrono::milliseconds> wanted = RetryAfter(error);
  if (!wanted.has_value() && error.code() != absl::StatusCode::kUnavailable) return false;
  if (wanted.has_value() && *wanted > kLongestServerDelay) return false;
  if (!failing_.has_value()) failing_ = std::chrono::steady_clock::now();
  if (attempts_ >= options_.max_attempts && !HasPatience(error)) return false;
  ++attempts_;
  std::uniform_int_distribution<int64_t> jitter(delay_.count() / 2, delay_.count());
  std::chrono::milliseconds wait = wanted.value_or(std::chrono::milliseconds(jitter(random_)));
  delay_ = std::min(delay_ * 2, options_.max_delay);
  waited_ += wait;
  Wait(wait);
  return true;
}

// A channel makes progress only while somebody waits for it: were all threads asleep, connecting
// again would be looked after every five seconds (gRPC's backup poller) and time out.
void Backoff::Wait(std::chrono::milliseconds time) const {
  if (options_.before_wait) options_.before_wait(time);
  if (options_.sleep) {
    options_.sleep(time);
  } else if (channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) {
    std::this_thread::sleep_for(time);
  } else {
    channel_->WaitForConnected(std::chrono::system_clock::now() + time);
  }
}

}  // namespace dml
