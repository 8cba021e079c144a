// What is entitled, in use and unused, by product.
#pragma once

#include "core/license/entitlement.h"
#include "dml/v1/entitlement.pb.h"
#include "server/rpc/call_guard.h"
#include "storage/engine/engine.h"

namespace dml {

/// Whether a caller is shown an entitlement: one for every environment, or for one that they see.
bool SeesEntitlement(const Caller& caller, const Entitlement& terms);

/// The position at `now` of the entitlements in force that the caller sees.
absl::Status FillLicensePosition(const Reader& state, Timestamp now, const Caller& caller,
                                 const v1::GetLicensePositionRequest& request,
                                 v1::GetLicensePositionResponse& response);

}  // namespace dml
