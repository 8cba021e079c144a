#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

// Namespaces and environments are told by the same five fields.
template <typename Message, typename Record>
std::string EncodeDescribed(const Record& r) {
  Message m;
  m.set_name(r.name);
  m.set_description(r.description);
  To(r.labels, m.mutable_labels());
  m.set_created_index(r.created_index);
  m.set_created_micros(ToMicros(r.created_time));
  return SerializeDeterministically(m);
}

template <typename Message, typename Record>
absl::StatusOr<Record> DecodeDescribed(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<Message>(bytes));
  return Record{m.name(), m.description(), From(m.labels()), m.created_index(),
                FromMicros(m.created_micros())};
}

}  // namespace

std::string Encode(const NamespaceRecord& r) { return EncodeDescribed<pb::NamespaceRecord>(r); }

template <>
absl::StatusOr<NamespaceRecord> Decode(std::string_view bytes) {
  return DecodeDescribed<pb::NamespaceRecord, NamespaceRecord>(bytes);
}

std::string Encode(const RetentionRecord& r) {
  pb::RetentionRecord m;
  m.set_name(r.ns);
  To(r.policy, m.mutable_policy());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RetentionRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::RetentionRecord>(bytes));
  DML_ASSIGN_OR_RETURN(RetentionPolicy policy, From(m.policy()));
  return RetentionRecord{m.name(), policy, m.index(), FromMicros(m.time_micros()), m.author()};
}

std::string Encode(const PackageRecord& r) {
  pb::PackageRecord m;
  m.set_package(r.name.ToString());
  m.set_version_scheme(std::string(VersionSchemeName(r.scheme)));
  m.set_title(r.title);
  m.set_latest(r.latest);
  m.set_version_count(r.version_count);
  m.set_created_index(r.created_index);
  m.set_updated_index(r.updated_index);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<PackageRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::PackageRecord>(bytes));
  PackageRecord r;
  DML_ASSIGN_OR_RETURN(r.name, PackageName::Parse(m.package()));
  DML_ASSIGN_OR_RETURN(r.scheme, ParseVersionScheme(m.version_scheme()));
  r.title = m.title();
  r.latest = m.latest();
  r.version_count = m.version_count();
  r.created_index = m.created_index();
  r.updated_index = m.updated_index();
  return r;
}

std::string Encode(const VariantRecord& r) {
  pb::VariantRecord m;
  To(r.name, &m);
  m.set_version_scheme(std::string(VersionSchemeName(r.scheme)));
  To(r.manifest, m.mutable_manifest());
  To(r.spec, m.mutable_spec());
  m.set_payload_size(r.payload_size);
  m.set_file_count(r.file_count);
  m.set_state(static_cast<pb::VariantState>(r.state));
  m.set_withdraw_reason(r.withdraw_reason);
  m.set_title(r.title);
  m.set_declared_license(r.declared_license);
  m.set_purl(r.purl);
  To(r.labels, m.mutable_labels());
  m.set_publisher(r.publisher);
  m.set_published_index(r.published_index);
  m.set_published_micros(ToMicros(r.published_time));
  m.set_withdrawn_index(r.withdrawn_index);
  m.set_withdrawn_micros(ToMicros(r.withdrawn_time));
  m.set_payload_collected(r.payload_collected);
  m.set_attestation_count(r.attestation_count);
  m.set_admission_reason(r.admission_reason);
  m.set_admission_index(r.admission_index);
  if (r.scan.has_value()) To(*r.scan, m.mutable_scan());
  m.set_scan_index(r.scan_index);
  m.set_scan_micros(ToMicros(r.scan_time));
  m.set_hold_count(r.hold_count);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<VariantRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::VariantRecord>(bytes));
  VariantRecord r;
  DML_ASSIGN_OR_RETURN(r.name, VariantFrom(m.package(), m.version(), m.variant()));
  DML_ASSIGN_OR_RETURN(r.scheme, ParseVersionScheme(m.version_scheme()));
  DML_ASSIGN_OR_RETURN(r.manifest, From(m.manifest()));
  DML_ASSIGN_OR_RETURN(r.spec, From(m.spec()));
  r.payload_size = m.payload_size();
  r.file_count = m.file_count();
  r.state = static_cast<VariantState>(m.state());
  r.withdraw_reason = m.withdraw_reason();
  r.title = m.title();
  r.declared_license = m.declared_license();
  r.purl = m.purl();
  r.labels = From(m.labels());
  r.publisher = m.publisher();
  r.published_index = m.published_index();
  r.published_time = FromMicros(m.published_micros());
  r.withdrawn_index = m.withdrawn_index();
  r.withdrawn_time = FromMicros(m.withdrawn_micros());
  r.payload_collected = m.payload_collected();
  r.attestation_count = m.attestation_count();
  r.admission_reason = m.admission_reason();
  r.admission_index = m.admission_index();
  if (m.has_scan()) {
    DML_ASSIGN_OR_RETURN(r.scan, From(m.scan()));
  }
  r.scan_index = m.scan_index();
  r.scan_time = FromMicros(m.scan_micros());
  r.hold_count = m.hold_count();
  return r;
}

