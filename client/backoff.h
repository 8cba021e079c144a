// When to try again after an error, and the waiting before it.
#pragma once

#include <random>

#include "client/options.h"

namespace dml {

/// The attempts of one call or one transfer. One thread.
class Backoff {
 public:
  explicit Backoff(const RetryOptions& options);

  /// Whether to try again: the error may pass (UNAVAILABLE, or it carries a retry delay of at most
  /// a minute) and attempts are left. If so, it has waited: the server's delay where there is one,
  /// else half to all of a delay that doubles each time.
  bool WaitAfter(const absl::Status& error);

  /// Something was achieved: attempts and delay start anew.
  void Reset();

 private:
  const RetryOptions options_;
  int attempts_ = 1;
  std::chrono::milliseconds delay_;
  std::minstd_rand random_;
};

}  // namespace dml
