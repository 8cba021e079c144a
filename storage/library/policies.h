// Policy documents and license data as read, so that a question does not parse them again.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/gate/policy.h"
#include "core/license/data_set.h"
#include "storage/engine/engine.h"
#include "storage/library/license_evidence.h"
#include "storage/library/node_cache.h"
#include "storage/library/spec_cache.h"

namespace dml {

inline constexpr size_t kMaxCachedPolicies = 64;

/// A policy with the license data that it was read by, and that verdicts by it go by.
struct PolicyInForce {
  std::shared_ptr<const Policy> policy;
  std::shared_ptr<const LicenseData> data;
};

/// Keeps the license data in force, and the policies used last by it and the digests of their
/// documents: a document's meaning depends on nothing else. Thread-safe.
class PolicyCache {
 public:
  /// What licenses are judged by in a state. The errors of LoadLicenseDocuments and
  /// ReadLicenseData.
  absl::StatusOr<std::shared_ptr<const LicenseData>> Data(const Reader& state);
  /// The document that a policy's record names. The errors of ReadMetadata and ParsePolicy, too.
  absl::StatusOr<PolicyInForce> Get(const Reader& state, const BlobRef& document);
  /// One that came with a request.
  absl::StatusOr<PolicyInForce> Parse(const Reader& state, std::string_view document);

  /// What was observed and concluded of variants, by the license list in force.
  EvidenceCache& evidence() { return evidence_; }
  /// Package specs that were judged.
  SpecCache& specs() { return specs_; }
  /// The nodes that releases were judged for.
  NodeCache& nodes() { return nodes_; }

  size_t size() const;

 private:
  using Key = std::pair<uint64_t, Digest>;  // Stamp of the license data, document.
  struct Kept {
    PolicyInForce policy;
    uint64_t used = 0;
  };
  struct Stamped {
    uint64_t stamp = 0;
    std::shared_ptr<const LicenseData> data;
  };

  absl::StatusOr<Stamped> Load(const Reader& state);
  std::shared_ptr<const Policy> Find(const Key& key);
  absl::StatusOr<PolicyInForce> Keep(const Stamped& data, std::string_view document);

  static constexpr uint64_t kSpecBytes = 16 << 20;

  EvidenceCache evidence_;
  SpecCache specs_{kSpecBytes};
  NodeCache nodes_;
  mutable absl::Mutex mutex_;
  Stamped data_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dml
