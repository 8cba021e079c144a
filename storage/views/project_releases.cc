// What entries about releases mean for the views.
#include "core/release/release.h"
#include "core/rules/releases.h"
#include "storage/views/application.h"
#include "storage/views/release_keys.h"

namespace dml {

void Application::PutRelease(ReleaseRecord record) {
  record.updated_index = entry_.index;
  const std::string bytes = wire::Encode(record);
  Put(view_keys::Release(record.document.digest), bytes);
  Put(view_keys::ReleaseName(record.name, record.version), bytes);
  Stamp(ReleaseStamp(record.document.digest));
}

void Application::PutDeployment(DeploymentRecord record) {
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  const std::string bytes = wire::Encode(record);
  Put(view_keys::Deployment(record.release, record.environment), bytes);
  Put(view_keys::DeploymentIn(record.environment, record.release), bytes);
  Stamp(EnvironmentStamp(record.environment));
}

void Application::PutEnvelope(ReleaseEnvelopeRecord record, ReleaseRecord& release) {
  ++release.envelope_count;
  record.release = release.document.digest;
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  Put(view_keys::ReleaseEnvelope(record.release, record.envelope.envelope.digest),
      wire::Encode(record));
}

absl::StatusOr<ReleaseRecord> Application::ExistingRelease(const Digest& document) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindRelease(document));
  if (!found.has_value()) return Broken("a release that is not sealed");
  return *std::move(found);
}

absl::Status Application::operator()(const ReleaseSealed& p) {
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(metadata_, p.document));
  DML_ASSIGN_OR_RETURN(const Release release, ParseRelease(bytes));
  ReleaseRecord record;
  record.document = p.document;
  record.name = p.name;
  record.version = p.version;
  record.type = release.type;
  record.environments = p.environments;
  record.required_evidence = release.evidence;
  record.index = entry_.index;
  record.time = entry_.time;
  record.author = entry_.author;
  PutEnvelope({.envelope = p.seal}, record);
  PutRelease(std::move(record));
  return absl::OkStatus();
}

absl::Status Application::operator()(const ReleaseAttested& p) {
  DML_ASSIGN_OR_RETURN(ReleaseRecord before, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(ReleaseRecord record,
                       AfterAttestation(std::move(before), p.attestation.predicate_type));
  PutEnvelope({.envelope = p.attestation}, record);
  PutRelease(std::move(record));
  return absl::OkStatus();
}

absl::Status Application::operator()(const ReleaseApproved& p) {
  DML_ASSIGN_OR_RETURN(ReleaseRecord record, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(p.release, p.environment));
  if (!deployment.has_value() || deployment->state == DeploymentState::kNone) {
    DML_ASSIGN_OR_RETURN(DeploymentRecord after,
                         AfterEvent(std::move(deployment), record, p.environment,
                                    DeploymentEvent::kApprove, entry_.time));
    PutDeployment(std::move(after));
  }
  PutEnvelope({.envelope = p.approval,
               .environment = p.environment,
               .findings = p.findings,
               .expires = p.expires},
              record);
  PutRelease(std::move(record));
  return absl::OkStatus();
}

absl::Status Application::operator()(const ReleaseWithdrawn& p) {
  DML_ASSIGN_OR_RETURN(ReleaseRecord record, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(record.state, StateAfter(record.state, ReleaseEvent::kWithdraw));
  record.withdraw_reason = p.reason;
  PutRelease(std::move(record));
  return absl::OkStatus();
}

absl::Status Application::operator()(const ReleaseMoved& p) {
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, ExistingRelease(p.release));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(p.release, p.environment));
  DML_ASSIGN_OR_RETURN(DeploymentRecord after, AfterEvent(std::move(deployment), release,
                                                          p.environment, p.event, entry_.time));
  if (!p.reason.empty()) after.reason = p.reason;
  PutDeployment(std::move(after));
  return absl::OkStatus();
}

}  // namespace dml
