#include "core/compat/package_source.h"

#include <utility>

namespace dml {

void MemoryPackageSource::Add(PackageSpec spec, std::string manifest) {
  const size_t index = packages_.size();
  auto offer = [&](RelationKind kind, std::string name) {
    std::vector<size_t>& at = by_name_[{kind, std::move(name)}];
    if (at.empty() || at.back() != index) at.push_back(index);
  };
  offer(RelationKind::kPackage, spec.package.ToString());
  for (const Provision& provision : spec.provides) offer(provision.kind, provision.name);
  packages_.push_back({std::make_shared<const PackageSpec>(std::move(spec)), std::move(manifest)});
}

absl::StatusOr<std::vector<SourcePackage>> MemoryPackageSource::FindProviders(
    RelationKind kind, std::string_view name) const {
  std::vector<SourcePackage> out;
  auto found = by_name_.find({kind, std::string(name)});
  if (found == by_name_.end()) return out;
  for (size_t index : found->second) out.push_back(packages_[index]);
  return out;
}

}  // namespace dml
