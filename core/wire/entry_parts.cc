#include "core/wire/entry_parts.h"

#include "core/wire/stored.h"

namespace dml::wire {
namespace {

void To(const AccessGrant& grant, pb::AccessGrant* out) {
  out->set_role(grant.role);
  out->set_scope(grant.scope);
}
AccessGrant From(const pb::AccessGrant& in) { return {in.role(), in.scope()}; }

template <typename Enum>
absl::StatusOr<Enum> EnumFrom(uint32_t value, uint32_t last, std::string_view what) {
  if (value >= 1 && value <= last) return static_cast<Enum>(value);
  return DataLoss(kEntryInvalid, "{} {} is none that this version knows: upgrade the program", what,
                  value);
}

template <typename Payload, typename Message>
absl::StatusOr<EntryPayload> Taken(const Message& in) {
  DML_ASSIGN_OR_RETURN(Payload payload, wire::From(in));
  return EntryPayload(std::move(payload));
}

absl::StatusOr<EntryPayload> Get(const pb::KeyRevoked& m) {
  DML_ASSIGN_OR_RETURN(Digest id, DigestFrom(m.key_id()));
  return KeyRevoked{id, m.reason()};
}

absl::StatusOr<EntryPayload> Get(const pb::AdmissionDecided& m) {
  AdmissionDecided out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantFrom(m.package(), m.version(), m.variant()));
  DML_ASSIGN_OR_RETURN(out.admission, FromProto(m.admission()));
  out.reason = m.reason();
  if (m.has_scan()) {
    DML_ASSIGN_OR_RETURN(out.scan, wire::From(m.scan()));
  }
  return out;
}

absl::StatusOr<EntryPayload> Get(const pb::VariantScanned& m) {
  VariantScanned out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantFrom(m.package(), m.version(), m.variant()));
  DML_ASSIGN_OR_RETURN(out.scan, wire::From(m.scan()));
  return out;
}

absl::StatusOr<EntryPayload> Get(const pb::HoldReleased& m) {
  DML_ASSIGN_OR_RETURN(VariantName variant, VariantFrom(m.package(), m.version(), m.variant()));
  return HoldReleased{m.name(), std::move(variant), m.reason()};
}

}  // namespace

pb::Admission ToProto(AdmissionState admission) { return static_cast<pb::Admission>(admission); }

absl::StatusOr<AdmissionState> FromProto(pb::Admission admission) {
  return EnumFrom<AdmissionState>(static_cast<uint32_t>(admission), 3, "admission");
}

void To(const ScanReport& report, pb::ScanReport* out) {
  out->set_verdict(static_cast<pb::ScanReport::Verdict>(report.verdict));
  out->set_scanner(report.scanner);
  out->set_signatures(report.signatures);
  out->set_finding(report.finding);
}

absl::StatusOr<ScanReport> From(const pb::ScanReport& in) {
  DML_ASSIGN_OR_RETURN(
      ScanVerdict verdict,
      EnumFrom<ScanVerdict>(static_cast<uint32_t>(in.verdict()), 4, "scan verdict"));
  return ScanReport{verdict, in.scanner(), in.signatures(), in.finding()};
}

void To(const RootSet& value, pb::RootSet* out) {
  out->set_version(value.version);
  To(value.envelope, out->mutable_envelope());
  if (!value.move.has_value()) return;
  out->mutable_move()->set_origin(value.move->origin);
  out->mutable_move()->set_previous_origin(value.move->previous_origin);
  out->mutable_move()->set_last_checkpoint(value.move->last_checkpoint);
}
absl::StatusOr<RootSet> From(const pb::RootSet& in) {
  DML_ASSIGN_OR_RETURN(BlobRef envelope, From(in.envelope()));
  RootSet out{in.version(), envelope};
  if (in.has_move()) {
    out.move = {in.move().origin(), in.move().previous_origin(), in.move().last_checkpoint()};
  }
  return out;
}

void To(const DelegationSet& value, pb::DelegationSet* out) {
  for (const std::string& name : value.chain) out->add_chain(name);
  out->set_version(value.version);
  To(value.envelope, out->mutable_envelope());
}
absl::StatusOr<DelegationSet> From(const pb::DelegationSet& in) {
  DML_ASSIGN_OR_RETURN(BlobRef envelope, From(in.envelope()));
  return DelegationSet{{in.chain().begin(), in.chain().end()}, in.version(), envelope};
}

