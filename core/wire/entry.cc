#include "core/wire/entry.h"

#include "core/crypto/sha256.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"

namespace dml::wire {
namespace {

using wire::Put;  // Of core/wire/entry_parts.h, beside those here.

// --- Payload -> protobuf -------------------------------------------------------------------------

void Put(const LibraryCreated& p, pb::Entry& out) {
  out.mutable_library_created()->set_origin(p.origin);
  out.mutable_library_created()->set_log_key_spki(p.log_key_spki);
}
void Put(const NamespaceCreated& p, pb::Entry& out) {
  auto* m = out.mutable_namespace_created();
  m->set_name(p.name);
  m->set_description(p.description);
  To(p.labels, m->mutable_labels());
}
void Put(const VersionPublished& p, pb::Entry& out) {
  auto* m = out.mutable_version_published();
  To(p.variant, m);
  m->set_version_scheme(std::string(VersionSchemeName(p.scheme)));
  To(p.manifest, m->mutable_manifest());
  To(p.spec, m->mutable_spec());
  m->set_payload_size(p.payload_size);
  m->set_file_count(p.file_count);
  for (const AttestationRef& ref : p.attestations) To(ref, m->add_attestations());
  if (p.admission != AdmissionState::kAccepted) m->set_admission(ToProto(p.admission));
  m->set_quarantine_reason(p.quarantine_reason);
  if (p.scan.has_value()) To(*p.scan, m->mutable_scan());
}
void Put(const AttestationAttached& p, pb::Entry& out) {
  To(p.variant, out.mutable_attestation_attached());
  To(p.attestation, out.mutable_attestation_attached()->mutable_attestation());
}
void Put(const VersionWithdrawn& p, pb::Entry& out) {
  To(p.variant, out.mutable_version_withdrawn());
  out.mutable_version_withdrawn()->set_reason(p.reason);
}
void Put(const PayloadCollected& p, pb::Entry& out) {
  auto* m = out.mutable_payload_collected();
  for (const VariantName& name : p.variants) To(name, m->add_variants());
  To(p.digest_list, m->mutable_digest_list());
}
void Put(const EnvironmentCreated& p, pb::Entry& out) {
  auto* m = out.mutable_environment_created();
  m->set_name(p.name);
  m->set_description(p.description);
  To(p.labels, m->mutable_labels());
}
void Put(const NodeCreated& p, pb::Entry& out) {
  auto* m = out.mutable_node_created();
  m->set_environment(p.environment);
  m->set_name(p.name);
  To(p.labels, m->mutable_labels());
}
void Put(const PolicySet& p, pb::Entry& out) {
  auto* m = out.mutable_policy_set();
  m->set_environment(p.environment);
  To(p.document, m->mutable_document());
  m->set_replaces_etag(p.replaces_etag);
  if (p.envelope.size > 0) To(p.envelope, m->mutable_envelope());
  m->set_force_reason(p.force_reason);
}
void Put(const NamespaceRetentionSet& p, pb::Entry& out) {
  out.mutable_namespace_retention_set()->set_name(p.name);
  To(p.policy, out.mutable_namespace_retention_set()->mutable_policy());
  out.mutable_namespace_retention_set()->set_replaces_etag(p.replaces_etag);
}
void Put(const AuditRecorded& p, pb::Entry& out) {
  out.mutable_audit_recorded()->set_lines(p.lines);
  out.mutable_audit_recorded()->set_head_sha256(std::string(p.head.raw()));
}
void Put(const ClockAccepted& p, pb::Entry& out) {
  out.mutable_clock_accepted()->set_time_micros(ToMicros(p.time));
}

// --- Protobuf -> payload -------------------------------------------------------------------------

absl::StatusOr<VersionPublished> Get(const pb::VersionPublished& m) {
  VersionPublished out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantFrom(m.package(), m.version(), m.variant()));
  DML_ASSIGN_OR_RETURN(out.scheme, ParseVersionScheme(m.version_scheme()));
  DML_ASSIGN_OR_RETURN(out.manifest, From(m.manifest()));
  DML_ASSIGN_OR_RETURN(out.spec, From(m.spec()));
  out.payload_size = m.payload_size();
  out.file_count = m.file_count();
  for (const pb::AttestationRef& ref : m.attestations()) {
    DML_ASSIGN_OR_RETURN(AttestationRef value, From(ref));
    out.attestations.push_back(std::move(value));
  }
  if (m.admission() != pb::ADMISSION_UNSPECIFIED) {
    DML_ASSIGN_OR_RETURN(out.admission, FromProto(m.admission()));
  }
  out.quarantine_reason = m.quarantine_reason();
  if (m.has_scan()) {
    DML_ASSIGN_OR_RETURN(out.scan, From(m.scan()));
  }
  return out;
}

absl::StatusOr<PayloadCollected> Get(const pb::PayloadCollected& m) {
  PayloadCollected out;
  for (const auto& v : m.variants()) {
    DML_ASSIGN_OR_RETURN(VariantName name, VariantFrom(v.package(), v.version(), v.variant()));
    out.variants.push_back(std::move(name));
  }
  DML_ASSIGN_OR_RETURN(out.digest_list, From(m.digest_list()));
  return out;
}

absl::StatusOr<AttestationAttached> Get(const pb::AttestationAttached& m) {
  AttestationAttached out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantFrom(m.package(), m.version(), m.variant()));
  DML_ASSIGN_OR_RETURN(out.attestation, From(m.attestation()));
  return out;
}

