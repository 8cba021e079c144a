// Where a resolver finds packages: a snapshot of an index.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/package/package_spec.h"

namespace dml {

/// A variant that may be taken.
struct SourcePackage {
  std::shared_ptr<const PackageSpec> spec;
  std::string manifest;  // Digest of its manifest, "" where it is not known.
};

/// A snapshot: all answers are those of one moment, for as long as the object lives. Safe for use
/// by several threads at once.
class PackageSource {
 public:
  virtual ~PackageSource() = default;

  /// All variants that offer the name: of kind PACKAGE those of the package itself, and those that
  /// provide the kind and name. Each variant once, in any order.
  virtual absl::StatusOr<std::vector<SourcePackage>> FindProviders(RelationKind kind,
                                                                   std::string_view name) const = 0;
};

/// A source of specs held in memory.
class MemoryPackageSource : public PackageSource {
 public:
  void Add(PackageSpec spec, std::string manifest = "");

  absl::StatusOr<std::vector<SourcePackage>> FindProviders(RelationKind kind,
                                                           std::string_view name) const override;

 private:
  std::vector<SourcePackage> packages_;
  std::map<std::pair<RelationKind, std::string>, std::vector<size_t>> by_name_;
};

}  // namespace dml
