// Package specs of variants by name, on a snapshot.
#pragma once

#include <map>
#include <memory>

#include "core/package/package_spec.h"
#include "storage/library/spec_cache.h"

namespace dml {

/// What runs somewhere may have been withdrawn since: every variant that was ever published is
/// there, whatever its state. Keeps what it has read. One thread at a time.
class VariantSpecs {
 public:
  /// Both must outlive it.
  VariantSpecs(const Reader& state, SpecCache& specs) : state_(state), specs_(specs) {}

  /// Valid for as long as this object. NOT_FOUND (VARIANT_NOT_FOUND); RESOURCE_EXHAUSTED
  /// (UNIVERSE_TOO_LARGE) beyond kMaxDocumentBytes of all documents read.
  absl::StatusOr<const PackageSpec*> Get(const VariantName& name);

  static constexpr uint64_t kMaxDocumentBytes = uint64_t{256} << 20;

 private:
  const Reader& state_;
  SpecCache& specs_;
  std::map<VariantName, std::shared_ptr<const PackageSpec>> read_;
  uint64_t bytes_ = 0;
};

}  // namespace dml
