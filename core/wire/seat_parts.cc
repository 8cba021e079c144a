// Entries and records of entitlements and leases <-> their stored bytes.
#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

using std::chrono::microseconds;

}  // namespace

void To(const SeatRequest& item, pb::SeatItem* out) {
  out->set_entitlement(item.entitlement);
  out->set_holder(item.holder);
  out->set_seats(item.seats);
}
SeatRequest From(const pb::SeatItem& in) { return {in.entitlement(), in.holder(), in.seats()}; }

namespace {

// Terms, and the claim that they are from.
template <typename Value, typename Message>
void PutTerms(const Value& value, Message& out) {
  wire::To(value.terms, out.mutable_terms());
  out.set_revision(value.revision);
  if (value.envelope.size > 0) wire::To(value.envelope, out.mutable_envelope());
}
template <typename Message, typename Value>
absl::Status GetTerms(const Message& in, Value& out) {
  DML_ASSIGN_OR_RETURN(out.terms, wire::From(in.terms()));
  out.revision = in.revision();
  if (!in.has_envelope()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(out.envelope, wire::From(in.envelope()));
  return absl::OkStatus();
}

}  // namespace

void To(const Entitlement& terms, pb::EntitlementTerms* out) {
  out->set_id(terms.id);
  out->set_product(terms.product);
  out->set_vendor(terms.vendor);
  out->set_metric(std::string(SeatMetricName(terms.metric)));
  out->set_quantity(terms.quantity);
  out->set_overage_percent(terms.overage_percent);
  out->set_start_micros(ToMicros(terms.start));
  out->set_expiry_micros(ToMicros(terms.expiry));
  for (const std::string& name : terms.environments) out->add_environments(name);
  out->set_contract_digest(terms.contract_digest);
  out->set_max_borrowed(terms.max_borrowed);
  out->set_max_borrow_micros(terms.max_borrow_duration.count());
  out->set_low_water(terms.low_water);
}
absl::StatusOr<Entitlement> From(const pb::EntitlementTerms& in) {
  Entitlement out;
  out.id = in.id();
  out.product = in.product();
  out.vendor = in.vendor();
  const std::optional<SeatMetric> metric = ParseSeatMetric(in.metric());
  if (!metric.has_value()) {
    return DataLoss(kEntryInvalid,
                    "metric '{}' is none that this version knows: upgrade the program",
                    in.metric());
  }
  out.metric = *metric;
  out.quantity = in.quantity();
  out.overage_percent = in.overage_percent();
  out.start = FromMicros(in.start_micros());
  out.expiry = FromMicros(in.expiry_micros());
  out.environments.assign(in.environments().begin(), in.environments().end());
  out.contract_digest = in.contract_digest();
  out.max_borrowed = in.max_borrowed();
  out.max_borrow_duration = microseconds(in.max_borrow_micros());
  out.low_water = in.low_water();
  return out;
}

void Put(const EntitlementGranted& p, pb::Entry& out) {
  PutTerms(p, *out.mutable_entitlement_granted());
}
void Put(const EntitlementAmended& p, pb::Entry& out) {
  PutTerms(p, *out.mutable_entitlement_amended());
  out.mutable_entitlement_amended()->set_replaces_etag(p.replaces_etag);
}
void Put(const SeatsReserved& p, pb::Entry& out) {
  auto* m = out.mutable_seats_reserved();
  m->set_id(p.id);
  m->set_environment(p.environment);
  m->set_ttl_micros(p.ttl.count());
  for (const SeatRequest& item : p.items) To(item, m->add_items());
}
void Put(const LeaseCommitted& p, pb::Entry& out) {
  out.mutable_lease_committed()->set_lease(p.lease);
  out.mutable_lease_committed()->set_duration_micros(p.duration.count());
}
void Put(const LeaseExtended& p, pb::Entry& out) {
  out.mutable_lease_extended()->set_lease(p.lease);
  out.mutable_lease_extended()->set_duration_micros(p.duration.count());
}
void Put(const LeaseReleased& p, pb::Entry& out) {
  auto* m = out.mutable_lease_released();
  m->set_lease(p.lease);
  m->set_forced(p.forced);
  m->set_reason(p.reason);
}
void Put(const LeaseBorrowed& p, pb::Entry& out) {
  auto* m = out.mutable_lease_borrowed();
  m->set_id(p.id);
  m->set_environment(p.environment);
  m->set_duration_micros(p.duration.count());
  To(p.item, m->mutable_item());
}

absl::StatusOr<EntryPayload> GetSeatPayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kEntitlementGranted: {
      EntitlementGranted out;
      DML_RETURN_IF_ERROR(GetTerms(in.entitlement_granted(), out));
      return out;
    }
    case pb::Entry::kEntitlementAmended: {
      EntitlementAmended out;
      DML_RETURN_IF_ERROR(GetTerms(in.entitlement_amended(), out));
      out.replaces_etag = in.entitlement_amended().replaces_etag();
      return out;
    }
    case pb::Entry::kSeatsReserved: {
      const auto& m = in.seats_reserved();
      SeatsReserved out{m.id(), m.environment(), microseconds(m.ttl_micros()), {}};
      for (const pb::SeatItem& item : m.items()) out.items.push_back(From(item));
      return out;
    }
    case pb::Entry::kLeaseCommitted: {
      const auto& m = in.lease_committed();
      return LeaseCommitted{m.lease(), microseconds(m.duration_micros())};
    }
    case pb::Entry::kLeaseExtended: {
      const auto& m = in.lease_extended();
      return LeaseExtended{m.lease(), microseconds(m.duration_micros())};
    }
    case pb::Entry::kLeaseReleased: {
      const auto& m = in.lease_released();
      return LeaseReleased{m.lease(), m.forced(), m.reason()};
    }
    case pb::Entry::kLeaseBorrowed: {
      const auto& m = in.lease_borrowed();
      return LeaseBorrowed{m.id(), m.environment(), microseconds(m.duration_micros()),
                           From(m.item())};
    }
    default:
      return UnknownPayload(in);
  }
}