void To(const LicenseDataSet& value, pb::LicenseDataSet* out) {
  out->set_kind(static_cast<uint32_t>(value.kind));
  out->set_revision(value.revision);
  out->set_version(value.version);
  To(value.envelope, out->mutable_envelope());
  To(value.content, out->mutable_content());
}
absl::StatusOr<LicenseDataSet> From(const pb::LicenseDataSet& in) {
  LicenseDataSet out;
  DML_ASSIGN_OR_RETURN(out.kind, EnumFrom<LicenseDataKind>(in.kind(), 4, "license data"));
  out.revision = in.revision();
  out.version = in.version();
  DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope()));
  DML_ASSIGN_OR_RETURN(out.content, From(in.content()));
  return out;
}

void To(const AdvisorySet& value, pb::AdvisorySet* out) {
  out->set_id(value.id);
  out->set_revision(value.revision);
  out->set_withdrawn(value.withdrawn);
  for (const std::string& package : value.packages) out->add_packages(package);
  To(value.envelope, out->mutable_envelope());
  for (const Digest& key_id : value.key_ids) out->add_key_ids(std::string(key_id.raw()));
}
absl::StatusOr<AdvisorySet> From(const pb::AdvisorySet& in) {
  AdvisorySet out;
  out.id = in.id();
  out.revision = in.revision();
  out.withdrawn = in.withdrawn();
  out.packages.assign(in.packages().begin(), in.packages().end());
  DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope()));
  for (const std::string& bytes : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(const Digest key_id, Digest::FromBytes(bytes));
    out.key_ids.push_back(key_id);
  }
  return out;
}

void To(const RoleGranted& value, pb::RoleGranted* out) {
  out->set_principal(value.principal);
  To(value.grant, out->mutable_grant());
}
absl::StatusOr<RoleGranted> From(const pb::RoleGranted& in) {
  return RoleGranted{in.principal(), From(in.grant())};
}

void To(const TokenIssued& value, pb::TokenIssued* out) {
  out->set_id(value.id);
  out->set_secret_sha256(std::string(value.secret.raw()));
  for (const AccessGrant& grant : value.grants) To(grant, out->add_grants());
  out->set_expires_micros(ToMicros(value.expires));
}
absl::StatusOr<TokenIssued> From(const pb::TokenIssued& in) {
  TokenIssued out;
  out.id = in.id();
  DML_ASSIGN_OR_RETURN(out.secret, DigestFrom(in.secret_sha256()));
  for (const pb::AccessGrant& grant : in.grants()) out.grants.push_back(From(grant));
  out.expires = FromMicros(in.expires_micros());
  return out;
}

void To(const HoldPlaced& value, pb::HoldPlaced* out) {
  To(value.variant, out);
  out->set_name(value.name);
  out->set_reason(value.reason);
}
absl::StatusOr<HoldPlaced> From(const pb::HoldPlaced& in) {
  DML_ASSIGN_OR_RETURN(VariantName variant, VariantFrom(in.package(), in.version(), in.variant()));
  return HoldPlaced{in.name(), std::move(variant), in.reason()};
}

void To(const MediaRegistered& value, pb::MediaRegistered* out) {
  out->set_name(value.name);
  out->set_kind(static_cast<uint32_t>(value.kind));
  out->set_title(value.title);
  out->set_location(value.location);
  out->set_custodian(value.custodian);
  out->set_copies(value.copies);
  if (value.content.has_value()) out->set_content_sha256(std::string(value.content->raw()));
  To(value.labels, out->mutable_labels());
}
absl::StatusOr<MediaRegistered> From(const pb::MediaRegistered& in) {
  MediaRegistered out;
  out.name = in.name();
  DML_ASSIGN_OR_RETURN(out.kind, EnumFrom<MediaKind>(in.kind(), 2, "kind of item"));
  out.title = in.title();
  out.location = in.location();
  out.custodian = in.custodian();
  out.copies = in.copies();
  if (!in.content_sha256().empty()) {
    DML_ASSIGN_OR_RETURN(out.content, DigestFrom(in.content_sha256()));
  }
  out.labels = From(in.labels());
  return out;
}

void To(const CopyRange& value, pb::CopyRange* out) {
  out->set_first(value.first);
  out->set_last(value.last);
}
CopyRange From(const pb::CopyRange& in) { return {in.first(), in.last()}; }

void To(const CustodyRecorded& value, pb::CustodyRecorded* out) {
  out->set_name(value.name);
  out->set_action(static_cast<uint32_t>(value.action));
  out->set_copies(value.copies);
  out->set_custodian(value.custodian);
  out->set_location(value.location);
  out->set_note(value.note);
  for (const CopyRange& range : value.which) To(range, out->add_which());
}
absl::StatusOr<CustodyRecorded> From(const pb::CustodyRecorded& in) {
  DML_ASSIGN_OR_RETURN(CustodyAction action,
                       EnumFrom<CustodyAction>(in.action(), 4, "custody action"));
  CustodyRecorded out{in.name(), action, in.copies(), in.custodian(), in.location(), in.note()};
  for (const pb::CopyRange& range : in.which()) out.which.push_back(From(range));
  return out;
}

