#include "storage/library/policies.h"

#include <algorithm>

#include "core/crypto/sha256.h"
#include "storage/library/license_data.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {

absl::StatusOr<PolicyCache::Stamped> PolicyCache::Load(const Reader& state) {
  DML_ASSIGN_OR_RETURN(const uint64_t stamp, LibraryView(state).Stamp(kLicenseDataStamp));
  {
    absl::MutexLock lock(&mutex_);
    if (data_.data != nullptr && data_.stamp == stamp) return data_;
  }
  DML_ASSIGN_OR_RETURN(const LicenseDocuments documents, LoadLicenseDocuments(state));
  DML_ASSIGN_OR_RETURN(LicenseData data, ReadLicenseData(documents));
  Stamped loaded{stamp, std::make_shared<const LicenseData>(std::move(data))};
  absl::MutexLock lock(&mutex_);
  // A reader of an older snapshot leaves what newer ones need.
  if (data_.data == nullptr || data_.stamp <= stamp) data_ = loaded;
  return loaded;
}

absl::StatusOr<std::shared_ptr<const LicenseData>> PolicyCache::Data(const Reader& state) {
  DML_ASSIGN_OR_RETURN(Stamped loaded, Load(state));
  return std::move(loaded.data);
}

absl::StatusOr<PolicyInForce> PolicyCache::Get(const Reader& state, const BlobRef& document) {
  DML_ASSIGN_OR_RETURN(const Stamped data, Load(state));
  if (auto policy = Find({data.stamp, document.digest})) return PolicyInForce{policy, data.data};
  DML_ASSIGN_OR_RETURN(const std::string text, ReadMetadata(state, document));
  return Keep(data, text);
}

absl::StatusOr<PolicyInForce> PolicyCache::Parse(const Reader& state, std::string_view document) {
  DML_ASSIGN_OR_RETURN(const Stamped data, Load(state));
  if (document.size() <= kMaxPolicyBytes) {
    if (auto policy = Find({data.stamp, Sha256(document)})) {
      return PolicyInForce{policy, data.data};
    }
  }
  return Keep(data, document);
}

size_t PolicyCache::size() const {
  absl::MutexLock lock(&mutex_);
  return kept_.size();
}

std::shared_ptr<const Policy> PolicyCache::Find(const Key& key) {
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(key);
  if (found == kept_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.policy.policy;
}

absl::StatusOr<PolicyInForce> PolicyCache::Keep(const Stamped& data, std::string_view document) {
  DML_ASSIGN_OR_RETURN(Policy policy,
                       ParsePolicy(document, *data.data->list, data.data->properties.get()));
  const PolicyInForce out{std::make_shared<const Policy>(std::move(policy)), data.data};
  absl::MutexLock lock(&mutex_);
  kept_[{data.stamp, out.policy->digest}] = {out, ++uses_};
  if (kept_.size() > kMaxCachedPolicies) {
    kept_.erase(
        std::ranges::min_element(kept_, {}, [](const auto& item) { return item.second.used; }));
  }
  return out;
}

}  // namespace dml
