#include "core/wire/api_seats.h"

namespace dml::wire {
namespace {

constexpr int64_t kMicros = 1'000'000;
// What google.protobuf.Duration may hold: 10 000 years.
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
// 0001-01-01 and 9999-12-31, what google.protobuf.Timestamp may hold.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

absl::StatusOr<Timestamp> TimeOf(const google::protobuf::Timestamp& in, std::string_view field) {
  if (in.seconds() >= kFirstSecond && in.seconds() <= kLastSecond) return From(in);
  return AtField(
      InvalidArgument(ErrorReason("TIME_INVALID"), "{} is not in the years 1 to 9999", field),
      field);
}

absl::StatusOr<std::string> NameAt(std::string_view name, std::string_view collection,
                                   std::string_view field) {
  absl::StatusOr<std::string> parsed = ParseResource(name, collection);
  if (!parsed.ok()) return AtField(parsed.status(), field);
  return parsed;
}

}  // namespace

std::string EntitlementResource(std::string_view id) { return fmt::format("entitlements/{}", id); }
std::string LeaseResource(std::string_view id) { return fmt::format("leases/{}", id); }

void To(std::chrono::microseconds time, google::protobuf::Duration* out) {
  out->set_seconds(time.count() / kMicros);
  out->set_nanos(static_cast<int32_t>(time.count() % kMicros * 1000));
}
absl::StatusOr<std::chrono::microseconds> From(const google::protobuf::Duration& in,
                                               std::string_view field) {
  if (in.seconds() < -kMaxDurationSeconds || in.seconds() > kMaxDurationSeconds) {
    return AtField(
        InvalidArgument(ErrorReason("DURATION_INVALID"), "{} is more than 10000 years", field),
        field);
  }
  return std::chrono::microseconds(in.seconds() * kMicros + in.nanos() / 1000);
}

v1::SeatMetric ToApi(SeatMetric metric) {
  return static_cast<v1::SeatMetric>(static_cast<int>(metric) + 1);
}
absl::StatusOr<SeatMetric> From(v1::SeatMetric in) {
  if (in >= v1::SEAT_METRIC_NODE && in <= v1::SEAT_METRIC_TERM) {
    return static_cast<SeatMetric>(static_cast<int>(in) - 1);
  }
  return AtField(InvalidArgument(ErrorReason("METRIC_UNKNOWN"), "say what a seat is one of"),
                 "metric");
}

void To(const SeatPosition& position, v1::SeatPosition* out) {
  out->set_entitled(position.entitled);
  out->set_limit(position.limit);
  out->set_reserved(position.reserved);
  out->set_in_use(position.in_use);
  out->set_borrowed(position.borrowed);
  out->set_unused(position.unused);
  out->set_high_water(position.high_water);
  out->set_never_used(position.never_used);
  out->set_overage_minutes(position.overage_minutes);
}
SeatPosition From(const v1::SeatPosition& in) {
  return {in.entitled(), in.limit(),      in.reserved(),   in.in_use(),         in.borrowed(),
          in.unused(),   in.high_water(), in.never_used(), in.overage_minutes()};
}

void To(const EntitlementRecord& record, v1::Entitlement* out) {
  const Entitlement& terms = record.terms;
  out->set_name(EntitlementResource(terms.id));
  out->set_product(terms.product);
  out->set_vendor(terms.vendor);
  out->set_metric(ToApi(terms.metric));
  out->set_quantity(terms.quantity);
  out->set_overage_percent(terms.overage_percent);
  To(terms.start, out->mutable_start_time());
  To(terms.expiry, out->mutable_expire_time());
  for (const std::string& name : terms.environments) {
    out->add_environments(EnvironmentResource(name));
  }
  out->set_contract(terms.contract_digest);
  out->set_max_borrowed(terms.max_borrowed);
  if (terms.max_borrow_duration.count() != 0) {
    To(terms.max_borrow_duration, out->mutable_max_borrow_duration());
  }
  out->set_low_water(terms.low_water);
  out->set_etag(record.Etag());
  out->set_index(record.index);
  To(record.time, out->mutable_set_time());
  out->set_author(record.author);
  out->set_granted_index(record.granted_index);
  out->set_revision(record.revision);
  if (record.envelope.size > 0) To(record.envelope, out->mutable_envelope());
}

absl::StatusOr<EntitlementRecord> From(const v1::Entitlement& in) {
  EntitlementRecord out;
  Entitlement& terms = out.terms;
  DML_ASSIGN_OR_RETURN(terms.id, NameAt(in.name(), "entitlements", "name"));
  terms.product = in.product();
  terms.vendor = in.vendor();
  DML_ASSIGN_OR_RETURN(terms.metric, From(in.metric()));
  terms.quantity = in.quantity();
  terms.overage_percent = in.overage_percent();
  DML_ASSIGN_OR_RETURN(terms.start, TimeOf(in.start_time(), "start_time"));
  DML_ASSIGN_OR_RETURN(terms.expiry, TimeOf(in.expire_time(), "expire_time"));
  for (const std::string& name : in.environments()) {
    DML_ASSIGN_OR_RETURN(std::string environment, NameAt(name, "environments", "environments"));
    terms.environments.push_back(std::move(environment));
  }
  terms.contract_digest = in.contract();
  terms.max_borrowed = in.max_borrowed();
  DML_ASSIGN_OR_RETURN(terms.max_borrow_duration,
                       From(in.max_borrow_duration(), "max_borrow_duration"));
  terms.low_water = in.low_water();
  out.index = in.index();
  DML_ASSIGN_OR_RETURN(out.time, TimeOf(in.set_time(), "set_time"));
  out.author = in.author();
  out.granted_index = in.granted_index();
  out.revision = in.revision();
  if (!in.has_envelope()) return out;
  DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope()));
  return out;
}

