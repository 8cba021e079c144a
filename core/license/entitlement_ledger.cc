#include "core/license/entitlement_ledger.h"

#include <algorithm>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kSeatsInvalid("SEATS_INVALID");
constexpr ErrorReason kBelowLeased("ENTITLEMENT_BELOW_LEASED");
// Far beyond any contract, and far from overflow of a timestamp.
constexpr std::chrono::microseconds kLongestLease = std::chrono::hours(24 * 366 * 100);

absl::Status NoEntitlement(const std::string& id) {
  return NotFound(ErrorReason("ENTITLEMENT_NOT_FOUND"), "no entitlement '{}'", Excerpt(id));
}

absl::Status CheckClock(Timestamp last, Timestamp now) {
  if (now >= last) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("CLOCK_WENT_BACK"),
                            "the time {} is before {} of the ledger", FormatTime(now),
                            FormatTime(last));
}

absl::Status CheckDuration(std::chrono::microseconds duration) {
  if (duration.count() > 0 && duration <= kLongestLease) return absl::OkStatus();
  return InvalidArgument(kSeatsInvalid,
                         "a lease must last more than no time and at most 100 years");
}

bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= kMaxEntitlementTextBytes && Utf8Fault(text).empty() &&
         !HasControlCharacters(text);
}

}  // namespace

EntitlementLedger::EntitlementLedger(std::span<const SeatAccount> accounts,
                                     std::span<const Lease> leases) {
  for (const SeatAccount& account : accounts) {
    time_ = std::max(time_, account.usage.since);
    entitlements_.emplace(account.terms.id, account.terms);
    usage_.emplace(account.terms.id, account.usage);
  }
  for (const Lease& lease : leases) {
    if (!leases_.emplace(lease.id, lease).second) continue;
    requests_[lease.request].leases.push_back(lease.id);
    (lease.state == LeaseState::kEnded ? memory_ : ends_).emplace(lease.end, lease.id);
  }
}

void EntitlementLedger::Reckon(const std::string& entitlement, Timestamp until) {
  usage_.at(entitlement).Reckon(entitlements_.at(entitlement).quantity, until);
}

// Gives a live lease another state or end, at time_.
void EntitlementLedger::Move(Lease& lease, LeaseState state, Timestamp end) {
  Reckon(lease.entitlement, time_);
  SeatUsage& usage = usage_.at(lease.entitlement);
  usage.Of(lease.state) -= lease.seats;
  usage.Of(state) += lease.seats;
  usage.high_water = std::max(usage.high_water, usage.active + usage.borrowed);
  ends_.erase({lease.end, lease.id});
  ends_.emplace(end, lease.id);
  lease.state = state;
  lease.end = end;
}

void EntitlementLedger::Finish(Lease& lease, LeaseEnd by, Timestamp at) {
  Reckon(lease.entitlement, at);
  usage_.at(lease.entitlement).Of(lease.state) -= lease.seats;
  ends_.erase({lease.end, lease.id});
  memory_.emplace(at, lease.id);
  lease.state = LeaseState::kEnded;
  lease.ended_by = by;
  lease.end = at;
}

absl::Status EntitlementLedger::Advance(Timestamp now) {
  DML_RETURN_IF_ERROR(CheckClock(time_, now));
  while (!ends_.empty() && ends_.begin()->first <= now) {
    Lease& lease = leases_.at(ends_.begin()->second);
    Finish(lease, LeaseEnd::kExpired, lease.end);
  }
  time_ = now;
  while (!memory_.empty() && memory_.begin()->first + kLeaseMemory <= now) {
    auto lease = leases_.find(memory_.begin()->second);
    auto request = requests_.find(lease->second.request);
    std::erase(request->second.leases, lease->first);
    if (request->second.leases.empty()) requests_.erase(request);
    leases_.erase(lease);
    memory_.erase(memory_.begin());
  }
  return absl::OkStatus();
}

