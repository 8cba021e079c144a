// What is known of the licenses of published variants beyond what they declare: observations out of
// their SBOM attestations, and what persons concluded.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/journal/records.h"
#include "core/license/evidence.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// SBOMs that are read of one variant; of one that has more nothing is known.
inline constexpr size_t kMaxSbomsOfVariant = 32;
inline constexpr size_t kMaxCachedSboms = 4096;

/// Whether an attestation of this predicate type is an SBOM, of any version.
bool IsSbomPredicate(std::string_view predicate_type);

/// Reads attestations, and keeps what it read of SBOMs by the license list used last. Thread-safe.
class EvidenceCache {
 public:
  /// Observations in the order of envelope digests, each with "attestation sha256:..." as its
  /// source, and the newest conclusion whose signers `trust` gives the role license-data over the
  /// package (null: nobody has it). A document that cannot be read is an observation with a fault.
  /// What is declared is left to the caller. The errors of ReadMetadata.
  absl::StatusOr<LicenseEvidence> Get(const Reader& state, const TrustDomain* trust,
                                      const std::shared_ptr<const LicenseList>& list,
                                      const VariantRecord& variant);

 private:
  using Key = std::pair<Digest, std::string>;  // Envelope, package URL.

  absl::StatusOr<std::optional<ObservedLicense>> Observe(
      const Reader& state, const std::shared_ptr<const LicenseList>& list, const Digest& envelope,
      const std::string& purl);

  absl::Mutex mutex_;
  std::shared_ptr<const LicenseList> list_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, std::optional<ObservedLicense>> read_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
