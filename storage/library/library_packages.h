// The library's packages as a resolver's source, on a snapshot.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/compat/package_source.h"
#include "core/journal/records.h"
#include "storage/library/advisories.h"
#include "storage/library/publication_signers.h"
#include "storage/library/spec_cache.h"
#include "storage/library/trust.h"

namespace dml {

struct LibraryPackagesOptions {
  std::function<bool(std::string_view ns)> sees;  // Whose packages are candidates; empty: all.
  std::set<VariantName> in_use;  // These may be taken although they are superseded.
  std::function<bool()> stop;    // Asked for each variant read; empty: never.
  uint64_t max_document_bytes = uint64_t{256} << 20;  // Of all specs read.
};

/// Candidates are the variants that may be deployed: published (not quarantined, rejected or
/// withdrawn), and signed by a key that may publish them now, as advisories have them. Reads only
/// what is asked for, each variant once. The state, and what the options refer to, must outlive it.
class LibraryPackages : public PackageSource {
 public:
  /// By the trust that the state has at its journal's time; without a root nobody's signature
  /// counts, and there are no candidates. The errors of TrustCache::Get.
  static absl::StatusOr<std::unique_ptr<LibraryPackages>> Open(const Reader& state,
                                                               TrustCache& trust, SpecCache& specs,
                                                               LibraryPackagesOptions options = {});

  /// Also CANCELLED (CALL_CANCELED) once `stop` says yes, RESOURCE_EXHAUSTED (UNIVERSE_TOO_LARGE)
  /// beyond max_document_bytes or kMaxResolveCandidates variants.
  absl::StatusOr<std::vector<SourcePackage>> FindProviders(RelationKind kind,
                                                           std::string_view name) const override;

  uint64_t index() const { return index_; }  // Journal size of the state.

 private:
  LibraryPackages(const Reader& state, SpecCache& specs, LibraryPackagesOptions options,
                  std::shared_ptr<const TrustDomain> trust, uint64_t index, Timestamp time);

  absl::Status AddVersions(const PackageName& package, std::vector<SourcePackage>& out) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddProviders(RelationKind kind, std::string_view name,
                            std::vector<SourcePackage>& out) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Add(const VariantRecord& record, std::vector<SourcePackage>& out) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<SourcePackage>> Read(const VariantRecord& record) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Sees(const PackageName& package) const {
    return !options_.sees || options_.sees(package.ns);
  }

  const Reader& state_;
  SpecCache& specs_;
  const LibraryPackagesOptions options_;
  const std::shared_ptr<const TrustDomain> trust_;
  const uint64_t index_;

  mutable absl::Mutex mutex_;
  mutable PublicationReader publications_ ABSL_GUARDED_BY(mutex_);
  mutable AdvisoryReader advisories_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<VariantName, std::optional<SourcePackage>> read_ ABSL_GUARDED_BY(mutex_);
  mutable uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dml
