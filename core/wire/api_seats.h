// Domain values <-> API messages of entitlements and leases; see core/wire/api.h.
#pragma once

#include <chrono>

#include "core/wire/api.h"
#include "dml/v1/entitlement.pb.h"

namespace dml::wire {

std::string EntitlementResource(std::string_view id);  // entitlements/ID
std::string LeaseResource(std::string_view id);        // leases/REQUEST/INDEX

void To(std::chrono::microseconds time, google::protobuf::Duration* out);
/// INVALID_ARGUMENT (DURATION_INVALID) for more than 10 000 years either way.
absl::StatusOr<std::chrono::microseconds> From(const google::protobuf::Duration& in,
                                               std::string_view field);

v1::SeatMetric ToApi(SeatMetric metric);
/// INVALID_ARGUMENT (METRIC_UNKNOWN).
absl::StatusOr<SeatMetric> From(v1::SeatMetric in);

void To(const SeatPosition& position, v1::SeatPosition* out);
SeatPosition From(const v1::SeatPosition& in);

/// Without the position.
void To(const EntitlementRecord& record, v1::Entitlement* out);
absl::StatusOr<EntitlementRecord> From(const v1::Entitlement& in);

void To(const LeaseRecord& record, v1::Lease* out);
absl::StatusOr<LeaseRecord> From(const v1::Lease& in);

void To(const SeatRequest& item, v1::SeatRequest* out);
absl::StatusOr<SeatRequest> From(const v1::SeatRequest& in);

}  // namespace dml::wire
