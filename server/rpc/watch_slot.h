// One of the watches that the daemon bears: each occupies a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <utility>

#include "core/base/status.h"

namespace dml {

/// How long nothing is sent before a message shows that the stream is alive.
inline constexpr std::chrono::seconds kWatchHeartbeat(20);
/// Watches of the whole daemon.
inline constexpr int kMaxWatches = 64;
/// How soon a watch sees that its caller has gone, or that the daemon stops.
inline constexpr std::chrono::milliseconds kWatchLook(200);

class WatchSlot {
 public:
  /// RESOURCE_EXHAUSTED (WATCH_LIMIT).
  static absl::StatusOr<WatchSlot> Take(std::atomic<int>& watches) {
    if (watches.fetch_add(1) < kMaxWatches) return WatchSlot(watches);
    --watches;
    return ResourceExhausted(ErrorReason("WATCH_LIMIT"),
                             "{} watches are open; list entries from time to time instead",
                             kMaxWatches);
  }
  WatchSlot(WatchSlot&& other) noexcept : watches_(std::exchange(other.watches_, nullptr)) {}
  WatchSlot& operator=(WatchSlot&&) = delete;
  ~WatchSlot() {
    if (watches_ != nullptr) --*watches_;
  }

 private:
  explicit WatchSlot(std::atomic<int>& watches) : watches_(&watches) {}
  std::atomic<int>* watches_;
};

}  // namespace dml