void To(const LeaseRecord& record, v1::Lease* out) {
  const Lease& lease = record.lease;
  out->set_name(LeaseResource(lease.id));
  out->set_entitlement(EntitlementResource(lease.entitlement));
  out->set_holder(lease.holder);
  out->set_environment(EnvironmentResource(lease.environment));
  out->set_seats(lease.seats);
  out->set_state(static_cast<v1::Lease::State>(static_cast<int>(lease.state) + 1));
  out->set_ended_by(static_cast<v1::Lease::EndedBy>(lease.ended_by));
  To(lease.end, out->mutable_end_time());
  out->set_index(record.index);
  To(record.time, out->mutable_create_time());
  out->set_author(record.author);
  out->set_force_reason(record.force_reason);
}

absl::StatusOr<LeaseRecord> From(const v1::Lease& in) {
  LeaseRecord out;
  Lease& lease = out.lease;
  DML_ASSIGN_OR_RETURN(lease.id, NameAt(in.name(), "leases", "name"));
  const auto parts = SplitLeaseId(lease.id);
  if (!parts.has_value()) {
    return AtField(InvalidArgument(ErrorReason("NAME_INVALID"), "expected leases/REQUEST/INDEX"),
                   "name");
  }
  lease.request = parts->first;
  DML_ASSIGN_OR_RETURN(lease.entitlement, NameAt(in.entitlement(), "entitlements", "entitlement"));
  lease.holder = in.holder();
  DML_ASSIGN_OR_RETURN(lease.environment, NameAt(in.environment(), "environments", "environment"));
  lease.seats = in.seats();
  if (in.state() < v1::Lease::STATE_RESERVED || in.state() > v1::Lease::STATE_ENDED ||
      in.ended_by() < v1::Lease::ENDED_BY_UNSPECIFIED ||
      in.ended_by() > v1::Lease::ENDED_BY_FORCE) {
    return AtField(InvalidArgument(ErrorReason("STATE_UNKNOWN"), "an unknown state of a lease"),
                   "state");
  }
  lease.state = static_cast<LeaseState>(in.state() - 1);
  lease.ended_by = static_cast<LeaseEnd>(in.ended_by());
  DML_ASSIGN_OR_RETURN(lease.end, TimeOf(in.end_time(), "end_time"));
  out.index = in.index();
  DML_ASSIGN_OR_RETURN(out.time, TimeOf(in.create_time(), "create_time"));
  out.author = in.author();
  out.force_reason = in.force_reason();
  return out;
}

void To(const SeatRequest& item, v1::SeatRequest* out) {
  out->set_entitlement(EntitlementResource(item.entitlement));
  out->set_holder(item.holder);
  out->set_seats(item.seats);
}

absl::StatusOr<SeatRequest> From(const v1::SeatRequest& in) {
  DML_ASSIGN_OR_RETURN(std::string entitlement,
                       NameAt(in.entitlement(), "entitlements", "entitlement"));
  return SeatRequest{std::move(entitlement), in.holder(), in.seats()};
}

}  // namespace dml::wire
