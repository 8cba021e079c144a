// What rules and projections ask about permits. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/journal/permit_records.h"
#include "core/journal/seat_entries.h"

namespace dml {

/// Whoever judges a release in an environment looks at all of its permits that have not expired.
inline constexpr size_t kMaxPermitNodesBytes = 40 << 10;  // Of their names in one entry.

/// The part of the state that is about permits; see LibraryState.
class PermitLookup {
 public:
  template <typename T>
  using FoundPermit = absl::StatusOr<std::optional<T>>;

  virtual ~PermitLookup() = default;
  virtual FoundPermit<PermitRecord> FindPermit(std::string_view id) const = 0;
  virtual FoundPermit<PermitUseRecord> FindPermitUse(std::string_view id,
                                                     std::string_view node) const = 0;
};

/// "permit-ID": of the reservation of a permit, which its revocation returns.
std::string ReservationIdOf(std::string_view permit);
/// The seats that a permit reserves in its own entry, at its time, until it expires: leases
/// permit-ID/0, permit-ID/1, ...
SeatsReserved ReservationOf(const PermitDecided& decided, Timestamp now);

}  // namespace dml
