// Positions and leases as JSON, for dml entitlement.
#pragma once

#include "client/seats.h"
#include "tools/dml/app.h"

namespace dml {

Json ToJson(const SeatPosition& position);
Json ToJson(const EntitlementStanding& standing);
Json ToJson(const LeaseRecord& record);

}  // namespace dml
