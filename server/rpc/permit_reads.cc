#include "server/rpc/permit_reads.h"

#include "core/journal/permit_records.h"
#include "core/wire/api_permits.h"
#include "server/rpc/node_caller.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr RoleSet kNamespaceReaders = {
    Role::kReader,   Role::kPublisher,      Role::kTester,  Role::kApprover, Role::kReleaseManager,
    Role::kDeployer, Role::kLicenseManager, Role::kAuditor, Role::kOperator, Role::kAdmin};

absl::Status Required(const Caller& caller) {
  return PermissionDenied(
      ErrorReason("PERMIT_REQUIRED"),
      "{} reads what an open permit for it names, and this is not: give the "
      "permit (dml deploy fetch --permit), or have a role granted that reads the "
      "namespace",
      caller.principal());
}

}  // namespace

absl::Status PermitReads::MayRead(Library& library, const Reader& state, const Caller& caller,
                                  const VariantName& variant, const std::string& permit) const {
  if (HasRoleFor(caller, kNamespaceReaders, "namespaces/" + variant.package.ns)) {
    return absl::OkStatus();
  }
  // Whoever names no permit, and is no machine, hears what it lacks.
  if (permit.empty() && !caller.Has(Role::kNode)) return caller.MayInNamespace(variant.package.ns);
  if (permit.empty()) return Required(caller);
  DML_ASSIGN_OR_RETURN(const bool is_named, IsNamed(library, state, caller, variant, permit));
  return is_named ? absl::OkStatus() : Required(caller);
}

absl::StatusOr<bool> PermitReads::IsNamed(Library& library, const Reader& state,
                                          const Caller& caller, const VariantName& variant,
                                          const std::string& permit) const {
  const absl::StatusOr<std::string> id = wire::ParsePermitResource(permit);
  if (!id.ok()) return AtField(id.status(), "permit");
  DML_ASSIGN_OR_RETURN(const auto found, LibraryView(state).FindPermit(*id));
  if (!found.has_value()) return false;
  const std::string place = "environments/" + found->decided.environment;
  const bool is_for_node = HasRoleFor(caller, {Role::kNode}, place) && found->IsFor(NameOf(caller));
  if (!is_for_node && !HasRoleFor(caller, {Role::kDeployer, Role::kAdmin}, place)) return false;
  DML_ASSIGN_OR_RETURN(const Timestamp now, library.TimeOf(state));
  if (found->StateAt(now) != PermitState::kOpen) return false;
  DML_ASSIGN_OR_RETURN(const auto names, InstalledBy(state, found->decided.release));
  return names->contains(variant);
}

absl::StatusOr<std::shared_ptr<const PermitReads::Names>> PermitReads::InstalledBy(
    const Reader& state, const Digest& release) const {
  {
    absl::MutexLock lock(&mutex_);
    if (const auto found = installed_.find(release); found != installed_.end()) {
      return found->second;
    }
  }
  DML_ASSIGN_OR_RETURN(const Release document, LoadRelease(state, release));
  auto names = std::make_shared<Names>();
  for (const ReleaseItem& item : document.items) {
    if (item.action != ReleaseAction::kRemove) names->insert(item.variant);
  }
  absl::MutexLock lock(&mutex_);
  if (installed_.size() >= kMaxReleases) installed_.clear();
  return installed_.emplace(release, std::move(names)).first->second;
}

}  // namespace dml