void Put(const KeyRegistered& p, pb::Entry& out) {
  auto* m = out.mutable_key_registered();
  m->set_spki(p.spki);
  m->set_owner(p.owner);
  for (const std::string& role : p.roles) m->add_roles(role);
  for (const std::string& ns : p.namespaces) m->add_namespaces(ns);
}
void Put(const KeyRevoked& p, pb::Entry& out) {
  out.mutable_key_revoked()->set_key_id(std::string(p.key_id.raw()));
  out.mutable_key_revoked()->set_reason(p.reason);
}
void Put(const RootSet& p, pb::Entry& out) { To(p, out.mutable_root_set()); }
void Put(const DelegationSet& p, pb::Entry& out) { To(p, out.mutable_delegation_set()); }
void Put(const RoleGranted& p, pb::Entry& out) { To(p, out.mutable_role_granted()); }
void Put(const RoleRevoked& p, pb::Entry& out) {
  out.mutable_role_revoked()->set_principal(p.principal);
  To(p.grant, out.mutable_role_revoked()->mutable_grant());
  out.mutable_role_revoked()->set_reason(p.reason);
}
void Put(const TokenIssued& p, pb::Entry& out) { To(p, out.mutable_token_issued()); }
void Put(const TokenRevoked& p, pb::Entry& out) {
  out.mutable_token_revoked()->set_id(p.id);
  out.mutable_token_revoked()->set_reason(p.reason);
}
void Put(const AdmissionDecided& p, pb::Entry& out) {
  auto* m = out.mutable_admission_decided();
  To(p.variant, m);
  m->set_admission(ToProto(p.admission));
  m->set_reason(p.reason);
  if (p.scan.has_value()) To(*p.scan, m->mutable_scan());
}
void Put(const VariantScanned& p, pb::Entry& out) {
  To(p.variant, out.mutable_variant_scanned());
  To(p.scan, out.mutable_variant_scanned()->mutable_scan());
}
void Put(const HoldPlaced& p, pb::Entry& out) { To(p, out.mutable_hold_placed()); }
void Put(const HoldReleased& p, pb::Entry& out) {
  auto* m = out.mutable_hold_released();
  To(p.variant, m);
  m->set_name(p.name);
  m->set_reason(p.reason);
}
void Put(const MediaRegistered& p, pb::Entry& out) { To(p, out.mutable_media_registered()); }
void Put(const CustodyRecorded& p, pb::Entry& out) { To(p, out.mutable_custody_recorded()); }
void Put(const LicenseDataSet& p, pb::Entry& out) { To(p, out.mutable_license_data_set()); }
void Put(const AdvisorySet& p, pb::Entry& out) { To(p, out.mutable_advisory_set()); }

absl::StatusOr<EntryPayload> GetTrustPayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kKeyRegistered: {
      const auto& m = in.key_registered();
      return KeyRegistered{m.spki(),
                           m.owner(),
                           {m.roles().begin(), m.roles().end()},
                           {m.namespaces().begin(), m.namespaces().end()}};
    }
    case pb::Entry::kKeyRevoked:
      return Get(in.key_revoked());
    case pb::Entry::kRootSet:
      return Taken<RootSet>(in.root_set());
    case pb::Entry::kDelegationSet:
      return Taken<DelegationSet>(in.delegation_set());
    case pb::Entry::kRoleGranted:
      return Taken<RoleGranted>(in.role_granted());
    case pb::Entry::kRoleRevoked: {
      const auto& m = in.role_revoked();
      return RoleRevoked{m.principal(), From(m.grant()), m.reason()};
    }
    case pb::Entry::kTokenIssued:
      return Taken<TokenIssued>(in.token_issued());
    case pb::Entry::kTokenRevoked:
      return TokenRevoked{in.token_revoked().id(), in.token_revoked().reason()};
    case pb::Entry::kAdmissionDecided:
      return Get(in.admission_decided());
    case pb::Entry::kVariantScanned:
      return Get(in.variant_scanned());
    case pb::Entry::kHoldPlaced:
      return Taken<HoldPlaced>(in.hold_placed());
    case pb::Entry::kHoldReleased:
      return Get(in.hold_released());
    case pb::Entry::kMediaRegistered:
      return Taken<MediaRegistered>(in.media_registered());
    case pb::Entry::kCustodyRecorded:
      return Taken<CustodyRecorded>(in.custody_recorded());
    case pb::Entry::kAdvisorySet:
      return Taken<AdvisorySet>(in.advisory_set());
    case pb::Entry::kLicenseDataSet:
      return Taken<LicenseDataSet>(in.license_data_set());
    default:
      return UnknownPayload(in);
  }
}

}  // namespace dml::wire
