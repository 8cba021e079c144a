// Entitlements: how many of a product one may use, by contract. Not to be mixed with what a license
// expression allows (policy.h). The contract document is in the library and prevails.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace dml {

/// What a seat is one of; the counting is the caller's.
enum class SeatMetric { kNode, kInstance, kCore, kSocket, kNamedUser, kConcurrent, kSite, kTerm };
std::string_view SeatMetricName(SeatMetric metric);  // "NODE", ..., "NAMED_USER", ...
std::optional<SeatMetric> ParseSeatMetric(std::string_view name);

inline constexpr uint64_t kMaxSeats = 1'000'000'000;
inline constexpr uint32_t kMaxOveragePercent = 1000;
inline constexpr size_t kMaxEntitlementTextBytes = 256;
inline constexpr size_t kMaxEntitlementEnvironments = 1024;

struct Entitlement {
  std::string id;
  std::string product;
  std::string vendor;
  SeatMetric metric = SeatMetric::kNode;
  uint64_t quantity = 0;
  /// How far the contract lets use exceed the quantity, in percent of it; 0: not at all.
  uint32_t overage_percent = 0;
  Timestamp start{};
  Timestamp expiry{};                     // Not in force from this moment on.
  std::vector<std::string> environments;  // Empty: all.
  std::string contract_digest;            // Of the document; "sha256:...".

  // For nodes that go offline with a signed lease, which nobody can take back in time.
  uint64_t max_borrowed = 0;  // Seats; 0: none may.
  std::chrono::microseconds max_borrow_duration{0};
  uint64_t low_water = 0;  // Seats that a borrower must leave unused.

  /// Seats that may be leased at once: the quantity and its overage, rounded down.
  uint64_t limit() const { return quantity + quantity * overage_percent / 100; }
  bool InForce(Timestamp now) const { return start <= now && now < expiry; }
  bool Covers(std::string_view environment) const;
  bool operator==(const Entitlement&) const = default;
};

/// INVALID_ARGUMENT (ENTITLEMENT_INVALID): an empty or too long id, product or vendor, one with
/// control characters, more than kMaxSeats or none, an end before the start, a digest of another
/// form, a low-water mark or borrowable seats above the quantity, seats but no time to borrow.
absl::Status ValidateEntitlement(const Entitlement& entitlement);

}  // namespace dml
