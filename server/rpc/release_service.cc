// Releases: sealed, attested, approved, withdrawn, and where they went.
#include "core/filter/release_filter.h"
#include "core/wire/api_releases.h"
#include "dml/v1/release.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/overrides.h"
#include "storage/library/release_decision.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// What google.protobuf.Timestamp may hold: 0001-01-01 to 9999-12-31.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

absl::StatusOr<std::pair<std::string, std::string>> ReadName(const std::string& name) {
  auto parts = wire::ParseReleaseResource(name);
  if (!parts.ok()) return AtField(parts.status(), "name");
  return parts;
}

absl::StatusOr<std::string> ReadEnvironment(const std::string& name) {
  absl::StatusOr<std::string> environment = wire::ParseResource(name, "environments");
  if (!environment.ok()) return AtField(environment.status(), "environment");
  return environment;
}

// Whoever may do it everywhere that the release goes.
absl::Status MayInAll(const Caller& caller, const std::vector<std::string>& environments) {
  for (const std::string& name : environments) DML_RETURN_IF_ERROR(caller.MayInEnvironment(name));
  return absl::OkStatus();
}

bool SeesAny(const Caller& caller, const std::vector<std::string>& environments) {
  caller.WillSeeEach();
  return std::ranges::any_of(environments, [&](const std::string& name) {
    return caller.Sees(wire::EnvironmentResource(name));
  });
}

// In the order of their digests.
absl::Status FillConfigurations(const Reader& state, v1::GetReleaseResponse& response) {
  DML_ASSIGN_OR_RETURN(const Release release, ParseRelease(response.document()));
  std::map<Digest, BlobRef> named;
  for (const ReleaseItem& item : release.items) {
    if (item.configuration.has_value()) named[item.configuration->digest] = *item.configuration;
  }
  for (const auto& [digest, blob] : named) {
    DML_ASSIGN_OR_RETURN(*response.add_configurations(), ReadMetadata(state, blob));
  }
  return absl::OkStatus();
}

