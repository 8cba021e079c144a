// Keys of the rows of entitlements and leases; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "storage/views/view_keys.h"

namespace dml::view_keys {

inline std::string Entitlement(std::string_view id) {
  return Start(Row::kEntitlement).String(id).Build();
}
inline std::string SeatUsage(std::string_view entitlement) {
  return Start(Row::kSeatUsage).String(entitlement).Build();
}
inline KeyBuilder LeasePrefix(std::string_view request) {
  return Start(Row::kLease).String(request);
}
inline std::string Lease(std::string_view request, uint64_t index) {
  return LeasePrefix(request).U64(index).Build();
}
/// Of an entitlement's leases, by when they end; times before 1970 are no ends.
inline KeyBuilder LeaseEndPrefix(std::string_view entitlement) {
  return Start(Row::kLeaseEnd).String(entitlement);
}
inline std::string LeaseEnd(std::string_view entitlement, uint64_t micros, std::string_view request,
                            uint64_t index) {
  return LeaseEndPrefix(entitlement).U64(micros).String(request).U64(index).Build();
}
inline KeyBuilder LeaseOfPrefix(std::string_view entitlement) {
  return Start(Row::kLeaseOf).String(entitlement);
}
inline std::string LeaseOf(std::string_view entitlement, std::string_view request, uint64_t index) {
  return LeaseOfPrefix(entitlement).String(request).U64(index).Build();
}
}  // namespace dml::view_keys
