// Leases of seats, and what is counted of them; see core/license/entitlement_ledger.h.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/license/entitlement.h"

namespace dml {

enum class LeaseState { kReserved, kActive, kBorrowed, kEnded };
enum class LeaseEnd { kNone, kExpired, kReleased, kForced };
std::string_view LeaseStateName(LeaseState state);  // "RESERVED".
std::string_view LeaseEndName(LeaseEnd end);        // "EXPIRED"; "" for kNone.

/// How long after its end a lease, and its request id, is remembered.
inline constexpr std::chrono::hours kLeaseMemory{24};

struct Lease {
  std::string id;       // "REQUEST/INDEX", the index of the item in its request.
  std::string request;  // The request id that made it.
  std::string entitlement;
  std::string holder;  // A node, user or instance.
  std::string environment;
  uint64_t seats = 0;
  LeaseState state = LeaseState::kReserved;
  LeaseEnd ended_by = LeaseEnd::kNone;
  Timestamp end{};  // Not in force from this moment on; once ended, when it did.

  /// The same at `now`, which is not before the last change of it: ended, where its end has come.
  Lease AsOf(Timestamp now) const;
  /// Whether it ended so long ago that its id is free again.
  bool ForgottenAt(Timestamp now) const { return end + kLeaseMemory <= now; }
  bool operator==(const Lease&) const = default;
};

/// "REQUEST/INDEX".
std::string LeaseId(std::string_view request, uint64_t index);
/// The reverse; nullopt for what is no such id.
std::optional<std::pair<std::string, uint64_t>> SplitLeaseId(std::string_view id);

/// One wish of a request.
struct SeatRequest {
  std::string entitlement;
  std::string holder;
  uint64_t seats = 1;
  bool operator==(const SeatRequest&) const = default;
};

/// What of a request's leases is returned together.
enum class ReturnWhich {
  kUntaken,  // What no holder has committed to: what they were for is off.
  kAll,      // What is in use, too: what it was for is undone.
};

/// Where an entitlement stands. Seats unless said otherwise.
struct SeatPosition {
  uint64_t entitled = 0;  // The quantity.
  uint64_t limit = 0;
  uint64_t reserved = 0;
  uint64_t in_use = 0;           // Active and borrowed.
  uint64_t borrowed = 0;         // Part of in_use.
  uint64_t unused = 0;           // Entitled, neither in use nor reserved.
  uint64_t high_water = 0;       // The most that were in use at once, ever.
  uint64_t never_used = 0;       // Entitled and above the high-water mark: paid, and unused.
  uint64_t overage_minutes = 0;  // Whole seat minutes in use beyond the quantity.
  bool operator==(const SeatPosition&) const = default;
};

/// What is counted of an entitlement's leases up to a moment, and of its past.
struct SeatUsage {
  uint64_t reserved = 0;
  uint64_t active = 0;
  uint64_t borrowed = 0;
  uint64_t high_water = 0;
  uint64_t overage_micros = 0;  // Below a minute; whole ones are in overage_minutes.
  uint64_t overage_minutes = 0;
  Timestamp since{};  // Reckoned up to here: leases that end later are counted.

  uint64_t leased() const { return reserved + active + borrowed; }
  uint64_t& Of(LeaseState state);
  /// Lets time pass in which nothing changes.
  void Reckon(uint64_t quantity, Timestamp until);
  bool operator==(const SeatUsage&) const = default;
};

/// An entitlement with its counts.
struct SeatAccount {
  Entitlement terms;
  SeatUsage usage;
};

}  // namespace dml