absl::StatusOr<VersionWithdrawn> Get(const pb::VersionWithdrawn& m) {
  VersionWithdrawn out;
  DML_ASSIGN_OR_RETURN(out.variant, VariantFrom(m.package(), m.version(), m.variant()));
  out.reason = m.reason();
  return out;
}

absl::StatusOr<PolicySet> Get(const pb::PolicySet& m) {
  PolicySet out{m.environment(), {}, m.replaces_etag(), {}, m.force_reason()};
  DML_ASSIGN_OR_RETURN(out.document, From(m.document()));
  if (m.has_envelope()) {
    DML_ASSIGN_OR_RETURN(out.envelope, From(m.envelope()));
  }
  return out;
}

absl::StatusOr<NamespaceRetentionSet> Get(const pb::NamespaceRetentionSet& m) {
  DML_ASSIGN_OR_RETURN(RetentionPolicy policy, From(m.policy()));
  return NamespaceRetentionSet{m.name(), policy, m.replaces_etag()};
}

absl::StatusOr<AuditRecorded> Get(const pb::AuditRecorded& m) {
  DML_ASSIGN_OR_RETURN(Digest head, DigestFrom(m.head_sha256()));
  return AuditRecorded{m.lines(), head};
}

void PutPayload(const EntryPayload& payload, pb::Entry& out) {
  std::visit([&](const auto& value) { Put(value, out); }, payload);
}

absl::StatusOr<EntryPayload> GetPayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kLibraryCreated:
      return LibraryCreated{in.library_created().origin(), in.library_created().log_key_spki()};
    case pb::Entry::kNamespaceCreated: {
      const auto& m = in.namespace_created();
      return NamespaceCreated{m.name(), m.description(), From(m.labels())};
    }
    case pb::Entry::kVersionPublished:
      return Get(in.version_published());
    case pb::Entry::kAttestationAttached:
      return Get(in.attestation_attached());
    case pb::Entry::kVersionWithdrawn:
      return Get(in.version_withdrawn());
    case pb::Entry::kPayloadCollected:
      return Get(in.payload_collected());
    case pb::Entry::kEnvironmentCreated: {
      const auto& m = in.environment_created();
      return EnvironmentCreated{m.name(), m.description(), From(m.labels())};
    }
    case pb::Entry::kNodeCreated: {
      const auto& m = in.node_created();
      return NodeCreated{m.environment(), m.name(), From(m.labels())};
    }
    case pb::Entry::kPolicySet:
      return Get(in.policy_set());
    case pb::Entry::kNamespaceRetentionSet:
      return Get(in.namespace_retention_set());
    case pb::Entry::kAuditRecorded:
      return Get(in.audit_recorded());
    case pb::Entry::kClockAccepted:
      return ClockAccepted{FromMicros(in.clock_accepted().time_micros())};
    case pb::Entry::kEntitlementGranted:
    case pb::Entry::kEntitlementAmended:
    case pb::Entry::kSeatsReserved:
    case pb::Entry::kLeaseCommitted:
    case pb::Entry::kLeaseExtended:
    case pb::Entry::kLeaseReleased:
    case pb::Entry::kLeaseBorrowed:
      return GetSeatPayload(in);
    case pb::Entry::kReleaseSealed:
    case pb::Entry::kReleaseAttested:
    case pb::Entry::kReleaseApproved:
    case pb::Entry::kReleaseWithdrawn:
    case pb::Entry::kReleaseMoved:
      return GetReleasePayload(in);
    case pb::Entry::kPermitDecided:
    case pb::Entry::kPermitRevoked:
    case pb::Entry::kPermitUsed:
      return GetPermitPayload(in);
    case pb::Entry::kRolloutStarted:
    case pb::Entry::kNodeReported:
    case pb::Entry::kRolloutSteered:
    case pb::Entry::kReleaseOverridden:
    case pb::Entry::kReleaseReevaluated:
      return GetRolloutPayload(in);
    case pb::Entry::kReferencesPublished:
      return GetReferencePayload(in);
    default:
      return GetTrustPayload(in);
  }
}

}  // namespace

absl::StatusOr<EntryPayload> UnknownPayload(const pb::Entry& in) {
  return DataLoss(kEntryInvalid,
                  "entry {} has a payload that this version does not know: upgrade the program",
                  in.index());
}

absl::StatusOr<std::string> EncodeEntry(const Entry& entry) {
  pb::Entry message;
  message.set_index(entry.index);
  message.set_time_micros(ToMicros(entry.time));
  message.set_author(entry.author);
  message.set_request_id(entry.request_id);
  PutPayload(entry.payload, message);
  std::string bytes = SerializeDeterministically(message);
  if (bytes.size() > kMaxEntryBytes) {
    return InvalidArgument(ErrorReason("ENTRY_TOO_LARGE"),
                           "the request makes a journal entry of {} bytes; at most {}",
                           bytes.size(), kMaxEntryBytes);
  }
  return bytes;
}

absl::StatusOr<Entry> DecodeEntry(std::string_view bytes) {
  pb::Entry message;
  if (bytes.size() > kMaxEntryBytes ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss(kEntryInvalid, "{} bytes are no journal entry", bytes.size());
  }
  Entry out;
  out.index = message.index();
  out.time = FromMicros(message.time_micros());
  out.author = message.author();
  out.request_id = message.request_id();
  DML_ASSIGN_OR_RETURN(out.payload, GetPayload(message));
  return out;
}

Digest PayloadDigest(const EntryPayload& payload) {
  pb::Entry message;
  PutPayload(payload, message);
  return Sha256(SerializeDeterministically(message));
}

}  // namespace dml::wire
