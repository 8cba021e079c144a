// Entries about entitlements and leases of seats; see core/journal/entry.h.
//
// They say what was asked for and never what came of it: ends and counts follow from the entry's
// time and the entries before it, by the rules of core/license/entitlement_ledger.h.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/license/lease.h"

namespace dml {

struct EntitlementGranted {
  Entitlement terms;
  uint64_t revision = 0;  // Of the claim; 0 in entries from before terms were signed.
  BlobRef envelope = {};  // Metadata blob: EntitlementClaim (core/evidence/entitlement_claim.h).
  bool operator==(const EntitlementGranted&) const = default;
};

/// Other terms for an entitlement that is there; they take the place of those before.
struct EntitlementAmended {
  Entitlement terms;
  std::string replaces_etag;  // Of the terms that the author saw.
  uint64_t revision = 0;      // As above.
  BlobRef envelope = {};
  bool operator==(const EntitlementAmended&) const = default;
};

/// Seats for all of these or for none, until the entry's time and `ttl`.
struct SeatsReserved {
  std::string id;  // Of the reservation: its leases are ID/0, ID/1, ...
  std::string environment;
  std::chrono::microseconds ttl{0};
  std::vector<SeatRequest> items;
  bool operator==(const SeatsReserved&) const = default;
};

/// A holder took what was reserved, and has it for so long from the entry's time on.
struct LeaseCommitted {
  std::string lease;
  std::chrono::microseconds duration{0};
  bool operator==(const LeaseCommitted&) const = default;
};

struct LeaseExtended {
  std::string lease;
  std::chrono::microseconds duration{0};  // From the entry's time on.
  bool operator==(const LeaseExtended&) const = default;
};

struct LeaseReleased {
  std::string lease;
  bool forced = false;  // Taken from a holder that is lost; the author answers for that.
  std::string reason;   // Where forced.
  bool operator==(const LeaseReleased&) const = default;
};

/// Seats for a holder that will be offline, which nobody can take back in time.
struct LeaseBorrowed {
  std::string id;  // The lease is ID/0.
  std::string environment;
  std::chrono::microseconds duration{0};
  SeatRequest item;
  bool operator==(const LeaseBorrowed&) const = default;
};

}  // namespace dml