absl::Status EntitlementLedger::Grant(const Entitlement& entitlement, Timestamp now) {
  DML_RETURN_IF_ERROR(ValidateEntitlement(entitlement));
  DML_RETURN_IF_ERROR(Advance(now));
  if (!entitlements_.emplace(entitlement.id, entitlement).second) {
    return AlreadyExists(ErrorReason("ENTITLEMENT_EXISTS"), "there is an entitlement '{}' already",
                         entitlement.id);
  }
  usage_[entitlement.id].since = now;
  return absl::OkStatus();
}

absl::Status EntitlementLedger::Amend(const Entitlement& entitlement, Timestamp now) {
  DML_RETURN_IF_ERROR(ValidateEntitlement(entitlement));
  DML_RETURN_IF_ERROR(Advance(now));
  auto it = entitlements_.find(entitlement.id);
  if (it == entitlements_.end()) return NoEntitlement(entitlement.id);
  if (it->second.product != entitlement.product || it->second.metric != entitlement.metric) {
    return InvalidArgument(ErrorReason("ENTITLEMENT_INVALID"),
                           "'{}' is for {} by {}; grant another entitlement for another product or "
                           "metric",
                           entitlement.id, it->second.product, SeatMetricName(it->second.metric));
  }
  const uint64_t leased = usage_.at(entitlement.id).leased();
  if (leased > entitlement.limit()) {
    return FailedPrecondition(kBelowLeased, "'{}': {} seats are leased, more than the new limit {}",
                              entitlement.id, leased, entitlement.limit());
  }
  for (const auto& [end, id] : ends_) {
    const Lease& lease = leases_.at(id);
    if (lease.entitlement != entitlement.id) continue;
    if (end > entitlement.expiry || now < entitlement.start ||
        !entitlement.Covers(lease.environment)) {
      return FailedPrecondition(
          kBelowLeased, "'{}': lease '{}' of {} in '{}' until {} is not within the new terms",
          entitlement.id, id, lease.holder, lease.environment, FormatTime(end));
    }
  }
  Reckon(entitlement.id, now);  // By the terms so far.
  it->second = entitlement;
  return absl::OkStatus();
}

// `freed` are seats of leases that have ended by `now` and are still counted.
absl::Status EntitlementLedger::CheckItems(std::span<const SeatRequest> items,
                                           const std::string& environment, Timestamp now,
                                           const Seats& freed) const {
  if (items.empty() || items.size() > kMaxSeatItems) {
    return InvalidArgument(kSeatsInvalid, "a request asks for 1 to {} items", kMaxSeatItems);
  }
  Seats asked;
  for (const SeatRequest& item : items) {
    if (item.seats == 0 || item.seats > kMaxSeats || !IsName(item.holder)) {
      return InvalidArgument(kSeatsInvalid, "an item asks for 1 to {} seats and names a holder",
                             kMaxSeats);
    }
    auto it = entitlements_.find(item.entitlement);
    if (it == entitlements_.end()) return NoEntitlement(item.entitlement);
    if (!it->second.InForce(now)) {
      return FailedPrecondition(ErrorReason("ENTITLEMENT_NOT_IN_FORCE"),
                                "'{}' is in force from {} to {}", it->first,
                                FormatTime(it->second.start), FormatTime(it->second.expiry));
    }
    if (!it->second.Covers(environment)) {
      return FailedPrecondition(ErrorReason("ENTITLEMENT_ENVIRONMENT"),
                                "'{}' does not cover the environment '{}'", it->first,
                                Excerpt(environment));
    }
    asked[item.entitlement] += item.seats;
  }
  for (const auto& [id, seats] : asked) {
    const uint64_t limit = entitlements_.at(id).limit();
    const auto gone = freed.find(id);
    const uint64_t leased = usage_.at(id).leased() - (gone == freed.end() ? 0 : gone->second);
    if (seats > limit - leased) {
      return ResourceExhausted(ErrorReason("SEATS_EXHAUSTED"),
                               "'{}': {} seats asked for, {} of {} left", id, seats, limit - leased,
                               limit);
    }
  }
  return absl::OkStatus();
}

