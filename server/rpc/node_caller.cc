#include "server/rpc/node_caller.h"

#include <algorithm>

namespace dml {

std::string NameOf(const Caller& caller) {
  constexpr std::string_view kPrincipals = "/principals/";
  const Identity& identity = caller.identity();
  const size_t at = identity.principal.rfind(kPrincipals);
  const bool is_own = identity.method == "certificate" &&
                      identity.principal.starts_with("spiffe://") && at != std::string::npos;
  return is_own ? identity.principal.substr(at + kPrincipals.size()) : identity.principal;
}

bool HasRoleFor(const Caller& caller, RoleSet roles, std::string_view thing) {
  return std::ranges::any_of(caller.identity().grants, [&](const AccessGrant& grant) {
    const std::optional<Role> role = ParseRole(grant.role);
    return role.has_value() && roles.Has(*role) && ScopeCovers(grant.scope, thing);
  });
}

bool IsOnlyNodeIn(const Caller& caller, const std::string& environment) {
  RoleSet others;
  for (int i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    if (role != Role::kNode) others = others | RoleSet{role};
  }
  return !HasRoleFor(caller, others, "environments/" + environment);
}

bool SeesPermit(const Caller& caller, const PermitRecord& permit) {
  if (!IsOnlyNodeIn(caller, permit.decided.environment)) return true;
  return permit.decided.allowed && permit.IsFor(NameOf(caller));
}

}  // namespace dml