class ReleaseServiceImpl final : public v1::ReleaseService::Service {
 public:
  explicit ReleaseServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status SealRelease(grpc::ServerContext* context, const v1::SealReleaseRequest* request,
                           v1::SealReleaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/SealRelease",
        [&](const Caller& caller) -> absl::Status {
          const absl::StatusOr<Release> release = ParseSealedRelease(request->document());
          if (!release.ok()) {
            caller.WillSeeEach();
            return AtField(release.status(), "document");
          }
          DML_RETURN_IF_ERROR(MayInAll(caller, release->environments));
          DML_RETURN_IF_ERROR(Commit(
              caller, *request, *response, [&](const Reader& state, const TrustDomain& trust) {
                return PrepareSeal(
                    state, trust, request->document(), request->envelope(),
                    {request->configurations().begin(), request->configurations().end()});
              }));
          if (request->validate_only()) return absl::OkStatus();
          return FillRelease({release->name, release->version}, response->mutable_release());
        });
  }

  grpc::Status GetRelease(grpc::ServerContext* context, const v1::GetReleaseRequest* request,
                          v1::GetReleaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/GetRelease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(const ReleaseRecord record,
                               FindFor(*snapshot, caller, name, request->environment()));
          wire::To(record, response->mutable_release());
          DML_ASSIGN_OR_RETURN(*response->mutable_document(),
                               ReadMetadata(*snapshot, record.document));
          LibraryView view(*snapshot);
          DML_ASSIGN_OR_RETURN(const auto deployments, view.DeploymentsOf(record.document.digest));
          for (const DeploymentRecord& item : deployments) {
            wire::To(item, response->add_deployments());
          }
          DML_ASSIGN_OR_RETURN(const auto envelopes, view.ReleaseEnvelopes(record.document.digest));
          for (const ReleaseEnvelopeRecord& item : envelopes) {
            wire::To(item, response->add_envelopes());
          }
          if (!request->with_configurations()) return absl::OkStatus();
          return FillConfigurations(*snapshot, *response);
        });
  }

  grpc::Status ListReleases(grpc::ServerContext* context, const v1::ListReleasesRequest* request,
                            v1::ListReleasesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ReleaseService/ListReleases",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(const Filter filter,
                                         Filter::Parse(request->filter(), ReleaseFilterSchema()));
                    DML_ASSIGN_OR_RETURN(
                        auto found,
                        ListView(*snapshot).Releases(page, [&](const ReleaseRecord& record) {
                          return SeesAny(caller, record.environments) && Matches(filter, record);
                        }));
                    FillItems(found, response->mutable_releases());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status EvaluateRelease(grpc::ServerContext* context,
                               const v1::EvaluateReleaseRequest* request,
                               v1::EvaluateReleaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/EvaluateRelease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
          ReleaseQuestion question;
          DML_ASSIGN_OR_RETURN(question.environment, ReadEnvironment(request->environment()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(question.environment));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(const ReleaseRecord record, Find(*snapshot, name));
          question.release = record.document.digest;
          DML_ASSIGN_OR_RETURN(question.time, TimeOf(*snapshot, *request));
          DML_ASSIGN_OR_RETURN(
              const ReleaseDecision decision,
              EvaluateReleaseGate(*snapshot, context_.trust, *context_.policies, question));
          context_.TellDecision("release", decision.verdict.decision == Decision::kAllow,
                                decision.verdict.findings);
          response->set_document_digest(question.release.ToString());
          return Fill(decision, *request, *response);
        });
  }

  grpc::Status AttachReleaseEvidence(grpc::ServerContext* context,
                                     const v1::AttachReleaseEvidenceRequest* request,
                                     v1::AttachReleaseEvidenceResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ReleaseService/AttachReleaseEvidence",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
                    DML_ASSIGN_OR_RETURN(const Digest release, FindForAll(caller, name));
                    DML_RETURN_IF_ERROR(Commit(caller, *request, *response,
                                               [&](const Reader& state, const TrustDomain& trust) {
                                                 return PrepareReleaseAttestation(
                                                     state, trust, release, request->envelope());
                                               }));
                    return FillRelease(name, response->mutable_release());
                  });
  }

  grpc::Status ApproveRelease(grpc::ServerContext* context,
                              const v1::ApproveReleaseRequest* request,
                              v1::ApproveReleaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/ApproveRelease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
          // Where, the envelope says alone.
          std::string environment;
          DML_RETURN_IF_ERROR(Commit(
              caller, *request, *response,
              [&](const Reader& state, const TrustDomain& trust) -> absl::StatusOr<Command> {
                DML_ASSIGN_OR_RETURN(const ReleaseRecord record, FindFor(state, caller, name, ""));
                DML_ASSIGN_OR_RETURN(
                    Command command,
                    PrepareApproval(state, trust, record.document.digest, request->envelope()));
                environment = std::get<ReleaseApproved>(command.payload).environment;
                DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
                return command;
              }));
          return FillDeployment(name, environment, response->mutable_deployment());
        });
  }

  grpc::Status OverrideRelease(grpc::ServerContext* context,
                               const v1::OverrideReleaseRequest* request,
                               v1::OverrideReleaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/OverrideRelease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
          // Where, the envelope says alone.
          DML_RETURN_IF_ERROR(Commit(
              caller, *request, *response,
              [&](const Reader& state, const TrustDomain& trust) -> absl::StatusOr<Command> {
                DML_ASSIGN_OR_RETURN(const ReleaseRecord record, FindFor(state, caller, name, ""));
                DML_ASSIGN_OR_RETURN(
                    Command command,
                    PrepareOverride(state, trust, record.document.digest, request->envelope()));
                DML_RETURN_IF_ERROR(caller.MayInEnvironment(
                    std::get<ReleaseOverridden>(command.payload).environment));
                return command;
              }));
          return FillRelease(name, response->mutable_release());
        });
  }

  grpc::Status WithdrawRelease(grpc::ServerContext* context,
                               const v1::WithdrawReleaseRequest* request,
                               v1::WithdrawReleaseResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ReleaseService/WithdrawRelease",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
                    DML_ASSIGN_OR_RETURN(const Digest release, FindForAll(caller, name));
                    DML_RETURN_IF_ERROR(
                        Answer(context_, caller, *request, *response,
                               ReleaseWithdrawn{release, request->reason(), request->etag()}));
                    return FillRelease(name, response->mutable_release());
                  });
  }

  grpc::Status RecordDeployment(grpc::ServerContext* context,
                                const v1::RecordDeploymentRequest* request,
                                v1::RecordDeploymentResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ReleaseService/RecordDeployment",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Name name, ReadName(request->name()));
          DML_ASSIGN_OR_RETURN(const std::string environment,
                               ReadEnvironment(request->environment()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          DML_ASSIGN_OR_RETURN(const ReleaseRecord record, Find(*context_.library.Read(), name));
          if (!v1::RecordDeploymentRequest::Event_IsValid(request->event()) ||
              request->event() == v1::RecordDeploymentRequest::EVENT_UNSPECIFIED) {
            return AtField(InvalidArgument(ErrorReason("EVENT_INVALID"), "say what happened"),
                           "event");
          }
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response,
                                     ReleaseMoved{record.document.digest, environment,
                                                  static_cast<DeploymentEvent>(request->event()),
                                                  request->reason(), request->etag()}));
          return FillDeployment(name, environment, response->mutable_deployment());
        });
  }

 private:
  using Name = std::pair<std::string, std::string>;

  static absl::StatusOr<ReleaseRecord> Find(const Reader& state, const Name& name) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindRelease(name.first, name.second));
    if (found.has_value()) return *std::move(found);
    return NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no {}",
                    wire::ReleaseResource(name.first, name.second));
  }

  // One that the caller sees, from an environment (a resource name) or else from any of its own.
  // Permission comes before existence.
  static absl::StatusOr<ReleaseRecord> FindFor(const Reader& state, const Caller& caller,
                                               const Name& name, const std::string& from) {
    absl::StatusOr<ReleaseRecord> record = Find(state, name);
    if (!from.empty()) {
      DML_ASSIGN_OR_RETURN(const std::string environment, ReadEnvironment(from));
      DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
      const bool is_for =
          record.ok() && std::ranges::any_of(record->environments, [&](const std::string& place) {
            return CoversEnvironment(place, environment);
          });
      if (is_for) return record;
    } else if (record.ok() && SeesAny(caller, record->environments)) {
      return record;
    }
    DML_RETURN_IF_ERROR(caller.MayIn(""));
    return record;
  }

  absl::StatusOr<Digest> FindForAll(const Caller& caller, const Name& name) const {
    absl::StatusOr<ReleaseRecord> record = Find(*context_.library.Read(), name);
    if (!record.ok()) {
      DML_RETURN_IF_ERROR(caller.MayIn(""));
      return record.status();
    }
    DML_RETURN_IF_ERROR(MayInAll(caller, record->environments));
    return record->document.digest;
  }

  absl::StatusOr<Timestamp> TimeOf(const Reader& state,
                                   const v1::EvaluateReleaseRequest& request) const {
    if (!request.has_time()) return context_.library.TimeOf(state);
    const int64_t seconds = request.time().seconds();
    if (seconds >= kFirstSecond && seconds <= kLastSecond) return wire::From(request.time());
    return AtField(InvalidArgument(ErrorReason("TIME_INVALID"), "is not in the years 1 to 9999"),
                   "time");
  }

  // Makes the command on a fresh snapshot, again where what it was made on has changed.
  template <typename Request, typename Response, typename PrepareFn>
  absl::Status Commit(const Caller& caller, const Request& request, Response& response,
                      PrepareFn prepare) const {
    return RetryWhereStale([&]() -> absl::Status {
      auto state = context_.library.Read();
      DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
      DML_ASSIGN_OR_RETURN(const auto trust, context_.trust.Get(*state, now));
      DML_ASSIGN_OR_RETURN(Command command, prepare(*state, *trust));
      DML_ASSIGN_OR_RETURN(const Receipt receipt,
                           CommitAs(context_, caller, request.request_id(), request.validate_only(),
                                    std::move(command)));
      To(receipt, response.mutable_receipt());
      return absl::OkStatus();
    });
  }

  absl::Status FillRelease(const Name& name, v1::Release* out) const {
    DML_ASSIGN_OR_RETURN(const ReleaseRecord record, Find(*context_.library.Read(), name));
    wire::To(record, out);
    return absl::OkStatus();
  }

  absl::Status FillDeployment(const Name& name, const std::string& environment,
                              v1::Deployment* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const ReleaseRecord record, Find(*snapshot, name));
    DML_ASSIGN_OR_RETURN(const auto found, LibraryView(*snapshot).FindDeployment(
                                               record.document.digest, environment));
    if (found.has_value()) wire::To(*found, out);
    return absl::OkStatus();
  }

  static absl::Status Fill(const ReleaseDecision& decision,
                           const v1::EvaluateReleaseRequest& request,
                           v1::EvaluateReleaseResponse& out) {
    const std::vector<Finding>& findings = decision.verdict.findings;
    DML_ASSIGN_OR_RETURN(const Slice slice,
                         ReadSlice(request.page_size(), request.page_token(), findings.size()));
    const bool is_allowed = decision.verdict.decision == Decision::kAllow;
    out.set_decision(is_allowed ? v1::DECISION_ALLOW : v1::DECISION_DENY);
    for (size_t i = slice.begin; i < slice.end; ++i) wire::To(findings[i], out.add_findings());
    out.set_next_page_token(slice.next_page_token);
    out.set_finding_count(findings.size());
    out.set_index(decision.index);
    out.set_policy_environment(decision.policy_environment);
    out.set_policy_revision(decision.policy_revision);
    out.set_findings_digest(decision.verdict.findings_digest.ToString());
    out.set_approved_findings(decision.verdict.approved_findings.ToString());
    wire::To(decision.time, out.mutable_time());
    out.set_risk(decision.verdict.risk.total);
    for (const RiskPart& part : decision.verdict.risk.parts) {
      auto* item = out.add_risk_parts();
      item->set_fact(part.fact);
      item->set_count(part.count);
      item->set_points(part.points);
    }
    out.set_node_count(decision.nodes);
    out.set_byte_count(decision.bytes);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReleaseService(const ServiceContext& context) {
  return std::make_unique<ReleaseServiceImpl>(context);
}

}  // namespace dml