absl::Status EntitlementLedger::CheckSeats(std::span<const SeatRequest> items,
                                           const std::string& environment, Timestamp now) const {
  DML_RETURN_IF_ERROR(CheckClock(time_, now));
  Seats freed;
  for (auto it = ends_.begin(); it != ends_.end() && it->first <= now; ++it) {
    const Lease& lease = leases_.at(it->second);
    freed[lease.entitlement] += lease.seats;
  }
  return CheckItems(items, environment, now, freed);
}

absl::Status EntitlementLedger::CheckBorrow(const SeatRequest& item,
                                            std::chrono::microseconds duration) const {
  const Entitlement& entitlement = entitlements_.at(item.entitlement);
  const SeatUsage& usage = usage_.at(item.entitlement);
  if (usage.borrowed + item.seats > entitlement.max_borrowed) {
    return ResourceExhausted(
        ErrorReason("BORROW_LIMIT"), "'{}': {} seats asked for, {} of {} that may be borrowed left",
        item.entitlement, item.seats,
        entitlement.max_borrowed - std::min(usage.borrowed, entitlement.max_borrowed),
        entitlement.max_borrowed);
  }
  if (duration > entitlement.max_borrow_duration) {
    return FailedPrecondition(
        ErrorReason("BORROW_TOO_LONG"), "'{}' is lent for at most {} s, not {} s", item.entitlement,
        std::chrono::floor<std::chrono::seconds>(entitlement.max_borrow_duration).count(),
        std::chrono::ceil<std::chrono::seconds>(duration).count());
  }
  if (usage.leased() + item.seats + entitlement.low_water > entitlement.quantity) {
    return ResourceExhausted(
        ErrorReason("BORROW_LOW_WATER"),
        "'{}': of {} seats {} are leased, and {} must stay unused after a loan", item.entitlement,
        entitlement.quantity, usage.leased(), entitlement.low_water);
  }
  return absl::OkStatus();
}

Timestamp EntitlementLedger::EndOf(const std::string& entitlement,
                                   std::chrono::microseconds duration) const {
  return std::min(time_ + duration, entitlements_.at(entitlement).expiry);
}

// Makes the leases of a new request, or finds those of one that was admitted before.
absl::StatusOr<std::vector<std::string>> EntitlementLedger::Admit(const std::string& id,
                                                                  Request request, Timestamp now) {
  if (!IsName(id)) return InvalidArgument(kSeatsInvalid, "a request needs an id");
  DML_RETURN_IF_ERROR(CheckDuration(request.duration));
  DML_RETURN_IF_ERROR(Advance(now));
  if (auto it = requests_.find(id); it != requests_.end()) {
    const Request& first = it->second;
    if (first.items != request.items || first.environment != request.environment ||
        first.borrow != request.borrow || first.duration != request.duration) {
      return AlreadyExists(ErrorReason("REQUEST_ID_REUSED"),
                           "request '{}' asked for something else before; use another id", id);
    }
    std::vector<std::string> leases;
    for (size_t i = 0; i < first.items.size(); ++i) leases.push_back(LeaseId(id, i));
    return leases;
  }
  DML_RETURN_IF_ERROR(CheckItems(request.items, request.environment, now, {}));
  if (request.borrow) DML_RETURN_IF_ERROR(CheckBorrow(request.items[0], request.duration));
  for (const SeatRequest& item : request.items) {
    Lease lease;
    lease.id = LeaseId(id, request.leases.size());
    lease.request = id;
    lease.entitlement = item.entitlement;
    lease.holder = item.holder;
    lease.environment = request.environment;
    lease.seats = item.seats;
    lease.state = request.borrow ? LeaseState::kBorrowed : LeaseState::kReserved;
    lease.end = EndOf(item.entitlement, request.duration);
    Reckon(item.entitlement, now);
    SeatUsage& usage = usage_.at(item.entitlement);
    usage.Of(lease.state) += item.seats;
    usage.high_water = std::max(usage.high_water, usage.active + usage.borrowed);
    ends_.emplace(lease.end, lease.id);
    request.leases.push_back(lease.id);
    leases_.emplace(lease.id, std::move(lease));
  }
  return requests_.emplace(id, std::move(request)).first->second.leases;
}

