// A connection to ourselves, again and again: does the listener still accept?
//
// After a process has run out of descriptors once, gRPC 1.51's listener never accepts again, while
// everything else looks well (CVE-2023-4785). Only a new connection shows it.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include <absl/synchronization/mutex.h>

#include "core/base/status.h"
#include "server/config/server_config.h"

namespace dml {

/// Connects, says at once that nothing will follow, and waits for the server to close too. The
/// kernel completes connections by itself, but only who accepts can close one. No TLS and no
/// certificate is needed. UNAVAILABLE (LISTENER_SILENT) where it does not happen in time.
absl::Status ProbeListener(const ListenAddress& address, std::chrono::milliseconds timeout);

struct SelfProbeOptions {
  ListenAddress address;  // A wildcard is probed at its loopback address.
  std::chrono::milliseconds interval{30'000};
  std::chrono::milliseconds timeout{5'000};
  int max_failures = 3;  // One after another.
  /// Called once, on the probe's thread, when that many probes failed.
  std::function<void(const absl::Status&)> give_up;
};

/// Probes from its making to its destruction, on a thread of its own.
class SelfProbe {
 public:
  explicit SelfProbe(SelfProbeOptions options);
  ~SelfProbe();
  SelfProbe(const SelfProbe&) = delete;
  SelfProbe& operator=(const SelfProbe&) = delete;

 private:
  void Run();

  const SelfProbeOptions options_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dml
