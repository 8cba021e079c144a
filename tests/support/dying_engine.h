// An engine that stops taking changes, as a killed process or a full disk does.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "tests/support/forwarding_engine.h"

namespace dml::testing {

/// Lets so many changes through and then none, as a process that was killed there would. The last
/// one may have reached the disk without its caller learning of it.
class DyingEngine : public ForwardingEngine {
 public:
  DyingEngine(std::shared_ptr<Engine> inner, int changes, bool last_is_done)
      : ForwardingEngine(std::move(inner)), left_(changes), last_is_done_(last_is_done) {}

  absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) override {
    return Change([&] { return ForwardingEngine::Commit(std::move(batch), durability); });
  }
  absl::Status Ingest(std::unique_ptr<RowFile> file) override {
    return Change([&] { return ForwardingEngine::Ingest(std::move(file)); });
  }
  absl::Status DropFiles(const KeyRange& range) override {
    return Change([&] { return ForwardingEngine::DropFiles(range); });
  }
  /// So many more from now on.
  void Allow(int changes) { left_ = changes; }
  bool dead() const { return left_ <= 0; }

 private:
  template <typename Fn>
  absl::Status Change(Fn fn) {
    const int left = left_--;
    if (left > 1) return fn();
    if (left == 1 && last_is_done_) fn().IgnoreError();
    return Unavailable(ErrorReason("STORAGE_IO"), "dead");
  }

  std::atomic<int> left_;
  const bool last_is_done_;
};

}  // namespace dml::testing
