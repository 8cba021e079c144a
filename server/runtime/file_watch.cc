#include "server/runtime/file_watch.h"

#include <utility>

#include <absl/time/time.h>

namespace dml {

FileWatch::FileWatch(std::chrono::milliseconds interval, std::function<void()> look)
    : interval_(interval), look_(std::move(look)), thread_([this] { Run(); }) {}

FileWatch::~FileWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void FileWatch::LookNow() {
  absl::MutexLock lock(&mutex_);
  asked_ = true;
}

void FileWatch::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      auto awake = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || asked_; };
      mutex_.AwaitWithTimeout(absl::Condition(&awake), absl::FromChrono(interval_));
      if (stopping_) return;
      asked_ = false;
    }
    look_();
  }
}

}  // namespace dml
