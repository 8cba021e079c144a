// What the signer of an entitlement claims: an in-toto predicate, as in claims.h, about the
// contract document that gives it. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/evidence/claims.h"
#include "core/license/entitlement.h"

namespace dml {

inline constexpr std::string_view kEntitlementPredicate = "https://dml.dev/entitlement/v1";
/// An envelope over such a claim with all its signatures.
inline constexpr size_t kMaxEntitlementEnvelopeBytes = 256 << 10;

/// The signer has a library count seats by these terms, which the contract gives that is the
/// subject. Signing role: entitlement, over the terms' product.
struct EntitlementClaim {
  Entitlement terms;
  uint64_t revision = 0;  // From 1 on; goes up with every change of the entitlement.
  bool operator==(const EntitlementClaim&) const = default;
};

/// The statement: times and durations are in whole seconds. The errors of ReadEntitlementClaim for
/// a claim that nobody could read.
absl::StatusOr<std::string> FormatEntitlementClaim(const EntitlementClaim& claim);

struct ReadEntitlement {
  EntitlementClaim claim;
  DsseEnvelope envelope;  // Whose signatures it has is not looked at.
};

/// Reads an envelope's text. The errors of ReadClaim; INVALID_ARGUMENT (CLAIM_INVALID, or
/// ENTITLEMENT_INVALID for terms that are none) with the place.
absl::StatusOr<ReadEntitlement> ReadEntitlementClaim(std::string_view text);

}  // namespace dml
