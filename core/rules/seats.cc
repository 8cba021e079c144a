#include "core/rules/seats.h"

#include <algorithm>
#include <set>

#include "core/base/blank_text.h"
#include "core/base/text.h"

namespace dml {
namespace {

// What of the ledger an operation needs.
class Loader {
 public:
  Loader(const SeatState& state, Timestamp now) : state_(state), now_(now) {}

  /// An entitlement where it is there, and its leases whose end has come since it was counted.
  /// `live`: those that have not ended, too.
  absl::Status AddEntitlement(const std::string& id, bool live = false) {
    if (!seen_.insert(id).second) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(auto record, state_.FindEntitlement(id));
    if (!record.has_value()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(auto usage, state_.FindSeatUsage(id));
    if (!usage.has_value()) {
      return DataLoss(ErrorReason("VIEWS_INCONSISTENT"), "entitlement '{}' has no counts", id);
    }
    DML_ASSIGN_OR_RETURN(std::vector<LeaseRecord> due,
                         state_.LeasesEnding(id, usage->since, live ? Timestamp::max() : now_));
    for (LeaseRecord& lease : due) leases_.push_back(std::move(lease.lease));
    accounts_.push_back({std::move(record->terms), *usage});
    return absl::OkStatus();
  }

  /// A lease where it is there, and its entitlement.
  absl::Status AddLease(const std::string& id) {
    DML_ASSIGN_OR_RETURN(auto record, state_.FindLease(id));
    if (!record.has_value()) return absl::OkStatus();
    return AddLease(record->lease);
  }
  absl::Status AddLease(const Lease& lease) {
    DML_RETURN_IF_ERROR(AddEntitlement(lease.entitlement));
    const auto account =
        std::ranges::find(accounts_, lease.entitlement,
                          [](const SeatAccount& a) -> const std::string& { return a.terms.id; });
    // One that had ended when its entitlement was last counted is not counted any more.
    const Timestamp since = account == accounts_.end() ? Timestamp() : account->usage.since;
    leases_.push_back(lease.AsOf(since));
    return absl::OkStatus();
  }

  EntitlementLedger Ledger() const { return {accounts_, leases_}; }

 private:
  const SeatState& state_;
  const Timestamp now_;
  std::set<std::string> seen_;
  std::vector<SeatAccount> accounts_;
  std::vector<Lease> leases_;
};

absl::StatusOr<EntitlementLedger> LoadEntitlements(std::span<const SeatRequest> items,
                                                   const SeatState& state, Timestamp now) {
  if (items.size() > kMaxSeatItems) {
    return InvalidArgument(ErrorReason("SEATS_INVALID"), "a request asks for 1 to {} items",
                           kMaxSeatItems);
  }
  Loader loader(state, now);
  for (const SeatRequest& item : items) {
    DML_RETURN_IF_ERROR(loader.AddEntitlement(item.entitlement));
  }
  return loader.Ledger();
}

absl::StatusOr<EntitlementLedger> LoadLease(const std::string& id, const SeatState& state,
                                            Timestamp now) {
  Loader loader(state, now);
  DML_RETURN_IF_ERROR(loader.AddLease(id));
  return loader.Ledger();
}

// The sequencer answers retries; whoever else comes with the same id means something else.
absl::Status CheckIdIsFree(const std::string& id, const SeatState& state, Timestamp now) {
  DML_ASSIGN_OR_RETURN(std::vector<LeaseRecord> leases, state.LeasesOf(id));
  for (const LeaseRecord& record : leases) {
    if (record.lease.ForgottenAt(now)) continue;
    return AlreadyExists(ErrorReason("RESERVATION_EXISTS"),
                         "'{}' was reserved at entry {}: use another request id", Excerpt(id),
                         record.index);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EntitlementLedger> CarryOut(const EntitlementGranted& p, const SeatState& state,
                                           Timestamp now) {
  Loader loader(state, now);
  DML_RETURN_IF_ERROR(loader.AddEntitlement(p.terms.id));
  EntitlementLedger ledger = loader.Ledger();
  DML_RETURN_IF_ERROR(ledger.Grant(p.terms, now));
  return ledger;
}

absl::StatusOr<EntitlementLedger> CarryOut(const EntitlementAmended& p, const SeatState& state,
                                           Timestamp now) {
  Loader loader(state, now);
  DML_RETURN_IF_ERROR(loader.AddEntitlement(p.terms.id, /*live=*/true));
  EntitlementLedger ledger = loader.Ledger();
  DML_RETURN_IF_ERROR(ledger.Amend(p.terms, now));
  DML_ASSIGN_OR_RETURN(auto record, state.FindEntitlement(p.terms.id));
  if (record.has_value() && record->Etag() == p.replaces_etag) return ledger;
  return Aborted(ErrorReason("ETAG_MISMATCH"),
                 "entitlement '{}' is at etag '{}', not '{}': read it again and decide anew",
                 p.terms.id, record.has_value() ? record->Etag() : "", Excerpt(p.replaces_etag));
}

absl::StatusOr<EntitlementLedger> CarryOut(const SeatsReserved& p, const SeatState& state,
                                           Timestamp now) {
  DML_RETURN_IF_ERROR(CheckIdIsFree(p.id, state, now));
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadEntitlements(p.items, state, now));
  DML_RETURN_IF_ERROR(ledger.Reserve(p.id, p.items, p.environment, p.ttl, now).status());
  return ledger;
}

absl::StatusOr<EntitlementLedger> CarryOut(const LeaseCommitted& p, const SeatState& state,
                                           Timestamp now) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadLease(p.lease, state, now));
  DML_RETURN_IF_ERROR(ledger.Commit(p.lease, p.duration, now));
  return ledger;
}

absl::StatusOr<EntitlementLedger> CarryOut(const LeaseExtended& p, const SeatState& state,
                                           Timestamp now) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadLease(p.lease, state, now));
  DML_RETURN_IF_ERROR(ledger.Extend(p.lease, p.duration, now));
  return ledger;
}

