// Who may what about entitlements and leases: license managers manage entitlements in the
// environments that these are for; deployers, and license managers, act on leases in their
// environments; a node acts on its own.
#pragma once

#include <string>

#include "core/license/lease.h"
#include "server/rpc/call_guard.h"

namespace dml {

/// The caller has one of these roles in an environment.
bool HasRoleIn(const Caller& caller, RoleSet roles, const std::string& environment);

/// Whether a lease is the caller's own: it is held by what names its principal, or by its name in a
/// certificate of this library, spiffe://<domain>/principals/NAME.
bool Holds(const Caller& caller, const Lease& lease);

/// OK where the caller may in all environments that the terms are for. The errors of Caller::MayIn.
absl::Status MayManage(const Caller& caller, const Entitlement& terms);

}  // namespace dml
