// Entries and records of releases <-> their stored bytes.
#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

using wire::From;  // Of core/wire/entry_parts.h and stored.h, beside those here.
using wire::To;

absl::StatusOr<ReleaseMoved> Get(const pb::ReleaseMoved& m) {
  ReleaseMoved out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  if (m.event() < static_cast<uint32_t>(DeploymentEvent::kStart) ||
      m.event() > static_cast<uint32_t>(DeploymentEvent::kReview)) {
    return DataLoss(kEntryInvalid,
                    "event {} of a release is none that this version knows: upgrade the program",
                    m.event());
  }
  out.environment = m.environment();
  out.event = static_cast<DeploymentEvent>(m.event());
  out.reason = m.reason();
  out.replaces_etag = m.replaces_etag();
  return out;
}

absl::StatusOr<ReleaseApproved> Get(const pb::ReleaseApproved& m) {
  ReleaseApproved out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  DML_ASSIGN_OR_RETURN(out.approval, From(m.approval()));
  DML_ASSIGN_OR_RETURN(out.findings, DigestFrom(m.findings_sha256()));
  out.expires = FromMicros(m.expires_micros());
  return out;
}

absl::StatusOr<ReleaseSealed> Get(const pb::ReleaseSealed& m) {
  ReleaseSealed out;
  out.name = m.name();
  out.version = m.version();
  out.environments.assign(m.environments().begin(), m.environments().end());
  DML_ASSIGN_OR_RETURN(out.document, From(m.document()));
  DML_ASSIGN_OR_RETURN(out.seal, From(m.seal()));
  for (const pb::BlobRef& configuration : m.configurations()) {
    DML_ASSIGN_OR_RETURN(out.configurations.emplace_back(), From(configuration));
  }
  return out;
}

// An enum's number, of 1 to `last`.
template <typename Enum>
absl::Status Number(uint32_t number, Enum last, std::string_view what, Enum& out) {
  if (number < 1 || number > static_cast<uint32_t>(last)) {
    return DataLoss(kRecordInvalid, "{} {} is none that this version knows", what, number);
  }
  out = static_cast<Enum>(number);
  return absl::OkStatus();
}

}  // namespace

void To(const ReleaseEnvelope& value, pb::ReleaseEnvelope* out) {
  To(value.envelope, out->mutable_envelope());
  out->set_predicate_type(value.predicate_type);
  for (const Digest& id : value.key_ids) out->add_key_ids(std::string(id.raw()));
}

absl::StatusOr<ReleaseEnvelope> From(const pb::ReleaseEnvelope& in) {
  ReleaseEnvelope out;
  DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope()));
  out.predicate_type = in.predicate_type();
  for (const std::string& raw : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(out.key_ids.emplace_back(), DigestFrom(raw));
  }
  return out;
}

void Put(const ReleaseSealed& p, pb::Entry& out) {
  auto* m = out.mutable_release_sealed();
  m->set_name(p.name);
  m->set_version(p.version);
  for (const std::string& name : p.environments) m->add_environments(name);
  To(p.document, m->mutable_document());
  To(p.seal, m->mutable_seal());
  for (const BlobRef& item : p.configurations) To(item, m->add_configurations());
}
void Put(const ReleaseAttested& p, pb::Entry& out) {
  out.mutable_release_attested()->set_release_sha256(std::string(p.release.raw()));
  To(p.attestation, out.mutable_release_attested()->mutable_attestation());
}
void Put(const ReleaseApproved& p, pb::Entry& out) {
  auto* m = out.mutable_release_approved();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  To(p.approval, m->mutable_approval());
  m->set_findings_sha256(std::string(p.findings.raw()));
  m->set_expires_micros(ToMicros(p.expires));
}
void Put(const ReleaseWithdrawn& p, pb::Entry& out) {
  auto* m = out.mutable_release_withdrawn();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_reason(p.reason);
  m->set_replaces_etag(p.replaces_etag);
}
void Put(const ReleaseMoved& p, pb::Entry& out) {
  auto* m = out.mutable_release_moved();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  m->set_event(static_cast<uint32_t>(p.event));
  m->set_reason(p.reason);
  m->set_replaces_etag(p.replaces_etag);
}

absl::StatusOr<EntryPayload> GetReleasePayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kReleaseSealed:
      return Get(in.release_sealed());
    case pb::Entry::kReleaseAttested: {
      ReleaseAttested out;
      DML_ASSIGN_OR_RETURN(out.release, DigestFrom(in.release_attested().release_sha256()));
      DML_ASSIGN_OR_RETURN(out.attestation, From(in.release_attested().attestation()));
      return out;
    }
    case pb::Entry::kReleaseApproved:
      return Get(in.release_approved());
    case pb::Entry::kReleaseWithdrawn: {
      const auto& m = in.release_withdrawn();
      DML_ASSIGN_OR_RETURN(const Digest release, DigestFrom(m.release_sha256()));
      return ReleaseWithdrawn{release, m.reason(), m.replaces_etag()};
    }
    case pb::Entry::kReleaseMoved:
      return Get(in.release_moved());
    default:
      return UnknownPayload(in);
  }
}

