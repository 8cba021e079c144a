// What a CycloneDX document tells of the commercial terms of its components
// (licenses[].license.licensing, CycloneDX 1.5 to 1.7, JSON), as far as entitlements have them. A
// quantity it does not tell: that is in the contract. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/license/entitlement.h"

namespace dml {

struct LicensingTerms {
  std::string product;               // "group/name", or "name" where there is no group.
  std::string purl;                  // Of the component; "" where it has none.
  std::vector<std::string> ids;      // altIds: numbers of licenses, keys of contracts.
  std::string vendor;                // licensor; "" where it is not told.
  std::string purchase_order;        // Likewise.
  std::optional<SeatMetric> metric;  // Of the first license type that is one.
  std::vector<std::string> types;    // licenseTypes, as found.
  std::optional<Timestamp> start;    // lastRenewal, in whole seconds.
  std::optional<Timestamp> expiry;   // expiration, likewise.
  bool operator==(const LicensingTerms&) const = default;
};

/// The metric that a CycloneDX license type counts: node-locked and device NODE, appliance
/// INSTANCE, core-points CORE, processor-points SOCKET, named-user and user NAMED_USER,
/// concurrent-user CONCURRENT, subscription TERM; nullopt for the others, which count nothing.
std::optional<SeatMetric> MetricOfLicenseType(std::string_view type);

/// In the order of the document. INVALID_ARGUMENT (SBOM_INVALID) with the place: no CycloneDX
/// document of these versions, more than the limits of sbom.h, a member of another type, a time
/// that is none.
absl::StatusOr<std::vector<LicensingTerms>> ReadLicensing(std::string_view text);

}  // namespace dml
