// What EntitlementLedger tells of itself: positions, and whether its rows hold together.
#include <algorithm>

#include "core/base/text.h"
#include "core/license/entitlement_ledger.h"

namespace dml {
namespace {

constexpr ErrorReason kLedgerInvalid("LEDGER_INVALID");

}  // namespace

absl::StatusOr<SeatPosition> EntitlementLedger::Position(const std::string& entitlement) const {
  auto it = entitlements_.find(entitlement);
  if (it == entitlements_.end()) {
    return NotFound(ErrorReason("ENTITLEMENT_NOT_FOUND"), "no entitlement '{}'",
                    Excerpt(entitlement));
  }
  SeatUsage usage = usage_.at(entitlement);
  usage.Reckon(it->second.quantity, time_);
  SeatPosition position;
  position.entitled = it->second.quantity;
  position.limit = it->second.limit();
  position.reserved = usage.reserved;
  position.in_use = usage.active + usage.borrowed;
  position.borrowed = usage.borrowed;
  position.unused = position.entitled - std::min(position.entitled, usage.leased());
  position.high_water = usage.high_water;
  position.never_used = position.entitled - std::min(position.entitled, usage.high_water);
  position.overage_minutes = usage.overage_minutes;
  return position;
}

std::vector<std::string> EntitlementLedger::ExpiringBy(Timestamp until) const {
  std::vector<std::pair<Timestamp, std::string>> found;
  for (const auto& [id, entitlement] : entitlements_) {
    if (entitlement.InForce(time_) && entitlement.expiry <= until) {
      found.emplace_back(entitlement.expiry, id);
    }
  }
  std::ranges::sort(found);
  std::vector<std::string> ids;
  for (auto& [expiry, id] : found) ids.push_back(std::move(id));
  return ids;
}

absl::Status EntitlementLedger::CheckInvariants() const {
  std::map<std::string, SeatUsage> counted;
  size_t live = 0;
  for (const auto& [id, lease] : leases_) {
    if (!requests_.contains(lease.request) || !entitlements_.contains(lease.entitlement)) {
      return Internal(kLedgerInvalid, "lease '{}' belongs to nothing", id);
    }
    if (lease.state == LeaseState::kEnded) {
      if (!memory_.contains({lease.end, id})) {
        return Internal(kLedgerInvalid, "ended lease '{}' would never be forgotten", id);
      }
      continue;
    }
    ++live;
    counted[lease.entitlement].Of(lease.state) += lease.seats;
    if (!ends_.contains({lease.end, id}) || lease.end <= time_ ||
        lease.end > entitlements_.at(lease.entitlement).expiry) {
      return Internal(kLedgerInvalid, "lease '{}' ends at the wrong time, {}", id,
                      FormatTime(lease.end));
    }
  }
  if (live != ends_.size() || leases_.size() - live != memory_.size()) {
    return Internal(kLedgerInvalid, "{} ends for {} live leases, {} for {} ended", ends_.size(),
                    live, memory_.size(), leases_.size() - live);
  }
  for (const auto& [id, entitlement] : entitlements_) {
    const SeatUsage& kept = usage_.at(id);
    const SeatUsage& rows = counted[id];
    if (kept.reserved != rows.reserved || kept.active != rows.active ||
        kept.borrowed != rows.borrowed) {
      return Internal(kLedgerInvalid, "'{}': {} seats counted, {} by its leases", id, kept.leased(),
                      rows.leased());
    }
    if (kept.leased() > entitlement.limit()) {
      return Internal(kLedgerInvalid, "'{}': {} seats leased of {}", id, kept.leased(),
                      entitlement.limit());
    }
  }
  return absl::OkStatus();
}

}  // namespace dml
