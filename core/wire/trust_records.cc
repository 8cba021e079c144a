#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {

std::string Encode(const KeyRecord& r) {
  pb::KeyRecord m;
  m.set_spki(r.spki);
  m.set_holder(r.holder);
  m.set_person(r.person);
  for (const KeyGrant& grant : r.grants) {
    pb::KeyGrant* out = m.add_grants();
    out->set_role(grant.role);
    out->set_delegation(grant.delegation);
    for (const std::string& subject : grant.subjects) out->add_subjects(subject);
  }
  m.set_registered_index(r.registered_index);
  m.set_registered_micros(ToMicros(r.registered_time));
  m.set_revoked(r.revoked);
  m.set_revoked_index(r.revoked_index);
  m.set_revoke_reason(r.revoke_reason);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<KeyRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::KeyRecord>(bytes));
  KeyRecord r;
  r.spki = m.spki();
  r.holder = m.holder();
  r.person = m.person();
  for (const pb::KeyGrant& grant : m.grants()) {
    r.grants.push_back(
        {grant.role(), grant.delegation(), {grant.subjects().begin(), grant.subjects().end()}});
  }
  r.registered_index = m.registered_index();
  r.registered_time = FromMicros(m.registered_micros());
  r.revoked = m.revoked();
  r.revoked_index = m.revoked_index();
  r.revoke_reason = m.revoke_reason();
  return r;
}

std::string Encode(const RootRecord& r) {
  pb::SetRecord m;
  To(RootSet{r.version, r.envelope}, m.mutable_root());
  m.set_expires_micros(ToMicros(r.expires));
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RootRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  DML_ASSIGN_OR_RETURN(RootSet set, From(m.root()));
  RootRecord r;
  r.version = set.version;
  r.envelope = set.envelope;
  r.expires = FromMicros(m.expires_micros());
  GetWhen(m, r);
  return r;
}

std::string Encode(const DelegationRecord& r) {
  pb::SetRecord m;
  To(DelegationSet{r.chain, r.version, r.envelope}, m.mutable_delegation());
  m.set_expires_micros(ToMicros(r.expires));
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<DelegationRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  DML_ASSIGN_OR_RETURN(DelegationSet set, From(m.delegation()));
  DelegationRecord r;
  r.chain = std::move(set.chain);
  r.version = set.version;
  r.envelope = set.envelope;
  r.expires = FromMicros(m.expires_micros());
  GetWhen(m, r);
  return r;
}

std::string Encode(const GrantRecord& r) {
  pb::SetRecord m;
  To(RoleGranted{r.principal, r.grant}, m.mutable_role());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<GrantRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  DML_ASSIGN_OR_RETURN(RoleGranted granted, From(m.role()));
  GrantRecord r;
  r.principal = std::move(granted.principal);
  r.grant = std::move(granted.grant);
  GetWhen(m, r);
  return r;
}

std::string Encode(const LicenseDataRecord& r) {
  pb::SetRecord m;
  To(r.set, m.mutable_license_data());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<LicenseDataRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  LicenseDataRecord r;
  DML_ASSIGN_OR_RETURN(r.set, From(m.license_data()));
  GetWhen(m, r);
  return r;
}

std::string Encode(const AdvisoryRecord& r) {
  pb::SetRecord m;
  To(r.set, m.mutable_advisory());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<AdvisoryRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  AdvisoryRecord r;
  DML_ASSIGN_OR_RETURN(r.set, From(m.advisory()));
  GetWhen(m, r);
  return r;
}

std::string Encode(const TokenRecord& r) {
  pb::SetRecord m;
  To(TokenIssued{r.id, r.secret, r.grants, r.expires}, m.mutable_token());
  m.set_revoked(r.revoked);
  m.set_revoked_index(r.revoked_index);
  m.set_revoke_reason(r.revoke_reason);
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<TokenRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  DML_ASSIGN_OR_RETURN(TokenIssued issued, From(m.token()));
  TokenRecord r;
  r.id = std::move(issued.id);
  r.secret = issued.secret;
  r.grants = std::move(issued.grants);
  r.expires = issued.expires;
  r.revoked = m.revoked();
  r.revoked_index = m.revoked_index();
  r.revoke_reason = m.revoke_reason();
  GetWhen(m, r);
  return r;
}

std::string Encode(const HoldRecord& r) {
  pb::SetRecord m;
  To(r.placed, m.mutable_hold());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<HoldRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  HoldRecord r;
  DML_ASSIGN_OR_RETURN(r.placed, From(m.hold()));
  GetWhen(m, r);
  return r;
}

namespace {

void To(const CopiesHeld& held, pb::CopiesHeld* out) {
  wire::To(held.copies, out->mutable_copies());
  out->set_state(static_cast<uint32_t>(held.state));
  out->set_custodian(held.custodian);
  out->set_location(held.location);
  out->set_away(held.away);
  out->set_index(held.index);
}
absl::StatusOr<CopiesHeld> From(const pb::CopiesHeld& in) {
  if (in.state() < 1 || in.state() > 3) {
    return DataLoss(ErrorReason("RECORD_INVALID"), "copies are in state {}", in.state());
  }
  return CopiesHeld{wire::From(in.copies()),
                    static_cast<CopyState>(in.state()),
                    in.custodian(),
                    in.location(),
                    in.away(),
                    in.index()};
}

}  // namespace

std::string Encode(const MediaRecord& r) {
  pb::SetRecord m;
  To(r.item, m.mutable_media());
  m.set_copies_out(r.copies_out);
  m.set_copies_destroyed(r.copies_destroyed);
  m.set_custody_count(r.custody_count);
  for (const CopiesHeld& held : r.held) To(held, m.add_copies_held());
  m.set_index(r.index);
  m.set_time_micros(ToMicros(r.time));
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<MediaRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  MediaRecord r;
  DML_ASSIGN_OR_RETURN(r.item, From(m.media()));
  r.copies_out = m.copies_out();
  r.copies_destroyed = m.copies_destroyed();
  r.custody_count = m.custody_count();
  for (const pb::CopiesHeld& in : m.copies_held()) {
    DML_ASSIGN_OR_RETURN(CopiesHeld held, From(in));
    r.held.push_back(std::move(held));
  }
  r.index = m.index();
  r.time = FromMicros(m.time_micros());
  return r;
}

std::string Encode(const CustodyRecord& r) {
  pb::SetRecord m;
  To(r.recorded, m.mutable_custody());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<CustodyRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::SetRecord>(bytes));
  CustodyRecord r;
  DML_ASSIGN_OR_RETURN(r.recorded, From(m.custody()));
  GetWhen(m, r);
  return r;
}

}  // namespace dml::wire
