#include "storage/library/variant_specs.h"

#include "storage/views/library_view.h"

namespace dml {

absl::StatusOr<const PackageSpec*> VariantSpecs::Get(const VariantName& name) {
  if (auto known = read_.find(name); known != read_.end()) return known->second.get();
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state_).FindVariant(name));
  if (!record.has_value()) {
    return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
  }
  if (bytes_ + record->spec.size > kMaxDocumentBytes) {
    return ResourceExhausted(ErrorReason("UNIVERSE_TOO_LARGE"),
                             "the variants named have more than {} bytes of package specs",
                             kMaxDocumentBytes);
  }
  bytes_ += record->spec.size;
  DML_ASSIGN_OR_RETURN(auto published, specs_.Get(state_, record->spec));
  DML_ASSIGN_OR_RETURN(auto spec, advisories_.Amend(std::move(published), false));
  return read_.emplace(name, std::move(spec)).first->second.get();
}

}  // namespace dml
