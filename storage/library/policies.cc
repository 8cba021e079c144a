#include "storage/library/policies.h"

#include <algorithm>

#include "core/crypto/sha256.h"
#include "storage/views/projector.h"

namespace dml {

absl::StatusOr<std::shared_ptr<const Policy>> PolicyCache::Get(const Reader& state,
                                                               const BlobRef& document) {
  if (auto policy = Find(document.digest)) return policy;
  DML_ASSIGN_OR_RETURN(const std::string text, ReadMetadata(state, document));
  DML_ASSIGN_OR_RETURN(Policy policy, ParsePolicy(text));
  return Keep(std::move(policy));
}

absl::StatusOr<std::shared_ptr<const Policy>> PolicyCache::Parse(std::string_view document) {
  if (document.size() <= kMaxPolicyBytes) {
    if (auto policy = Find(Sha256(document))) return policy;
  }
  DML_ASSIGN_OR_RETURN(Policy policy, ParsePolicy(document));
  return Keep(std::move(policy));
}

size_t PolicyCache::size() const {
  absl::MutexLock lock(&mutex_);
  return kept_.size();
}

std::shared_ptr<const Policy> PolicyCache::Find(const Digest& digest) {
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(digest);
  if (found == kept_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.policy;
}

std::shared_ptr<const Policy> PolicyCache::Keep(Policy policy) {
  auto shared = std::make_shared<const Policy>(std::move(policy));
  absl::MutexLock lock(&mutex_);
  kept_[shared->digest] = {shared, ++uses_};
  if (kept_.size() > kMaxCachedPolicies) {
    kept_.erase(
        std::ranges::min_element(kept_, {}, [](const auto& item) { return item.second.used; }));
  }
  return shared;
}

}  // namespace dml
