#include "client/releases.h"

#include "client/calls.h"
#include "core/wire/api_releases.h"
#include "dml/v1/release.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::ReleaseService::Stub;

constexpr int kFindingsPerPage = 1000;

std::string ResourceOf(const ReleaseName& name) {
  return wire::ReleaseResource(name.name, name.version);
}

// With validate_only there may be nothing to read.
template <typename Done>
absl::StatusOr<Committed<ReleaseRecord>> CommittedRelease(Done done) {
  Committed<ReleaseRecord> out;
  out.commit = std::move(done.commit);
  if (!done.response.has_release()) return out;
  DML_ASSIGN_OR_RETURN(out.value, Answered(wire::From(done.response.release())));
  return out;
}

template <typename Done>
absl::StatusOr<Committed<DeploymentRecord>> CommittedDeployment(Done done) {
  Committed<DeploymentRecord> out;
  out.commit = std::move(done.commit);
  if (!done.response.has_deployment()) return out;
  DML_ASSIGN_OR_RETURN(out.value, Answered(wire::From(done.response.deployment())));
  return out;
}

absl::Status ReadAnswer(const v1::EvaluateReleaseResponse& in, ReleaseAnswer& out) {
  out.allowed = in.decision() == v1::DECISION_ALLOW;
  out.index = in.index();
  out.time = wire::From(in.time());
  out.policy_environment = in.policy_environment();
  out.policy_revision = in.policy_revision();
  out.findings_digest = in.findings_digest();
  DML_ASSIGN_OR_RETURN(out.approved_findings, Answered(Digest::Parse(in.approved_findings())));
  DML_ASSIGN_OR_RETURN(out.document, Answered(Digest::Parse(in.document_digest())));
  out.risk = in.risk();
  out.risk_parts.clear();
  for (const auto& part : in.risk_parts()) out.risk_parts.emplace_back(part.fact(), part.points());
  out.nodes = in.node_count();
  out.bytes = in.byte_count();
  for (const v1::Finding& finding : in.findings()) out.findings.push_back(wire::From(finding));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Committed<ReleaseRecord>> ReleaseClient::Seal(
    const std::string& document, const std::string& envelope,
    const std::vector<std::string>& configurations, const MutationOptions& options) {
  v1::SealReleaseRequest request;
  for (const std::string& one : configurations) request.add_configurations(one);
  request.set_document(document);
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<ReleaseSealed>(client_.connection(), &Calls::SealRelease,
                                                        std::move(request), options));
  return CommittedRelease(std::move(done));
}

absl::StatusOr<ReleaseDetails> ReleaseClient::Get(const ReleaseName& name,
                                                  const std::string& environment,
                                                  WithConfigurations with) {
  v1::GetReleaseRequest request;
  request.set_name(ResourceOf(name));
  request.set_with_configurations(with == WithConfigurations::kYes);
  if (!environment.empty()) request.set_environment(wire::EnvironmentResource(environment));
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::GetRelease, request));
  ReleaseDetails out;
  DML_ASSIGN_OR_RETURN(out.record, Answered(wire::From(response.release())));
  DML_RETURN_IF_ERROR(CheckBytes("release document", response.document(), out.record.document));
  out.document = std::move(*response.mutable_document());
  for (const v1::Deployment& item : response.deployments()) {
    DML_ASSIGN_OR_RETURN(DeploymentRecord record, Answered(wire::From(item)));
    record.release = out.record.document.digest;
    out.deployments.push_back(std::move(record));
  }
  for (const v1::ReleaseEnvelope& item : response.envelopes()) {
    DML_ASSIGN_OR_RETURN(ReleaseEnvelopeRecord record, Answered(wire::From(item)));
    record.release = out.record.document.digest;
    out.envelopes.push_back(std::move(record));
  }
  DML_ASSIGN_OR_RETURN(const Release release, Answered(ParseRelease(out.document)));
  for (std::string& bytes : *response.mutable_configurations()) {
    const Digest digest = Sha256(bytes);
    out.configurations.emplace(digest, std::move(bytes));
  }
  for (const ReleaseItem& item : release.items) {
    if (with == WithConfigurations::kNo || !item.configuration.has_value()) continue;
    const auto found = out.configurations.find(item.configuration->digest);
    DML_RETURN_IF_ERROR(CheckBytes("configuration",
                                   found == out.configurations.end() ? "" : found->second,
                                   *item.configuration));
  }
  return out;
}

