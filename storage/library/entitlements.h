// Commands about entitlements that are granted and amended by signed claims.
#pragma once

#include <optional>
#include <string>

#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// The terms that an envelope claims, whoever signed it. Errors of ReadEntitlementClaim, and
/// INVALID_ARGUMENT (ENTITLEMENT_NOT_SIGNED) for none, at field "envelope".
absl::StatusOr<Entitlement> ClaimedTerms(const std::string& envelope);

/// The command that enters an entitlement: EntitlementAmended where there is `replaces_etag`, else
/// EntitlementGranted. Besides the errors of ClaimedTerms those of TrustDomain::Verify, where the
/// role entitlement over the terms' product has not signed, at field "envelope".
absl::StatusOr<Command> PrepareEntitlement(const Reader& state, const TrustDomain& trust,
                                           std::string envelope,
                                           std::optional<std::string> replaces_etag);

}  // namespace dml