absl::StatusOr<EntitlementLedger> CarryOut(const LeaseReleased& p, const SeatState& state,
                                           Timestamp now) {
  if (p.forced && IsOnlySpace(p.reason)) {
    return AtField(InvalidArgument(ErrorReason("REASON_REQUIRED"),
                                   "say why the lease is taken back: a reason is required"),
                   "reason");
  }
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadLease(p.lease, state, now));
  DML_RETURN_IF_ERROR(p.forced ? ledger.ForceRelease(p.lease, now) : ledger.Release(p.lease, now));
  return ledger;
}

absl::StatusOr<EntitlementLedger> CarryOut(const LeaseBorrowed& p, const SeatState& state,
                                           Timestamp now) {
  DML_RETURN_IF_ERROR(CheckIdIsFree(p.id, state, now));
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadEntitlements({&p.item, 1}, state, now));
  DML_RETURN_IF_ERROR(ledger.Borrow(p.id, p.item, p.environment, p.duration, now).status());
  return ledger;
}

absl::StatusOr<EntitlementLedger> ReturnSeats(const std::string& reservation, ReturnWhich which,
                                              const SeatState& state, Timestamp now) {
  DML_ASSIGN_OR_RETURN(std::vector<LeaseRecord> leases, state.LeasesOf(reservation));
  Loader loader(state, now);
  for (const LeaseRecord& record : leases) {
    if (record.lease.ForgottenAt(now)) continue;
    DML_RETURN_IF_ERROR(loader.AddLease(record.lease));
  }
  EntitlementLedger ledger = loader.Ledger();
  DML_RETURN_IF_ERROR(ledger.Return(reservation, which, now));
  return ledger;
}

absl::Status CheckSeatsAt(std::span<const SeatRequest> items, const std::string& environment,
                          const SeatState& state, Timestamp now) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, LoadEntitlements(items, state, now));
  return ledger.CheckSeats(items, environment, now);
}

absl::StatusOr<SeatPosition> PositionAt(const std::string& entitlement, const SeatState& state,
                                        Timestamp now) {
  Loader loader(state, now);
  DML_RETURN_IF_ERROR(loader.AddEntitlement(entitlement));
  EntitlementLedger ledger = loader.Ledger();
  DML_RETURN_IF_ERROR(ledger.Advance(now));
  return ledger.Position(entitlement);
}

}  // namespace dml
