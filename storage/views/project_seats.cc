// What entries of entitlements and leases mean for the views.
//
// What has ended by time alone is not written anywhere: an entitlement's counts say up to when they
// were reckoned, and its leases are ordered by their ends (core/rules/seats.h). Rows that nobody is
// told of any more go with later entries about the same entitlement.
#include "storage/views/application.h"
#include "storage/views/seat_keys.h"

namespace dml {
namespace {

// Bounds the work of an entry after a long silence.
constexpr size_t kMaxForgottenPerEntry = 64;

std::string EndKey(const Lease& lease) {
  const auto parts = SplitLeaseId(lease.id);
  return view_keys::LeaseEnd(lease.entitlement, static_cast<uint64_t>(ToMicros(lease.end)),
                             parts->first, parts->second);
}

}  // namespace

void Application::PutLease(const LeaseRecord& record) {
  const auto parts = SplitLeaseId(record.lease.id);
  const std::string bytes = wire::Encode(record);
  Put(view_keys::Lease(parts->first, parts->second), bytes);
  Put(EndKey(record.lease), bytes);
  Put(view_keys::LeaseOf(record.lease.entitlement, parts->first, parts->second), "");
}

void Application::DeleteLease(const Lease& lease) {
  const auto parts = SplitLeaseId(lease.id);
  views_.Delete(Table::kViews, view_keys::Lease(parts->first, parts->second));
  views_.Delete(Table::kViews, EndKey(lease));
  views_.Delete(Table::kViews, view_keys::LeaseOf(lease.entitlement, parts->first, parts->second));
}

absl::Status Application::PutUsage(const EntitlementLedger& ledger) {
  for (const auto& [id, terms] : ledger.entitlements()) {
    Put(view_keys::SeatUsage(id), wire::Encode(ledger.Usage(id)));
    const Timestamp forgotten = entry_.time - kLeaseMemory;
    DML_ASSIGN_OR_RETURN(
        std::vector<LeaseRecord> old,
        state_.LeasesEnding(id, Timestamp::min(), forgotten, kMaxForgottenPerEntry));
    for (const LeaseRecord& record : old) DeleteLease(record.lease);
  }
  return absl::OkStatus();
}

void Application::PutTerms(EntitlementRecord record) {
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  Put(view_keys::Entitlement(record.terms.id), wire::Encode(record));
}

// Leases of a reservation with this id that is forgotten may still have rows.
absl::Status Application::PutReserved(const std::string& id, const EntitlementLedger& ledger) {
  DML_ASSIGN_OR_RETURN(std::vector<LeaseRecord> old, state_.LeasesOf(id));
  for (const LeaseRecord& record : old) DeleteLease(record.lease);
  for (const auto& [lease_id, lease] : ledger.leases()) {
    if (lease.request != id) continue;
    PutLease({lease, entry_.index, entry_.time, entry_.author, ""});
  }
  return PutUsage(ledger);
}

absl::Status Application::PutMoved(const std::string& lease, const EntitlementLedger& ledger,
                                   const std::string& force_reason) {
  DML_ASSIGN_OR_RETURN(auto record, state_.FindLease(lease));
  if (!record.has_value()) return Broken("a lease that is not there");
  views_.Delete(Table::kViews, EndKey(record->lease));
  record->lease = ledger.leases().at(lease);
  record->force_reason = force_reason;
  PutLease(*record);
  return PutUsage(ledger);
}

absl::Status Application::ReturnSeats(const std::string& reservation, ReturnWhich which) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger,
                       dml::ReturnSeats(reservation, which, state_, entry_.time));
  for (const auto& [id, lease] : ledger.leases()) {
    if (lease.request == reservation) DML_RETURN_IF_ERROR(PutMoved(id, ledger, ""));
  }
  return absl::OkStatus();
}

absl::Status Application::operator()(const EntitlementGranted& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  EntitlementRecord record;
  record.terms = p.terms;
  record.revision = p.revision;
  record.envelope = p.envelope;
  record.granted_index = entry_.index;
  PutTerms(std::move(record));
  return PutUsage(ledger);
}

absl::Status Application::operator()(const EntitlementAmended& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  DML_ASSIGN_OR_RETURN(auto record, state_.FindEntitlement(p.terms.id));
  if (!record.has_value()) return Broken("an entitlement that was not granted");
  record->terms = p.terms;
  record->revision = p.revision;
  record->envelope = p.envelope;
  PutTerms(*std::move(record));
  return PutUsage(ledger);
}

absl::Status Application::operator()(const SeatsReserved& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  return PutReserved(p.id, ledger);
}

absl::Status Application::operator()(const LeaseCommitted& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  return PutMoved(p.lease, ledger, "");
}

absl::Status Application::operator()(const LeaseExtended& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  return PutMoved(p.lease, ledger, "");
}

absl::Status Application::operator()(const LeaseReleased& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  return PutMoved(p.lease, ledger, p.forced ? p.reason : "");
}

absl::Status Application::operator()(const LeaseBorrowed& p) {
  DML_ASSIGN_OR_RETURN(EntitlementLedger ledger, CarryOut(p, state_, entry_.time));
  return PutReserved(p.id, ledger);
}

}  // namespace dml