std::string Encode(const ReleaseRecord& r) {
  pb::ReleaseRecord m;
  To(r.document, m.mutable_document());
  m.set_name(r.name);
  m.set_version(r.version);
  m.set_type(static_cast<uint32_t>(r.type));
  for (const std::string& name : r.environments) m.add_environments(name);
  for (const std::string& type : r.required_evidence) m.add_required_evidence(type);
  for (const std::string& type : r.evidence) m.add_evidence(type);
  m.set_state(static_cast<uint32_t>(r.state));
  m.set_withdraw_reason(r.withdraw_reason);
  m.set_envelope_count(r.envelope_count);
  SetWhen(r, m);
  m.set_updated_index(r.updated_index);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<ReleaseRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ReleaseRecord>(bytes));
  ReleaseRecord r;
  DML_ASSIGN_OR_RETURN(r.document, From(m.document()));
  r.name = m.name();
  r.version = m.version();
  DML_RETURN_IF_ERROR(Number(m.type(), ReleaseType::kEmergency, "type of release", r.type));
  r.environments.assign(m.environments().begin(), m.environments().end());
  r.required_evidence.assign(m.required_evidence().begin(), m.required_evidence().end());
  r.evidence.assign(m.evidence().begin(), m.evidence().end());
  DML_RETURN_IF_ERROR(Number(m.state(), ReleaseState::kWithdrawn, "state of a release", r.state));
  r.withdraw_reason = m.withdraw_reason();
  r.envelope_count = m.envelope_count();
  GetWhen(m, r);
  r.updated_index = m.updated_index();
  return r;
}

std::string Encode(const ReleaseEnvelopeRecord& r) {
  pb::ReleaseEnvelopeRecord m;
  m.set_release_sha256(std::string(r.release.raw()));
  To(r.envelope, m.mutable_envelope());
  m.set_environment(r.environment);
  m.set_findings_sha256(std::string(r.findings.raw()));
  m.set_expires_micros(ToMicros(r.expires));
  if (r.is_override()) m.set_requester_sha256(std::string(r.requester.raw()));
  for (const std::string& rule : r.rules) m.add_rules(rule);
  m.set_reason(r.reason);
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<ReleaseEnvelopeRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ReleaseEnvelopeRecord>(bytes));
  ReleaseEnvelopeRecord r;
  DML_ASSIGN_OR_RETURN(r.release, DigestFrom(m.release_sha256()));
  DML_ASSIGN_OR_RETURN(r.envelope, From(m.envelope()));
  r.environment = m.environment();
  DML_ASSIGN_OR_RETURN(r.findings, DigestFrom(m.findings_sha256()));
  r.expires = FromMicros(m.expires_micros());
  if (!m.requester_sha256().empty()) {
    DML_ASSIGN_OR_RETURN(r.requester, DigestFrom(m.requester_sha256()));
  }
  r.rules.assign(m.rules().begin(), m.rules().end());
  r.reason = m.reason();
  GetWhen(m, r);
  return r;
}

std::string Encode(const DeploymentRecord& r) {
  pb::DeploymentRecord m;
  m.set_release_sha256(std::string(r.release.raw()));
  m.set_environment(r.environment);
  m.set_type(static_cast<uint32_t>(r.type));
  m.set_state(static_cast<uint32_t>(r.state));
  m.set_started_micros(ToMicros(r.started));
  m.set_deployed_micros(ToMicros(r.deployed));
  m.set_reason(r.reason);
  m.set_permitted_until_micros(ToMicros(r.permitted_until));
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<DeploymentRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::DeploymentRecord>(bytes));
  DeploymentRecord r;
  DML_ASSIGN_OR_RETURN(r.release, DigestFrom(m.release_sha256()));
  r.environment = m.environment();
  DML_RETURN_IF_ERROR(Number(m.type(), ReleaseType::kEmergency, "type of release", r.type));
  DML_RETURN_IF_ERROR(
      Number(m.state(), DeploymentState::kReviewed, "state of a deployment", r.state));
  r.started = FromMicros(m.started_micros());
  r.deployed = FromMicros(m.deployed_micros());
  r.reason = m.reason();
  r.permitted_until = FromMicros(m.permitted_until_micros());
  GetWhen(m, r);
  return r;
}

}  // namespace dml::wire
