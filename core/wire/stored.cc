#include "core/wire/stored.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace dml::wire {

absl::StatusOr<Digest> DigestFrom(const std::string& raw) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(raw);
  if (!digest.ok()) return DataLoss(kEntryInvalid, "{}", Message(digest.status()));
  return digest;
}

void To(const BlobRef& ref, pb::BlobRef* out) {
  out->set_sha256(std::string(ref.digest.raw()));
  out->set_size(ref.size);
}

absl::StatusOr<BlobRef> From(const pb::BlobRef& in) {
  DML_ASSIGN_OR_RETURN(Digest digest, DigestFrom(in.sha256()));
  return BlobRef{digest, in.size()};
}

void To(const Labels& labels, google::protobuf::RepeatedPtrField<pb::Label>* out) {
  for (const auto& [key, value] : labels) {
    pb::Label* label = out->Add();
    label->set_key(key);
    label->set_value(value);
  }
}

Labels From(const google::protobuf::RepeatedPtrField<pb::Label>& in) {
  Labels out;
  for (const pb::Label& label : in) out[label.key()] = label.value();
  return out;
}

void To(const AttestationRef& ref, pb::AttestationRef* out) {
  To(ref.envelope, out->mutable_envelope());
  out->set_predicate_type(ref.predicate_type);
  out->set_subject_sha256(std::string(ref.subject.raw()));
  for (const Digest& id : ref.key_ids) out->add_key_ids(std::string(id.raw()));
}

absl::StatusOr<AttestationRef> From(const pb::AttestationRef& in) {
  AttestationRef out;
  DML_ASSIGN_OR_RETURN(out.envelope, From(in.envelope()));
  out.predicate_type = in.predicate_type();
  DML_ASSIGN_OR_RETURN(out.subject, DigestFrom(in.subject_sha256()));
  for (const std::string& raw : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(Digest id, DigestFrom(raw));
    out.key_ids.push_back(id);
  }
  return out;
}

absl::StatusOr<VariantName> VariantFrom(const std::string& package, const std::string& version,
                                        const std::string& variant) {
  VariantName out;
  absl::StatusOr<PackageName> name = PackageName::Parse(package);
  if (!name.ok()) return DataLoss(kEntryInvalid, "{}", Message(name.status()));
  absl::StatusOr<Platform> platform = Platform::Parse(variant);
  if (!platform.ok()) return DataLoss(kEntryInvalid, "{}", Message(platform.status()));
  return VariantName{*std::move(name), version, *std::move(platform)};
}

void To(const RetentionPolicy& policy, pb::RetentionPolicy* out) {
  out->set_keep(static_cast<uint32_t>(policy.keep));
  out->set_keep_versions(policy.keep_versions);
  out->set_keep_age_seconds(policy.keep_age.count());
  out->set_collect_withdrawn(policy.collect_withdrawn);
  out->set_withdrawn_grace_seconds(policy.withdrawn_grace.count());
}

absl::StatusOr<RetentionPolicy> From(const pb::RetentionPolicy& in) {
  RetentionPolicy out;
  out.keep = static_cast<RetentionKeep>(in.keep());
  out.keep_versions = in.keep_versions();
  out.keep_age = std::chrono::seconds(in.keep_age_seconds());
  out.collect_withdrawn = in.collect_withdrawn();
  out.withdrawn_grace = std::chrono::seconds(in.withdrawn_grace_seconds());
  if (in.keep() < 1 || in.keep() > 3 || in.keep_age_seconds() > kMaxStoredSeconds ||
      in.withdrawn_grace_seconds() > kMaxStoredSeconds) {
    return DataLoss(kEntryInvalid,
                    "a retention policy says what this version does not know: "
                    "upgrade the program");
  }
  return out;
}

std::string SerializeDeterministically(const google::protobuf::MessageLite& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

}  // namespace dml::wire
