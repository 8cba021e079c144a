// The rules of entitlements and leases, over rows.
//
// Of the ledger (core/license/entitlement_ledger.h) just the part that an operation touches is
// loaded, and the operation carried out on it: rules ask whether that went well, the projection
// writes what came of it, and queries look at what time alone has done. Pure, as all rules.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/journal/records.h"
#include "core/license/entitlement_ledger.h"

namespace dml {

/// The rows that decisions about seats look at; part of LibraryState. Errors are those of the
/// storage below, never NOT_FOUND.
class SeatState {
 public:
  template <typename T>
  using Found = absl::StatusOr<std::optional<T>>;

  virtual ~SeatState() = default;
  virtual Found<EntitlementRecord> FindEntitlement(std::string_view id) const = 0;
  virtual Found<SeatUsage> FindSeatUsage(std::string_view entitlement) const = 0;
  /// As last changed by an entry, forgotten ones too where they are still there.
  virtual Found<LeaseRecord> FindLease(std::string_view id) const = 0;
  /// Of an entitlement, with after < end <= until, by their ends.
  virtual absl::StatusOr<std::vector<LeaseRecord>> LeasesEnding(std::string_view entitlement,
                                                                Timestamp after,
                                                                Timestamp until) const = 0;
  /// All with ids REQUEST/..., forgotten ones too where they are still there.
  virtual absl::StatusOr<std::vector<LeaseRecord>> LeasesOf(std::string_view request) const = 0;
};

/// Carries out the operation of an entry at its time. The errors of the ledger, and ALREADY_EXISTS
/// (RESERVATION_EXISTS), ABORTED (ETAG_MISMATCH), INVALID_ARGUMENT (REASON_REQUIRED). The ledger
/// returned holds the entitlements that were touched, counted up to `now`, and their leases that
/// were.
absl::StatusOr<EntitlementLedger> CarryOut(const EntitlementGranted& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const EntitlementAmended& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const SeatsReserved& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const LeaseCommitted& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const LeaseExtended& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const LeaseReleased& p, const SeatState& state,
                                           Timestamp now);
absl::StatusOr<EntitlementLedger> CarryOut(const LeaseBorrowed& p, const SeatState& state,
                                           Timestamp now);

// Seats that an entry of another kind takes along, such as a permit, in the same commit: the entry
// holds a SeatsReserved whose id is its own ("permit-<uuid>"), so that its leases are
// permit-<uuid>/0, /1, ... Then its rule, which the sequencer asks at the entry's time, says
//   DML_RETURN_IF_ERROR(AtField((*this)(p.seats), "seats"));        // In a Decider.
// or elsewhere CarryOut(p.seats, state, now).status(), and its projection
//   DML_RETURN_IF_ERROR((*this)(p.seats));                          // In Application.
// An entry that takes the other back returns what it reserved: ReturnSeats here in its rule,
// Application::ReturnSeats(id, which) in its projection. Before there is an entry, CheckSeatsAt
// says whether it would go, of the items of one entitlement or of all.

/// Releases the live leases of a reservation (EntitlementLedger::Return).
absl::StatusOr<EntitlementLedger> ReturnSeats(const std::string& reservation, ReturnWhich which,
                                              const SeatState& state, Timestamp now);

/// Whether seats could be reserved at `now`, with the errors of EntitlementLedger::CheckSeats.
absl::Status CheckSeatsAt(std::span<const SeatRequest> items, const std::string& environment,
                          const SeatState& state, Timestamp now);

/// Where an entitlement stands at `now`. NOT_FOUND (ENTITLEMENT_NOT_FOUND).
absl::StatusOr<SeatPosition> PositionAt(const std::string& entitlement, const SeatState& state,
                                        Timestamp now);

}  // namespace dml
