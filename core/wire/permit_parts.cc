// Entries and records of permits <-> their stored bytes.
#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

using wire::From;  // Of core/wire/entry_parts.h and stored.h, beside those here.
using wire::To;

// The 32 bytes of a digest; nothing for zero.
std::string RawOrNothing(const Digest& digest) {
  return digest == Digest() ? std::string() : std::string(digest.raw());
}

absl::StatusOr<Digest> DigestOrZero(const std::string& raw) {
  if (raw.empty()) return Digest();
  return DigestFrom(raw);
}

void To(const PermitDecided& value, pb::PermitDecided* out) {
  out->set_id(value.id);
  out->set_allowed(value.allowed);
  out->set_release_sha256(std::string(value.release.raw()));
  out->set_environment(value.environment);
  for (const std::string& node : value.nodes) out->add_nodes(node);
  out->set_policy_sha256(RawOrNothing(value.policy));
  out->set_policy_revision(value.policy_revision);
  out->set_journal_size(value.journal_size);
  out->set_findings_sha256(std::string(value.findings.raw()));
  if (value.permit.size > 0) To(value.permit, out->mutable_permit());
  out->set_expires_micros(ToMicros(value.expires));
  out->set_not_before_micros(ToMicros(value.not_before));
  out->set_request_sha256(RawOrNothing(value.request));
  for (const RuleCount& error : value.errors) {
    pb::RuleCount* count = out->add_errors();
    count->set_rule(error.rule);
    count->set_count(error.count);
  }
  out->set_findings_size(value.findings_size);
  for (const SeatRequest& item : value.seats) To(item, out->add_seats());
  out->set_back_out(value.back_out);
  out->set_is_back_out(value.is_back_out);
}
absl::StatusOr<PermitDecided> From(const pb::PermitDecided& in) {
  PermitDecided out;
  out.id = in.id();
  out.allowed = in.allowed();
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(in.release_sha256()));
  out.environment = in.environment();
  out.nodes.assign(in.nodes().begin(), in.nodes().end());
  DML_ASSIGN_OR_RETURN(out.policy, DigestOrZero(in.policy_sha256()));
  out.policy_revision = in.policy_revision();
  out.journal_size = in.journal_size();
  DML_ASSIGN_OR_RETURN(out.findings, DigestFrom(in.findings_sha256()));
  if (in.has_permit()) {
    DML_ASSIGN_OR_RETURN(out.permit, From(in.permit()));
  }
  out.expires = FromMicros(in.expires_micros());
  out.not_before = FromMicros(in.not_before_micros());
  DML_ASSIGN_OR_RETURN(out.request, DigestOrZero(in.request_sha256()));
  for (const pb::RuleCount& error : in.errors())
    out.errors.push_back({error.rule(), error.count()});
  out.findings_size = in.findings_size();
  for (const pb::SeatItem& item : in.seats()) out.seats.push_back(From(item));
  out.back_out = in.back_out();
  out.is_back_out = in.is_back_out();
  return out;
}

void To(const PermitUsed& value, pb::PermitUsed* out) {
  out->set_id(value.id);
  out->set_node(value.node);
  if (value.baseline.size > 0) To(value.baseline, out->mutable_baseline());
}
absl::StatusOr<PermitUsed> From(const pb::PermitUsed& in) {
  PermitUsed out{in.id(), in.node(), {}};
  if (in.has_baseline()) {
    DML_ASSIGN_OR_RETURN(out.baseline, From(in.baseline()));
  }
  return out;
}

}  // namespace

void Put(const PermitDecided& p, pb::Entry& out) { To(p, out.mutable_permit_decided()); }
void Put(const PermitRevoked& p, pb::Entry& out) {
  out.mutable_permit_revoked()->set_id(p.id);
  out.mutable_permit_revoked()->set_reason(p.reason);
}
void Put(const PermitUsed& p, pb::Entry& out) { To(p, out.mutable_permit_used()); }

absl::StatusOr<EntryPayload> GetPermitPayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kPermitDecided: {
      DML_ASSIGN_OR_RETURN(PermitDecided out, From(in.permit_decided()));
      return out;
    }
    case pb::Entry::kPermitRevoked:
      return PermitRevoked{in.permit_revoked().id(), in.permit_revoked().reason()};
    case pb::Entry::kPermitUsed: {
      DML_ASSIGN_OR_RETURN(PermitUsed out, From(in.permit_used()));
      return out;
    }
    default:
      return UnknownPayload(in);
  }
}

std::string Encode(const PermitRecord& r) {
  pb::SetRecord m;
  To(r.decided, m.mutable_permit());
  m.set_revoked(r.revoked);
  m.set_revoked_index(r.revoked_index);
  m.set_revoked_micros(ToMicros(r.revoked_time));
  m.set_revoke_reason(r.revoke_reason);
  m.set_use_count(r.use_count);
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<PermitRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  PermitRecord r;
  DML_ASSIGN_OR_RETURN(r.decided, From(m.permit()));
  r.revoked = m.revoked();
  r.revoked_index = m.revoked_index();
  r.revoked_time = FromMicros(m.revoked_micros());
  r.revoke_reason = m.revoke_reason();
  r.use_count = m.use_count();
  GetWhen(m, r);
  return r;
}

std::string Encode(const PermitUseRecord& r) {
  pb::SetRecord m;
  To(r.used, m.mutable_permit_used());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<PermitUseRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  PermitUseRecord r;
  DML_ASSIGN_OR_RETURN(r.used, From(m.permit_used()));
  GetWhen(m, r);
  return r;
}

}  // namespace dml::wire