absl::StatusOr<std::vector<std::string>> EntitlementLedger::Reserve(
    const std::string& request, std::span<const SeatRequest> items, const std::string& environment,
    std::chrono::microseconds ttl, Timestamp now) {
  return Admit(request, {{items.begin(), items.end()}, environment, false, ttl, {}}, now);
}

absl::StatusOr<std::string> EntitlementLedger::Borrow(const std::string& request,
                                                      const SeatRequest& item,
                                                      const std::string& environment,
                                                      std::chrono::microseconds duration,
                                                      Timestamp now) {
  DML_ASSIGN_OR_RETURN(std::vector<std::string> leases,
                       Admit(request, {{item}, environment, true, duration, {}}, now));
  return leases.front();
}

absl::StatusOr<Lease*> EntitlementLedger::FindLive(const std::string& lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end()) {
    return NotFound(ErrorReason("LEASE_NOT_FOUND"), "no lease '{}'", Excerpt(lease));
  }
  if (it->second.state == LeaseState::kEnded) {
    constexpr std::string_view kHow[] = {"", "expired", "was released", "was taken back"};
    return FailedPrecondition(ErrorReason("LEASE_ENDED"), "lease '{}' {} at {}", lease,
                              kHow[static_cast<size_t>(it->second.ended_by)],
                              FormatTime(it->second.end));
  }
  return &it->second;
}

absl::Status EntitlementLedger::Commit(const std::string& lease, std::chrono::microseconds duration,
                                       Timestamp now) {
  DML_RETURN_IF_ERROR(CheckDuration(duration));
  DML_RETURN_IF_ERROR(Advance(now));
  DML_ASSIGN_OR_RETURN(Lease * found, FindLive(lease));
  if (found->state != LeaseState::kReserved) {
    return FailedPrecondition(ErrorReason("LEASE_ALREADY_COMMITTED"),
                              "lease '{}' is in force already, until {}", lease,
                              FormatTime(found->end));
  }
  Move(*found, LeaseState::kActive, EndOf(found->entitlement, duration));
  return absl::OkStatus();
}

absl::Status EntitlementLedger::Extend(const std::string& lease, std::chrono::microseconds duration,
                                       Timestamp now) {
  DML_RETURN_IF_ERROR(CheckDuration(duration));
  DML_RETURN_IF_ERROR(Advance(now));
  DML_ASSIGN_OR_RETURN(Lease * found, FindLive(lease));
  if (found->state != LeaseState::kActive) {
    return FailedPrecondition(ErrorReason("LEASE_NOT_ACTIVE"),
                              "lease '{}' is {}; only an active one is extended", lease,
                              found->state == LeaseState::kReserved ? "reserved" : "borrowed");
  }
  Move(*found, LeaseState::kActive, std::max(found->end, EndOf(found->entitlement, duration)));
  return absl::OkStatus();
}

absl::Status EntitlementLedger::Release(const std::string& lease, Timestamp now) {
  DML_RETURN_IF_ERROR(Advance(now));
  DML_ASSIGN_OR_RETURN(Lease * found, FindLive(lease));
  Finish(*found, LeaseEnd::kReleased, now);
  return absl::OkStatus();
}

absl::Status EntitlementLedger::ForceRelease(const std::string& lease, Timestamp now) {
  DML_RETURN_IF_ERROR(Advance(now));
  DML_ASSIGN_OR_RETURN(Lease * found, FindLive(lease));
  Finish(*found, LeaseEnd::kForced, now);
  return absl::OkStatus();
}

absl::Status EntitlementLedger::Return(const std::string& request, ReturnWhich which,
                                       Timestamp now) {
  DML_RETURN_IF_ERROR(Advance(now));
  const auto found = requests_.find(request);
  if (found == requests_.end()) return absl::OkStatus();
  for (const std::string& id : found->second.leases) {
    Lease& lease = leases_.at(id);
    const bool taken = lease.state != LeaseState::kReserved;
    if (lease.state == LeaseState::kEnded || (taken && which == ReturnWhich::kUntaken)) continue;
    Finish(lease, LeaseEnd::kReleased, now);
  }
  return absl::OkStatus();
}

}  // namespace dml
