#include "core/wire/api_releases.h"

#include <charconv>
#include <tuple>

namespace dml::wire {
namespace {

constexpr std::string_view kVersions = "/versions/";

absl::StatusOr<std::string> EnvironmentAt(const std::string& resource) {
  absl::StatusOr<std::string> name = ParseResource(resource, "environments");
  if (!name.ok()) return AtField(name.status(), "environment");
  return name;
}

template <typename Enum>
absl::Status ReadEnum(int number, Enum last, std::string_view field, Enum& out) {
  if (number < 1 || number > static_cast<int>(last)) {
    return AtField(
        InvalidArgument(ErrorReason("ENUM_UNKNOWN"), "{} {} is none that is known", field, number),
        field);
  }
  out = static_cast<Enum>(number);
  return absl::OkStatus();
}

}  // namespace

std::string ReleaseResource(std::string_view name, std::string_view version) {
  return fmt::format("releases/{}{}{}", name, kVersions, version);
}

absl::StatusOr<std::pair<std::string, std::string>> ParseReleaseResource(
    std::string_view resource) {
  DML_ASSIGN_OR_RETURN(const std::string rest, ParseResource(resource, "releases"));
  const size_t at = rest.find(kVersions);
  if (at == std::string::npos) {
    return InvalidArgument(ErrorReason("NAME_INVALID"),
                           "'{}' is no release: expected releases/N/versions/V",
                           resource.substr(0, 200));
  }
  std::pair out(rest.substr(0, at), rest.substr(at + kVersions.size()));
  DML_RETURN_IF_ERROR(ValidatePackagePart(out.first));
  DML_RETURN_IF_ERROR(ValidateVersionText(out.second));
  return out;
}

void To(const ReleaseRecord& record, v1::Release* out) {
  out->set_name(ReleaseResource(record.name, record.version));
  To(record.document, out->mutable_document());
  out->set_type(static_cast<v1::Release::Type>(record.type));
  for (const std::string& name : record.environments) {
    out->add_environments(EnvironmentResource(name));
  }
  for (const std::string& type : record.required_evidence) out->add_required_evidence(type);
  for (const std::string& type : record.evidence) out->add_evidence(type);
  out->set_state(static_cast<v1::Release::State>(record.state));
  out->set_withdraw_reason(record.withdraw_reason);
  out->set_etag(record.Etag());
  out->set_index(record.index);
  To(record.time, out->mutable_seal_time());
  out->set_author(record.author);
}

absl::StatusOr<ReleaseRecord> From(const v1::Release& in) {
  ReleaseRecord out;
  DML_ASSIGN_OR_RETURN(std::tie(out.name, out.version), ParseReleaseResource(in.name()));
  DML_ASSIGN_OR_RETURN(out.document, From(in.document()));
  DML_RETURN_IF_ERROR(ReadEnum(in.type(), ReleaseType::kEmergency, "type", out.type));
  DML_RETURN_IF_ERROR(ReadEnum(in.state(), ReleaseState::kWithdrawn, "state", out.state));
  for (const std::string& name : in.environments()) {
    DML_ASSIGN_OR_RETURN(out.environments.emplace_back(), EnvironmentAt(name));
  }
  out.required_evidence.assign(in.required_evidence().begin(), in.required_evidence().end());
  out.evidence.assign(in.evidence().begin(), in.evidence().end());
  out.withdraw_reason = in.withdraw_reason();
  const char* const end = in.etag().data() + in.etag().size();
  const auto read = std::from_chars(in.etag().data(), end, out.updated_index);
  if (read.ec != std::errc() || read.ptr != end) {
    return AtField(InvalidArgument(ErrorReason("ETAG_INVALID"), "'{}' is no etag", in.etag()),
                   "etag");
  }
  out.index = in.index();
  out.time = From(in.seal_time());
  out.author = in.author();
  return out;
}

void To(const DeploymentRecord& record, v1::Deployment* out) {
  out->set_environment(EnvironmentResource(record.environment));
  out->set_state(static_cast<v1::Deployment::State>(record.state));
  out->set_reason(record.reason);
  out->set_etag(record.Etag());
  if (record.started != Timestamp()) To(record.started, out->mutable_start_time());
  if (record.deployed != Timestamp()) To(record.deployed, out->mutable_deploy_time());
  out->set_index(record.index);
  To(record.time, out->mutable_update_time());
  out->set_author(record.author);
}

absl::StatusOr<DeploymentRecord> From(const v1::Deployment& in) {
  DeploymentRecord out;
  DML_ASSIGN_OR_RETURN(out.environment, EnvironmentAt(in.environment()));
  DML_RETURN_IF_ERROR(ReadEnum(in.state(), DeploymentState::kReviewed, "state", out.state));
  out.reason = in.reason();
  if (in.has_start_time()) out.started = From(in.start_time());
  if (in.has_deploy_time()) out.deployed = From(in.deploy_time());
  out.index = in.index();
  out.time = From(in.update_time());
  out.author = in.author();
  return out;
}

void To(const ReleaseEnvelopeRecord& record, v1::ReleaseEnvelope* out) {
  To(record.envelope.envelope, out->mutable_envelope());
  out->set_predicate_type(record.envelope.predicate_type);
  for (const Digest& id : record.envelope.key_ids) out->add_key_ids(id.ToString());
  if (record.is_approval()) {
    out->set_environment(EnvironmentResource(record.environment));
    out->set_findings(record.findings.ToString());
    To(record.expires, out->mutable_expire_time());
  }
  if (record.is_override()) {
    out->set_environment(EnvironmentResource(record.environment));
    To(record.expires, out->mutable_expire_time());
    for (const std::string& rule : record.rules) out->add_rules(rule);
    out->set_requester(record.requester.ToString());
    out->set_reason(record.reason);
  }
  out->set_index(record.index);
  To(record.time, out->mutable_attach_time());
  out->set_author(record.author);
}

absl::StatusOr<ReleaseEnvelopeRecord> From(const v1::ReleaseEnvelope& in) {
  ReleaseEnvelopeRecord out;
  DML_ASSIGN_OR_RETURN(out.envelope.envelope, From(in.envelope()));
  out.envelope.predicate_type = in.predicate_type();
  for (const std::string& id : in.key_ids()) {
    DML_ASSIGN_OR_RETURN(out.envelope.key_ids.emplace_back(), Digest::Parse(id));
  }
  if (!in.environment().empty()) {
    DML_ASSIGN_OR_RETURN(out.environment, EnvironmentAt(in.environment()));
    out.expires = From(in.expire_time());
    out.rules.assign(in.rules().begin(), in.rules().end());
    out.reason = in.reason();
    DML_ASSIGN_OR_RETURN(out.rules.empty() ? out.findings : out.requester,
                         Digest::Parse(out.rules.empty() ? in.findings() : in.requester()));
  }
  out.index = in.index();
  out.time = From(in.attach_time());
  out.author = in.author();
  return out;
}

}  // namespace dml::wire
