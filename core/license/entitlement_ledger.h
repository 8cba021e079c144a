// The ledger of entitlements and leases: who holds how many seats until when.
//
// A lease goes one way:
//   Reserve -> RESERVED -- Commit --> ACTIVE -- Release, ForceRelease, its end --> ENDED
//                       -- Release, ForceRelease, its end --> ENDED
//   Borrow  -> BORROWED -- Release, ForceRelease, its end --> ENDED
// Each operation is given the journal's time, which never goes back, and first ends every lease
// whose end has come: nobody's help is needed for that, and no clock is read. At every moment, for
// every entitlement: seats reserved + active + borrowed <= limit(), and no lease outlives it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/license/lease.h"

namespace dml {

inline constexpr size_t kMaxSeatItems = 4096;

/// A value; copies are independent. Not for use by several threads at once. A failed operation
/// changes nothing but the ledger's time, which all that ends by time is reckoned from.
///
/// Common errors: FAILED_PRECONDITION (CLOCK_WENT_BACK) for a time before the last one, NOT_FOUND
/// (ENTITLEMENT_NOT_FOUND, LEASE_NOT_FOUND), FAILED_PRECONDITION (LEASE_ENDED).
class EntitlementLedger {
 public:
  EntitlementLedger() = default;
  /// A part of a ledger: these entitlements as last counted, and of their leases at least those
  /// that an operation names and all that end after that count and by the time of the operation.
  /// An operation on them does and answers what it would in the whole; CheckInvariants and
  /// CheckSeats for other entitlements do not hold here, nor are requests remembered.
  EntitlementLedger(std::span<const SeatAccount> accounts, std::span<const Lease> leases);

  /// ALREADY_EXISTS (ENTITLEMENT_EXISTS); the errors of ValidateEntitlement.
  absl::Status Grant(const Entitlement& entitlement, Timestamp now);
  /// Other terms for one that is there. FAILED_PRECONDITION (ENTITLEMENT_BELOW_LEASED) where they
  /// would not cover what is leased: fewer seats, an earlier end or later start, an environment
  /// less. INVALID_ARGUMENT (ENTITLEMENT_INVALID) for another product or metric.
  absl::Status Amend(const Entitlement& entitlement, Timestamp now);

  /// Whether Reserve would do it, with its errors. Changes nothing at all.
  absl::Status CheckSeats(std::span<const SeatRequest> items, const std::string& environment,
                          Timestamp now) const;
  /// All items or none, until `now + ttl`. The ids of the leases, in the order of the items; the
  /// same again for the same request. ALREADY_EXISTS (REQUEST_ID_REUSED) for another one with its
  /// id, RESOURCE_EXHAUSTED (SEATS_EXHAUSTED) with the numbers, FAILED_PRECONDITION
  /// (ENTITLEMENT_NOT_IN_FORCE, ENTITLEMENT_ENVIRONMENT), INVALID_ARGUMENT (SEATS_INVALID).
  absl::StatusOr<std::vector<std::string>> Reserve(const std::string& request,
                                                   std::span<const SeatRequest> items,
                                                   const std::string& environment,
                                                   std::chrono::microseconds ttl, Timestamp now);
  /// The holder took what was reserved, and has it until `now + duration` or the entitlement's
  /// expiry. FAILED_PRECONDITION (LEASE_ALREADY_COMMITTED) the second time.
  absl::Status Commit(const std::string& lease, std::chrono::microseconds duration, Timestamp now);
  /// A new end for an active lease, never an earlier one. FAILED_PRECONDITION (LEASE_NOT_ACTIVE).
  absl::Status Extend(const std::string& lease, std::chrono::microseconds duration, Timestamp now);
  absl::Status Release(const std::string& lease, Timestamp now);
  /// For a holder that is lost: the caller answers for its not using the seats any more.
  absl::Status ForceRelease(const std::string& lease, Timestamp now);
  /// Releases the live leases of a request. OK, and nothing done, where there are none any more or
  /// never were.
  absl::Status Return(const std::string& request, ReturnWhich which, Timestamp now);
  /// A lease for a node that will be offline. As Reserve; also RESOURCE_EXHAUSTED (BORROW_LIMIT,
  /// BORROW_LOW_WATER) and FAILED_PRECONDITION (BORROW_TOO_LONG). Overage is not lent.
  absl::StatusOr<std::string> Borrow(const std::string& request, const SeatRequest& item,
                                     const std::string& environment,
                                     std::chrono::microseconds duration, Timestamp now);
  /// Lets time pass.
  absl::Status Advance(Timestamp now);

  Timestamp time() const { return time_; }
  const std::map<std::string, Entitlement>& entitlements() const { return entitlements_; }
  /// Live ones, and ended ones as long as they are remembered.
  const std::map<std::string, Lease>& leases() const { return leases_; }
  /// Of one that is there, as last counted.
  const SeatUsage& Usage(const std::string& entitlement) const { return usage_.at(entitlement); }
  /// At time().
  absl::StatusOr<SeatPosition> Position(const std::string& entitlement) const;
  /// Ids of those in force at time() that expire by `until`, soonest first.
  std::vector<std::string> ExpiringBy(Timestamp until) const;

  /// INTERNAL (LEDGER_INVALID) where what is kept for speed is not what the rows say, or a row
  /// breaks a rule above: a fault of this program.
  absl::Status CheckInvariants() const;

 private:
  struct Request {
    std::vector<SeatRequest> items;
    std::string environment;
    bool borrow = false;
    std::chrono::microseconds duration{0};
    std::vector<std::string> leases;
  };

  absl::StatusOr<Lease*> FindLive(const std::string& lease);
  using Seats = std::map<std::string, uint64_t>;  // By entitlement.
  absl::Status CheckItems(std::span<const SeatRequest> items, const std::string& environment,
                          Timestamp now, const Seats& freed) const;
  absl::Status CheckBorrow(const SeatRequest& item, std::chrono::microseconds duration) const;
  absl::StatusOr<std::vector<std::string>> Admit(const std::string& id, Request request,
                                                 Timestamp now);
  void Reckon(const std::string& entitlement, Timestamp until);
  void Move(Lease& lease, LeaseState state, Timestamp end);
  void Finish(Lease& lease, LeaseEnd by, Timestamp at);
  Timestamp EndOf(const std::string& entitlement, std::chrono::microseconds duration) const;

  Timestamp time_{};
  std::map<std::string, Entitlement> entitlements_;
  std::map<std::string, SeatUsage> usage_;
  std::map<std::string, Lease> leases_;
  std::map<std::string, Request> requests_;
  std::set<std::pair<Timestamp, std::string>> ends_;    // Of live leases.
  std::set<std::pair<Timestamp, std::string>> memory_;  // Ended leases, by when they ended.
};

}  // namespace dml