std::string Encode(const EntitlementRecord& r) {
  pb::EntitlementRecord m;
  PutTerms(r, m);
  SetWhen(r, m);
  m.set_granted_index(r.granted_index);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<EntitlementRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::EntitlementRecord>(bytes));
  EntitlementRecord r;
  DML_RETURN_IF_ERROR(GetTerms(m, r));
  GetWhen(m, r);
  r.granted_index = m.granted_index();
  return r;
}

std::string Encode(const SeatUsage& r) {
  pb::SeatUsageRecord m;
  m.set_reserved(r.reserved);
  m.set_active(r.active);
  m.set_borrowed(r.borrowed);
  m.set_high_water(r.high_water);
  m.set_overage_micros(r.overage_micros);
  m.set_overage_minutes(r.overage_minutes);
  m.set_since_micros(ToMicros(r.since));
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<SeatUsage> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SeatUsageRecord>(bytes));
  return SeatUsage{m.reserved(),
                   m.active(),
                   m.borrowed(),
                   m.high_water(),
                   m.overage_micros(),
                   m.overage_minutes(),
                   FromMicros(m.since_micros())};
}

std::string Encode(const LeaseRecord& r) {
  pb::LeaseRecord m;
  m.set_id(r.lease.id);
  m.set_request(r.lease.request);
  m.set_entitlement(r.lease.entitlement);
  m.set_holder(r.lease.holder);
  m.set_environment(r.lease.environment);
  m.set_seats(r.lease.seats);
  m.set_state(static_cast<uint32_t>(r.lease.state));
  m.set_ended_by(static_cast<uint32_t>(r.lease.ended_by));
  m.set_end_micros(ToMicros(r.lease.end));
  SetWhen(r, m);
  m.set_force_reason(r.force_reason);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<LeaseRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::LeaseRecord>(bytes));
  if (m.state() > static_cast<uint32_t>(LeaseState::kEnded) ||
      m.ended_by() > static_cast<uint32_t>(LeaseEnd::kForced)) {
    return DataLoss(kRecordInvalid, "lease '{}' has a state that this version does not know",
                    m.id());
  }
  LeaseRecord r;
  r.lease = {m.id(),
             m.request(),
             m.entitlement(),
             m.holder(),
             m.environment(),
             m.seats(),
             static_cast<LeaseState>(m.state()),
             static_cast<LeaseEnd>(m.ended_by()),
             FromMicros(m.end_micros())};
  GetWhen(m, r);
  r.force_reason = m.force_reason();
  return r;
}

}  // namespace dml::wire
