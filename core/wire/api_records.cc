#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"
#include "core/wire/api.h"

namespace dml::wire {

void To(Timestamp time, google::protobuf::Timestamp* out) {
  int64_t micros = ToMicros(time);
  int64_t seconds = micros / 1000000;
  int64_t rest = micros % 1000000;
  if (rest < 0) {
    --seconds;
    rest += 1000000;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(rest * 1000));
}

Timestamp From(const google::protobuf::Timestamp& in) {
  return FromMicros(in.seconds() * 1000000 + in.nanos() / 1000);
}

void To(const Labels& labels, ApiLabels* out) {
  for (const auto& [key, value] : labels) (*out)[key] = value;
}

Labels From(const ApiLabels& in) { return Labels(in.begin(), in.end()); }

void To(const BlobRef& ref, v1::Blob* out) {
  out->set_digest(ref.digest.ToString());
  out->set_size(ref.size);
}

absl::StatusOr<BlobRef> From(const v1::Blob& in) {
  absl::StatusOr<Digest> digest = Digest::Parse(in.digest());
  if (!digest.ok()) return AtField(digest.status(), "digest");
  return BlobRef{*digest, in.size()};
}

void To(const Finding& finding, v1::Finding* out) {
  out->set_rule(finding.rule);
  out->set_severity(static_cast<v1::Severity>(finding.severity));
  out->set_subject(finding.subject);
  out->set_message(finding.message);
  out->set_remedy(finding.remedy);
}

Finding From(const v1::Finding& in) {
  // A severity that is not known counts as an error: unknown is never allowed.
  Severity severity = in.severity() == v1::SEVERITY_INFO      ? Severity::kInfo
                      : in.severity() == v1::SEVERITY_WARNING ? Severity::kWarning
                                                              : Severity::kError;
  return {in.rule(), severity, in.subject(), in.message(), in.remedy()};
}

void To(const NamespaceRecord& record, v1::Namespace* out) {
  out->set_name(NamespaceResource(record.name));
  out->set_description(record.description);
  To(record.labels, out->mutable_labels());
  out->set_created_index(record.created_index);
  To(record.created_time, out->mutable_create_time());
}

absl::StatusOr<NamespaceRecord> From(const v1::Namespace& in) {
  DML_ASSIGN_OR_RETURN(std::string name, ParseResource(in.name(), "namespaces"));
  return NamespaceRecord{std::move(name), in.description(), From(in.labels()), in.created_index(),
                         From(in.create_time())};
}

void To(const PackageRecord& record, v1::Package* out) {
  out->set_name(record.name.ResourceName());
  out->set_version_scheme(std::string(VersionSchemeName(record.scheme)));
  out->set_title(record.title);
  out->set_latest_version(record.latest);
  out->set_version_count(record.version_count);
  out->set_created_index(record.created_index);
  out->set_updated_index(record.updated_index);
}

absl::StatusOr<PackageRecord> From(const v1::Package& in) {
  PackageRecord out;
  DML_ASSIGN_OR_RETURN(out.name, ParsePackageResource(in.name()));
  DML_ASSIGN_OR_RETURN(out.scheme, ParseVersionScheme(in.version_scheme()));
  out.title = in.title();
  out.latest = in.latest_version();
  out.version_count = in.version_count();
  out.created_index = in.created_index();
  out.updated_index = in.updated_index();
  return out;
}

void To(const VariantRecord& record, v1::Variant* out) {
  out->set_name(record.name.ResourceName());
  out->set_version_scheme(std::string(VersionSchemeName(record.scheme)));
  To(record.manifest, out->mutable_manifest());
  To(record.spec, out->mutable_spec());
  out->set_payload_size(record.payload_size);
  out->set_file_count(record.file_count);
  out->set_state(static_cast<v1::Variant::State>(record.state));
  out->set_withdraw_reason(record.withdraw_reason);
  out->set_title(record.title);
  out->set_declared_license(record.declared_license);
  out->set_purl(record.purl);
  To(record.labels, out->mutable_labels());
  out->set_publisher(record.publisher);
  out->set_published_index(record.published_index);
  To(record.published_time, out->mutable_publish_time());
  if (record.withdrawn_index != 0) {
    out->set_withdrawn_index(record.withdrawn_index);
    To(record.withdrawn_time, out->mutable_withdraw_time());
  }
  out->set_payload_collected(record.payload_collected);
  out->set_admission_reason(record.admission_reason);
  out->set_admission_index(record.admission_index);
  if (record.scan.has_value()) {
    v1::Scan* scan = out->mutable_scan();
    scan->set_verdict(static_cast<v1::Scan::Verdict>(record.scan->verdict));
    scan->set_scanner(record.scan->scanner);
    scan->set_signatures(record.scan->signatures);
    scan->set_finding(record.scan->finding);
    scan->set_index(record.scan_index);
    To(record.scan_time, scan->mutable_scan_time());
  }
  out->set_hold_count(record.hold_count);
}

absl::StatusOr<VariantRecord> From(const v1::Variant& in) {
  VariantRecord out;
  DML_ASSIGN_OR_RETURN(out.name, VariantName::Parse(in.name()));
  DML_ASSIGN_OR_RETURN(out.scheme, ParseVersionScheme(in.version_scheme()));
  DML_ASSIGN_OR_RETURN(out.manifest, From(in.manifest()));
  DML_ASSIGN_OR_RETURN(out.spec, From(in.spec()));
  out.payload_size = in.payload_size();
  out.file_count = in.file_count();
  if (in.state() < v1::Variant::STATE_PUBLISHED || in.state() > v1::Variant::STATE_REJECTED) {
    return AtField(
        InvalidArgument(ErrorReason("STATE_UNKNOWN"), "{} is no state that this version knows",
                        static_cast<int>(in.state())),
        "state");
  }
  out.state = static_cast<VariantState>(in.state());
  out.withdraw_reason = in.withdraw_reason();
  out.title = in.title();
  out.declared_license = in.declared_license();
  out.purl = in.purl();
  out.labels = From(in.labels());
  out.publisher = in.publisher();
  out.published_index = in.published_index();
  out.published_time = From(in.publish_time());
  out.withdrawn_index = in.withdrawn_index();
  out.withdrawn_time = From(in.withdraw_time());
  out.payload_collected = in.payload_collected();
  out.admission_reason = in.admission_reason();
  out.admission_index = in.admission_index();
  if (in.has_scan()) {
    // A verdict that is not known counts as none.
    const bool known = in.scan().verdict() >= v1::Scan::VERDICT_CLEAN &&
                       in.scan().verdict() <= v1::Scan::VERDICT_ERROR;
    out.scan = {known ? static_cast<ScanVerdict>(in.scan().verdict()) : ScanVerdict::kError,
                in.scan().scanner(), in.scan().signatures(), in.scan().finding()};
    out.scan_index = in.scan().index();
    out.scan_time = From(in.scan().scan_time());
  }
  out.hold_count = in.hold_count();
  return out;
}

void To(const AttestationRecord& record, v1::Attestation* out) {
  To(record.ref.envelope, out->mutable_envelope());
  out->set_predicate_type(record.ref.predicate_type);
  for (const Digest& id : record.ref.key_ids) out->add_key_ids(id.ToString());
  out->set_index(record.index);
  To(record.time, out->mutable_time());
  out->set_author(record.author);
}

absl::StatusOr<AttestationRecord> From(const v1::Attestation& in) {
  AttestationRecord out;
  DML_ASSIGN_OR_RETURN(out.ref.envelope, From(in.envelope()));
  out.ref.predicate_type = in.predicate_type();
  for (const std::string& text : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(Digest id, Digest::Parse(text));
    out.ref.key_ids.push_back(id);
  }
  out.index = in.index();
  out.time = From(in.time());
  out.author = in.author();
  return out;
}

void To(const KeyRecord& record, v1::Key* out) {
  out->set_name(KeyResource(Sha256(record.spki)));
  if (absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(record.spki)); key.ok()) {
    out->set_algorithm(std::string(KeyAlgorithmName(key->algorithm())));
    out->set_public_key_pem(key->ToPem());
  }
  out->set_holder(record.holder);
  out->set_person(record.person);
  for (const KeyGrant& grant : record.grants) {
    v1::Key::Grant* item = out->add_grants();
    item->set_role(grant.role);
    item->set_delegation(grant.delegation);
    for (const std::string& subject : grant.subjects) item->add_subjects(subject);
  }
  out->set_registered_index(record.registered_index);
  To(record.registered_time, out->mutable_register_time());
  out->set_revoked(record.revoked);
  out->set_revoked_index(record.revoked_index);
  out->set_revoke_reason(record.revoke_reason);
}

