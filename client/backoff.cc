#include "client/backoff.h"

#include <algorithm>
#include <thread>

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

Backoff::Backoff(const RetryOptions& options)
    : options_(options), delay_(options.first_delay), random_(RandomSeed()) {}

void Backoff::Reset() {
  attempts_ = 1;
  delay_ = options_.first_delay;
}

bool Backoff::WaitAfter(const absl::Status& error) {
  std::optional<std::chrono::milliseconds> wanted = RetryAfter(error);
  if (!wanted.has_value() && error.code() != absl::StatusCode::kUnavailable) return false;
  if (wanted.has_value() && *wanted > kLongestServerDelay) return false;
  if (attempts_ >= options_.max_attempts) return false;
  ++attempts_;
  std::uniform_int_distribution<int64_t> jitter(delay_.count() / 2, delay_.count());
  std::chrono::milliseconds wait = wanted.value_or(std::chrono::milliseconds(jitter(random_)));
  delay_ = std::min(delay_ * 2, options_.max_delay);
  if (options_.sleep) {
    options_.sleep(wait);
  } else {
    std::this_thread::sleep_for(wait);
  }
  return true;
}

}  // namespace dml
