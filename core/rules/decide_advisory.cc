// The rule of advisories.
#include <algorithm>

#include "core/compat/advisory.h"
#include "core/rules/decider.h"

namespace dml {

absl::Status Decider::operator()(const AdvisorySet& p) const {
  constexpr ErrorReason kInvalid("ADVISORY_INVALID");
  if (const absl::Status valid = ValidateAdvisoryId(p.id); !valid.ok()) return AtField(valid, "id");
  if (p.revision == 0) {
    return AtField(InvalidArgument(kInvalid, "revisions count from 1 on"), "revision");
  }
  if (p.packages.empty() || p.packages.size() > kMaxAdvisoryPackages ||
      std::ranges::adjacent_find(p.packages, std::ranges::greater_equal()) != p.packages.end()) {
    return AtField(InvalidArgument(kInvalid, "an advisory affects 1 to {} packages, in order",
                                   kMaxAdvisoryPackages),
                   "packages");
  }
  for (const std::string& package : p.packages) {
    const absl::Status valid = PackageName::Parse(package).status();
    if (!valid.ok()) return AtField(valid, "packages");
  }
  if (p.key_ids.empty()) {
    return PermissionDenied(ErrorReason("THRESHOLD_NOT_MET"), "nobody has signed the advisory");
  }
  DML_ASSIGN_OR_RETURN(const auto current, state_.FindAdvisory(p.id));
  if (!current.has_value()) {
    if (!p.withdrawn) return absl::OkStatus();
    return NotFound(ErrorReason("ADVISORY_NOT_FOUND"), "no advisory {} to withdraw", p.id);
  }
  if (p.revision > current->set.revision) return absl::OkStatus();
  if (p == current->set) {
    return AlreadyExists(ErrorReason("ADVISORY_EXISTS"),
                         "revision {} of advisory {} is there since entry {}", p.revision, p.id,
                         current->index);
  }
  return FailedPrecondition(ErrorReason("ADVISORY_REVISION_UNEXPECTED"),
                            "advisory {} is at revision {}; a new one has a higher revision than "
                            "that, not {}",
                            p.id, current->set.revision, p.revision);
}

}  // namespace dml
