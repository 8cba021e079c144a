// Ends streams whose other side does nothing: neither sends nor takes what is sent.
//
// A deadline for the whole of a transfer would cut off large ones; this one runs from the last
// message that got through. One thread looks after all streams; thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/server_context.h>

#include "core/base/status.h"

namespace dml {

class StallWatch {
 public:
  explicit StallWatch(std::chrono::milliseconds limit);
  ~StallWatch();

  /// One stream, watched from here to its destruction. Must not outlive the watch or the context.
  class Stream {
   public:
    Stream(StallWatch& watch, grpc::ServerContext& context);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// A message got through.
    void Progress() { last_ = std::chrono::steady_clock::now().time_since_epoch().count(); }
    /// Why a read or write of the stream failed: DEADLINE_EXCEEDED (TRANSFER_STALLED), or CANCELLED
    /// (CANCELLED) where the client went away.
    absl::Status Broken() const;

   private:
    friend class StallWatch;
    StallWatch& watch_;
    grpc::ServerContext& context_;
    std::atomic<int64_t> last_;
    std::atomic<bool> stalled_ = false;
    std::list<Stream*>::iterator at_;
  };

 private:
  void Run();

  const std::chrono::milliseconds limit_;
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace dml
