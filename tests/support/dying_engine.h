// Engines that fail in the ways that disks and processes do.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

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
  absl::Status Empty(Table table) override {
    return Change([&] { return ForwardingEngine::Empty(table); });
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

/// Reads other bytes than those that were written, in the rows that a test names.
class RottingEngine : public ForwardingEngine {
 public:
  explicit RottingEngine(std::shared_ptr<Engine> inner) : ForwardingEngine(std::move(inner)) {}

  /// From now on a bit of the row's value is wrong, or its checksum and so the read fails.
  void Rot(Table table, std::string key, bool fails = false) {
    absl::MutexLock lock(&mutex_);
    rotten_[{table, std::move(key)}] = fails;
  }
  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    auto value = ForwardingEngine::Get(table, key);
    absl::MutexLock lock(&mutex_);
    auto rotten = rotten_.find({table, std::string(key)});
    if (rotten == rotten_.end() || !value.ok() || !value->has_value()) return value;
    if (rotten->second) return DataLoss(ErrorReason("STORAGE_CORRUPT"), "checksum");
    (**value)[(*value)->size() / 2] ^= 1;
    return value;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::pair<Table, std::string>, bool> rotten_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml::testing