absl::StatusOr<KeyRecord> From(const v1::Key& in) {
  DML_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpkiPem(in.public_key_pem()));
  KeyRecord out;
  out.spki = key.spki_der();
  out.holder = in.holder();
  out.person = in.person();
  for (const v1::Key::Grant& grant : in.grants()) {
    out.grants.push_back(
        {grant.role(), grant.delegation(), {grant.subjects().begin(), grant.subjects().end()}});
  }
  out.registered_index = in.registered_index();
  out.registered_time = From(in.register_time());
  out.revoked = in.revoked();
  out.revoked_index = in.revoked_index();
  out.revoke_reason = in.revoke_reason();
  return out;
}

void To(const EnvironmentRecord& record, v1::Environment* out) {
  out->set_name(EnvironmentResource(record.name));
  out->set_description(record.description);
  To(record.labels, out->mutable_labels());
  out->set_created_index(record.created_index);
  To(record.created_time, out->mutable_create_time());
}

absl::StatusOr<EnvironmentRecord> From(const v1::Environment& in) {
  DML_ASSIGN_OR_RETURN(std::string name, ParseResource(in.name(), "environments"));
  return EnvironmentRecord{std::move(name), in.description(), From(in.labels()), in.created_index(),
                           From(in.create_time())};
}

void To(const NodeRecord& record, v1::Node* out) {
  out->set_name(NodeResource(record.environment, record.name));
  To(record.labels, out->mutable_labels());
  out->set_created_index(record.created_index);
  To(record.created_time, out->mutable_create_time());
}