absl::StatusOr<ListPage<ReleaseRecord>> ReleaseClient::List(const ListOptions& options) {
  v1::ListReleasesRequest request;
  SetPage(options, request);
  request.set_filter(options.filter);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListReleases, request));
  return ReadPageBy<ReleaseRecord>(response.releases(), response.next_page_token(),
                                   [](const auto& item) { return wire::From(item); });
}

absl::StatusOr<ReleaseAnswer> ReleaseClient::Evaluate(const ReleaseName& name,
                                                      const std::string& environment,
                                                      std::optional<Timestamp> time) {
  v1::EvaluateReleaseRequest request;
  request.set_name(ResourceOf(name));
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_page_size(kFindingsPerPage);
  if (time.has_value()) wire::To(*time, request.mutable_time());
  ReleaseAnswer out;
  do {
    DML_ASSIGN_OR_RETURN(auto response, Ask(client_.connection(), &Calls::EvaluateRelease, request,
                                            [](const auto& answer) { return answer.index(); }));
    const bool is_first = request.page_token().empty();
    if (!is_first && response.findings_digest() != out.findings_digest) {
      return Aborted(ErrorReason("ANSWER_CHANGED"),
                     "the answer changed while it was read; ask again");
    }
    DML_RETURN_IF_ERROR(ReadAnswer(response, out));
    // The time of the first page, so that the others are of the same answer.
    wire::To(out.time, request.mutable_time());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

absl::StatusOr<Committed<ReleaseRecord>> ReleaseClient::Attach(const ReleaseName& name,
                                                               const std::string& envelope,
                                                               const MutationOptions& options) {
  v1::AttachReleaseEvidenceRequest request;
  request.set_name(ResourceOf(name));
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<ReleaseAttested>(client_.connection(), &Calls::AttachReleaseEvidence,
                                               std::move(request), options));
  return CommittedRelease(std::move(done));
}

absl::StatusOr<Committed<DeploymentRecord>> ReleaseClient::Approve(const ReleaseName& name,
                                                                   const std::string& envelope,
                                                                   const MutationOptions& options) {
  v1::ApproveReleaseRequest request;
  request.set_name(ResourceOf(name));
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<ReleaseApproved>(client_.connection(), &Calls::ApproveRelease,
                                               std::move(request), options));
  return CommittedDeployment(std::move(done));
}

absl::StatusOr<Committed<ReleaseRecord>> ReleaseClient::Override(const ReleaseName& name,
                                                                 const std::string& envelope,
                                                                 const MutationOptions& options) {
  v1::OverrideReleaseRequest request;
  request.set_name(ResourceOf(name));
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<ReleaseOverridden>(client_.connection(), &Calls::OverrideRelease,
                                                 std::move(request), options));
  return CommittedRelease(std::move(done));
}

absl::StatusOr<Committed<ReleaseRecord>> ReleaseClient::Withdraw(const ReleaseName& name,
                                                                 const std::string& reason,
                                                                 const std::string& etag,
                                                                 const MutationOptions& options) {
  v1::WithdrawReleaseRequest request;
  request.set_name(ResourceOf(name));
  request.set_reason(reason);
  request.set_etag(etag);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<ReleaseWithdrawn>(client_.connection(), &Calls::WithdrawRelease,
                                                std::move(request), options));
  return CommittedRelease(std::move(done));
}

absl::StatusOr<Committed<DeploymentRecord>> ReleaseClient::Record(
    const ReleaseName& name, const std::string& environment, DeploymentEvent event,
    const std::string& reason, const std::string& etag, const MutationOptions& options) {
  v1::RecordDeploymentRequest request;
  request.set_name(ResourceOf(name));
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_event(static_cast<v1::RecordDeploymentRequest::Event>(event));
  request.set_reason(reason);
  request.set_etag(etag);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<ReleaseMoved>(client_.connection(), &Calls::RecordDeployment,
                                            std::move(request), options));
  return CommittedDeployment(std::move(done));
}

}  // namespace dml
