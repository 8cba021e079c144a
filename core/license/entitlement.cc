#include "core/license/entitlement.h"

#include <algorithm>
#include <array>

#include "core/base/digest.h"
#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("ENTITLEMENT_INVALID");
constexpr std::array<std::string_view, 8> kMetrics = {"NODE",       "INSTANCE",   "CORE", "SOCKET",
                                                      "NAMED_USER", "CONCURRENT", "SITE", "TERM"};

absl::Status CheckText(std::string_view what, const std::string& text) {
  if (text.empty() || text.size() > kMaxEntitlementTextBytes || !Utf8Fault(text).empty() ||
      HasControlCharacters(text)) {
    return InvalidArgument(kInvalid,
                           "{} must be a text of 1 to {} bytes without control characters", what,
                           kMaxEntitlementTextBytes);
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view SeatMetricName(SeatMetric metric) { return kMetrics[static_cast<size_t>(metric)]; }

std::optional<SeatMetric> ParseSeatMetric(std::string_view name) {
  const auto it = std::ranges::find(kMetrics, name);
  if (it == kMetrics.end()) return std::nullopt;
  return static_cast<SeatMetric>(it - kMetrics.begin());
}

bool Entitlement::Covers(std::string_view environment) const {
  return environments.empty() || std::ranges::find(environments, environment) != environments.end();
}

absl::Status ValidateEntitlement(const Entitlement& entitlement) {
  DML_RETURN_IF_ERROR(CheckText("id", entitlement.id));
  DML_RETURN_IF_ERROR(CheckText("product", entitlement.product));
  DML_RETURN_IF_ERROR(CheckText("vendor", entitlement.vendor));
  if (entitlement.environments.size() > kMaxEntitlementEnvironments) {
    return InvalidArgument(kInvalid, "more than {} environments", kMaxEntitlementEnvironments);
  }
  for (const std::string& environment : entitlement.environments) {
    DML_RETURN_IF_ERROR(CheckText("an environment", environment));
  }
  if (entitlement.quantity == 0 || entitlement.quantity > kMaxSeats) {
    return InvalidArgument(kInvalid, "quantity must be 1 to {}, not {}", kMaxSeats,
                           entitlement.quantity);
  }
  if (entitlement.overage_percent > kMaxOveragePercent) {
    return InvalidArgument(kInvalid, "overage must be at most {} percent, not {}",
                           kMaxOveragePercent, entitlement.overage_percent);
  }
  if (entitlement.expiry <= entitlement.start) {
    return InvalidArgument(kInvalid, "expiry {} must be after start {}",
                           FormatTime(entitlement.expiry), FormatTime(entitlement.start));
  }
  if (!Digest::Parse(entitlement.contract_digest).ok()) {
    return InvalidArgument(kInvalid, "contract '{}' must be the digest of its document",
                           Excerpt(entitlement.contract_digest));
  }
  if (entitlement.max_borrowed > entitlement.quantity ||
      entitlement.low_water > entitlement.quantity) {
    return InvalidArgument(kInvalid,
                           "seats to borrow ({}) and low-water mark ({}) must be at most the "
                           "quantity ({})",
                           entitlement.max_borrowed, entitlement.low_water, entitlement.quantity);
  }
  if ((entitlement.max_borrowed > 0) != (entitlement.max_borrow_duration.count() > 0)) {
    return InvalidArgument(kInvalid, "seats to borrow and the longest time go together");
  }
  return absl::OkStatus();
}

}  // namespace dml
