// The labels of environments' nodes as read, so that a question does not read them all again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/base/labels.h"
#include "storage/engine/engine.h"

namespace dml {

/// Keeps what was read last of each environment, by its stamp, which every node moves. Thread-safe.
class NodeCache {
 public:
  /// Labels of the nodes of exactly this environment, in the order of their names.
  absl::StatusOr<std::shared_ptr<const std::vector<Labels>>> Get(const Reader& state,
                                                                 std::string_view environment);

  static constexpr size_t kMaxNodes = 200'000;  // Of all that is kept.

 private:
  struct Kept {
    uint64_t stamp = 0;
    std::shared_ptr<const std::vector<Labels>> labels;
  };

  absl::Mutex mutex_;
  std::map<std::string, Kept, std::less<>> kept_ ABSL_GUARDED_BY(mutex_);
  size_t nodes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dml