std::string Encode(const AttestationRecord& r) {
  pb::AttestationRecord m;
  To(r.ref, m.mutable_attestation());
  SetWhen(r, m);
  m.set_statement_sha256(std::string(r.statement.raw()));
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<AttestationRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::AttestationRecord>(bytes));
  DML_ASSIGN_OR_RETURN(AttestationRef ref, From(m.attestation()));
  DML_ASSIGN_OR_RETURN(Digest statement, DigestFrom(m.statement_sha256()));
  return AttestationRecord{std::move(ref), m.index(), FromMicros(m.time_micros()), m.author(),
                           statement};
}

std::string Encode(const EnvironmentRecord& r) { return EncodeDescribed<pb::EnvironmentRecord>(r); }

template <>
absl::StatusOr<EnvironmentRecord> Decode(std::string_view bytes) {
  return DecodeDescribed<pb::EnvironmentRecord, EnvironmentRecord>(bytes);
}

std::string Encode(const NodeRecord& r) {
  pb::NodeRecord m;
  m.set_environment(r.environment);
  m.set_name(r.name);
  To(r.labels, m.mutable_labels());
  m.set_created_index(r.created_index);
  m.set_created_micros(ToMicros(r.created_time));
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<NodeRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::NodeRecord>(bytes));
  return NodeRecord{m.environment(), m.name(), From(m.labels()), m.created_index(),
                    FromMicros(m.created_micros())};
}

std::string Encode(const PolicyRecord& r) {
  pb::PolicyRecord m;
  m.set_environment(r.environment);
  m.set_revision(r.revision);
  To(r.document, m.mutable_document());
  if (r.envelope.size > 0) To(r.envelope, m.mutable_envelope());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<PolicyRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::PolicyRecord>(bytes));
  PolicyRecord r;
  r.environment = m.environment();
  r.revision = m.revision();
  DML_ASSIGN_OR_RETURN(r.document, From(m.document()));
  if (m.has_envelope()) {
    DML_ASSIGN_OR_RETURN(r.envelope, From(m.envelope()));
  }
  GetWhen(m, r);
  return r;
}

std::string Encode(const RequestRecord& r) {
  pb::RequestRecord m;
  m.set_index(r.index);
  m.set_time_micros(ToMicros(r.time));
  m.set_payload_sha256(std::string(r.payload.raw()));
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RequestRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::RequestRecord>(bytes));
  DML_ASSIGN_OR_RETURN(Digest payload, DigestFrom(m.payload_sha256()));
  return RequestRecord{m.index(), FromMicros(m.time_micros()), payload};
}

std::string Encode(const RelationRecord& r) {
  pb::RelationRecord m;
  m.set_kind(r.relation);
  m.set_range(r.range);
  m.set_source(r.source);
  m.set_scope(r.scope);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RelationRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::RelationRecord>(bytes));
  return RelationRecord{m.kind(), m.range(), m.scope(), m.source()};
}

}  // namespace dml::wire
