#include "server/rpc/seat_access.h"

#include <algorithm>

namespace dml {

bool HasRoleIn(const Caller& caller, RoleSet roles, const std::string& environment) {
  return std::ranges::any_of(caller.identity().grants, [&](const AccessGrant& grant) {
    const std::optional<Role> role = ParseRole(grant.role);
    return role.has_value() && roles.Has(*role) &&
           ScopeCovers(grant.scope, "environments/" + environment);
  });
}

bool Holds(const Caller& caller, const Lease& lease) {
  const Identity& identity = caller.identity();
  if (identity.principal == lease.holder) return true;
  return identity.method == "certificate" && identity.principal.starts_with("spiffe://") &&
         lease.holder.find('/') == std::string::npos &&
         identity.principal.ends_with("/principals/" + lease.holder);
}

absl::Status MayManage(const Caller& caller, const Entitlement& terms) {
  if (terms.environments.empty()) return caller.MayIn("");
  for (const std::string& environment : terms.environments) {
    DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
  }
  return absl::OkStatus();
}

}  // namespace dml
