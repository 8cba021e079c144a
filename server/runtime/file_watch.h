// Looks again and again at files that others may replace.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include <absl/synchronization/mutex.h>

namespace dml {

/// Calls `look` at every interval, and once more soon after each LookNow, from its making to its
/// destruction, on a thread of its own.
class FileWatch {
 public:
  FileWatch(std::chrono::milliseconds interval, std::function<void()> look);
  /// Waits for a call under way.
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// Does not wait for the call. Any thread.
  void LookNow();

 private:
  void Run();

  const std::chrono::milliseconds interval_;
  const std::function<void()> look_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dml
