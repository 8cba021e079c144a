// When to try again after an error, and the waiting before it.
#pragma once

#include <memory>
#include <optional>
#include <random>

#include <grpcpp/channel.h>

#include "client/options.h"

namespace dml {

/// The attempts of one call or one transfer. One thread.
class Backoff {
 public:
  /// `patient`: the library has answered before, so that RetryOptions::patience applies. The waits
  /// are waited on `channel`: none is longer than it takes until that is connected again.
  Backoff(const RetryOptions& options, bool patient, std::shared_ptr<grpc::Channel> channel);

  /// Whether to try again: the error may pass (UNAVAILABLE, or it carries a retry delay of at most
  /// a minute), and attempts or patience are left. If so, it has waited: the server's delay where
  /// there is one, else half to all of a delay that doubles each time.
  bool WaitAfter(const absl::Status& error);

  /// Something was achieved: attempts, patience and delay start anew.
  void Reset();

 private:
  bool HasPatience(const absl::Status& error) const;
  void Wait(std::chrono::milliseconds time) const;

  const RetryOptions options_;
  const bool patient_;
  const std::shared_ptr<grpc::Channel> channel_;
  int attempts_ = 1;
  std::chrono::milliseconds delay_;
  std::chrono::milliseconds waited_{0};                           // Since it was last reset.
  std::optional<std::chrono::steady_clock::time_point> failing_;  // Since the first error.
  std::minstd_rand random_;
};

}  // namespace dml