absl::StatusOr<NodeRecord> From(const v1::Node& in) {
  DML_ASSIGN_OR_RETURN(auto names, ParseNodeResource(in.name()));
  return NodeRecord{names.first, names.second, From(in.labels()), in.created_index(),
                    From(in.create_time())};
}

void To(const PolicyRecord& record, v1::Policy* out) {
  out->set_environment(EnvironmentResource(record.environment));
  out->set_revision(record.revision);
  out->set_etag(record.Etag());
  To(record.document, out->mutable_document_blob());
  if (record.envelope.size > 0) To(record.envelope, out->mutable_envelope_blob());
  out->set_index(record.index);
  To(record.time, out->mutable_set_time());
  out->set_author(record.author);
}

absl::StatusOr<PolicyRecord> From(const v1::Policy& in) {
  PolicyRecord out;
  DML_ASSIGN_OR_RETURN(out.environment, ParseResource(in.environment(), "environments"));
  out.revision = in.revision();
  DML_ASSIGN_OR_RETURN(out.document, From(in.document_blob()));
  if (in.has_envelope_blob()) {
    DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope_blob()));
  }
  out.index = in.index();
  out.time = From(in.set_time());
  out.author = in.author();
  return out;
}

void To(const ChunkRef& chunk, v1::ChunkId* out) {
  out->set_sha256(std::string(chunk.digest.raw()));
  out->set_size(chunk.size);
}

absl::StatusOr<ChunkRef> From(const v1::ChunkId& in) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(in.sha256());
  if (!digest.ok()) return AtField(digest.status(), "sha256");
  return ChunkRef{*digest, in.size()};
}

namespace {

// Chunk and ChunkBase have these fields alike.
template <typename Message>
void PutFrame(EncodedChunk&& chunk, Message* out) {
  out->set_sha256(std::string(chunk.raw_digest.raw()));
  out->set_size(chunk.raw_size);
  out->set_codec(chunk.codec == FrameCodec::kRaw ? v1::CHUNK_CODEC_RAW : v1::CHUNK_CODEC_ZSTD);
  out->set_data(std::move(chunk.stored));
}

template <typename Message>
absl::StatusOr<EncodedChunk> GetFrame(Message&& in) {
  EncodedChunk out;
  absl::StatusOr<Digest> digest = Digest::FromBytes(in.sha256());
  if (!digest.ok()) return AtField(digest.status(), "sha256");
  out.raw_digest = *digest;
  out.raw_size = in.size();
  if (in.codec() != v1::CHUNK_CODEC_RAW && in.codec() != v1::CHUNK_CODEC_ZSTD) {
    return AtField(
        InvalidArgument(ErrorReason("CHUNK_CODEC_UNKNOWN"), "codec {} is neither RAW nor ZSTD",
                        static_cast<int>(in.codec())),
        "codec");
  }
  out.codec = in.codec() == v1::CHUNK_CODEC_ZSTD ? FrameCodec::kZstd : FrameCodec::kRaw;
  out.stored = std::move(*in.mutable_data());
  return out;
}

}  // namespace

void To(EncodedChunk&& chunk, v1::Chunk* out) { PutFrame(std::move(chunk), out); }

void To(EncodedChunk&& delta, EncodedChunk&& base, v1::Chunk* out) {
  PutFrame(std::move(delta), out);
  out->set_codec(v1::CHUNK_CODEC_ZSTD_DELTA);
  PutFrame(std::move(base), out->mutable_base());
}

absl::StatusOr<EncodedChunk> From(v1::Chunk&& in) { return GetFrame(std::move(in)); }
absl::StatusOr<EncodedChunk> From(v1::ChunkBase&& in) { return GetFrame(std::move(in)); }

}  // namespace dml::wire
