// Package specs of variants by name, on a snapshot.
#pragma once

#include <map>
#include <memory>

#include "core/package/package_spec.h"
#include "storage/library/advisories.h"
#include "storage/library/spec_cache.h"

namespace dml {

/// What runs somewhere may have been withdrawn since: every variant that was ever published is
/// there, whatever its state, as the advisories in force have it. Keeps what it has read. One
/// thread at a time.
class VariantSpecs {
 public:
  /// All must outlive it.
  VariantSpecs(const Reader& state, SpecCache& specs, AdvisoryReader& advisories)
      : state_(state), specs_(specs), advisories_(advisories) {}

  /// Valid for as long as this object. NOT_FOUND (VARIANT_NOT_FOUND); RESOURCE_EXHAUSTED
  /// (UNIVERSE_TOO_LARGE) beyond kMaxDocumentBytes of all documents read.
  absl::StatusOr<const PackageSpec*> Get(const VariantName& name);

  static constexpr uint64_t kMaxDocumentBytes = uint64_t{256} << 20;

 private:
  const Reader& state_;
  SpecCache& specs_;
  AdvisoryReader& advisories_;
  std::map<VariantName, std::shared_ptr<const PackageSpec>> read_;
  uint64_t bytes_ = 0;
};

}  // namespace dml
