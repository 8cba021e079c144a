// Policy documents as read, so that a question does not parse one again.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/gate/policy.h"
#include "storage/engine/engine.h"

namespace dml {

inline constexpr size_t kMaxCachedPolicies = 64;

/// Keeps the policies used last, by the digest of their documents: what a document means depends on
/// its bytes and the license list alone. Thread-safe.
class PolicyCache {
 public:
  /// The document that a policy's record names. The errors of ReadMetadata and ParsePolicy.
  absl::StatusOr<std::shared_ptr<const Policy>> Get(const Reader& state, const BlobRef& document);
  /// One that came with a request.
  absl::StatusOr<std::shared_ptr<const Policy>> Parse(std::string_view document);

  size_t size() const;

 private:
  struct Kept {
    std::shared_ptr<const Policy> policy;
    uint64_t used = 0;
  };

  std::shared_ptr<const Policy> Find(const Digest& digest);
  std::shared_ptr<const Policy> Keep(Policy policy);

  mutable absl::Mutex mutex_;
  std::map<Digest, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dml
