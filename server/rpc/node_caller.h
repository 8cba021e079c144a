// Callers that are nodes: what they are called, and that they see no more than what is for them.
#pragma once

#include <string>

#include "core/journal/permit_records.h"
#include "server/rpc/call_guard.h"

namespace dml {

/// What a caller is called in environments, approvals and the trust root: NAME of a certificate of
/// this library, spiffe://<domain>/principals/NAME; else its principal.
std::string NameOf(const Caller& caller);

/// Whether the caller has one of these roles for a thing ("namespaces/N", "environments/E").
bool HasRoleFor(const Caller& caller, RoleSet roles, std::string_view thing);

/// Whether, in an environment where it may call, it is there as a node and as nothing else.
bool IsOnlyNodeIn(const Caller& caller, const std::string& environment);

/// Whether a caller that may call in the permit's environment may know of it: a node of those that
/// are for it.
bool SeesPermit(const Caller& caller, const PermitRecord& permit);

}  // namespace dml
