#include "server/rpc/permit_answers.h"

#include <algorithm>

#include "core/wire/api_releases.h"
#include "server/rpc/permit_issue.h"
#include "storage/library/gate_questions.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr int kMaxBatch = 100;
// What google.protobuf.Timestamp may hold: 0001-01-01 to 9999-12-31.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

v1::Decision ToApi(Decision decision) {
  return decision == Decision::kAllow ? v1::DECISION_ALLOW : v1::DECISION_DENY;
}

template <typename Repeated>
void FillShown(const std::vector<Finding>& findings, Repeated* out) {
  for (size_t i = 0; i < std::min(findings.size(), kMaxShownFindings); ++i) {
    wire::To(findings[i], out->Add());
  }
}

// What a request for a permit would come to, by default for a day.
absl::StatusOr<PermitDecision> TryPermit(const ServiceContext& context, const Reader& state,
                                         const Digest& release, const std::string& environment,
                                         Timestamp time) {
  PermitRequest request;
  request.release = release;
  request.environment = environment;
  request.not_before = std::chrono::floor<std::chrono::seconds>(time);
  request.expires = request.not_before + std::chrono::hours(24);
  return DecidePermit(state, ToolsOf(context), request, time);
}

absl::Status AnswerItem(const ServiceContext& context, const Caller& caller, const Reader& state,
                        const v1::BatchEvaluateRequest::Item& item,
                        v1::BatchEvaluateResponse::Item& out) {
  DML_ASSIGN_OR_RETURN(const std::string environment,
                       ReadPermittedEnvironment(caller, item.environment()));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, FindNamedRelease(state, item.release()));
  DML_ASSIGN_OR_RETURN(Timestamp time, context.library.TimeOf(state));
  if (item.has_time()) {
    DML_ASSIGN_OR_RETURN(time, ReadTimeField(item.time(), "time"));
  }
  DML_ASSIGN_OR_RETURN(const PermitDecision decision,
                       TryPermit(context, state, release.document.digest, environment, time));
  out.set_decision(decision.allowed ? v1::DECISION_ALLOW : v1::DECISION_DENY);
  for (const RuleCount& error : decision.decided().errors) {
    v1::RuleCount* count = out.add_errors();
    count->set_rule(error.rule);
    count->set_count(error.count);
  }
  out.set_finding_count(decision.findings.size());
  out.set_findings_digest(decision.findings_digest.ToString());
  wire::To(time, out.mutable_time());
  return absl::OkStatus();
}

// The question that a denial answered, or that the request asks itself.
absl::StatusOr<ReleaseQuestion> ReadQuestion(const ServiceContext& context, const Caller& caller,
                                             const Reader& state,
                                             const v1::ExplainDenialRequest& request,
                                             std::vector<Finding>& logged) {
  ReleaseQuestion out;
  if (!request.permit().empty()) {
    absl::StatusOr<std::string> id = wire::ParsePermitResource(request.permit());
    if (!id.ok()) return AtField(id.status(), "permit");
    DML_ASSIGN_OR_RETURN(const auto permit, LibraryView(state).FindPermit(*id));
    if (!permit.has_value()) {
      DML_RETURN_IF_ERROR(caller.MayIn(""));
      return NotFound(ErrorReason("PERMIT_NOT_FOUND"), "no permit {}", *id);
    }
    DML_RETURN_IF_ERROR(caller.MayInEnvironment(permit->decided.environment));
    out.release = permit->decided.release;
    out.environment = permit->decided.environment;
    // The facts are those of now; the time is that of the decision, or of the request.
    out.time = permit->time;
    DML_ASSIGN_OR_RETURN(logged, FindingsOf(state, permit->decided));
  } else {
    DML_ASSIGN_OR_RETURN(out.environment, ReadPermittedEnvironment(caller, request.environment()));
    DML_ASSIGN_OR_RETURN(const ReleaseRecord release, FindNamedRelease(state, request.release()));
    out.release = release.document.digest;
    DML_ASSIGN_OR_RETURN(out.time, context.library.TimeOf(state));
  }
  if (request.has_time()) {
    DML_ASSIGN_OR_RETURN(out.time, ReadTimeField(request.time(), "time"));
  }
  return out;
}

}  // namespace

absl::StatusOr<Timestamp> ReadTimeField(const google::protobuf::Timestamp& in,
                                        std::string_view field) {
  if (in.seconds() >= kFirstSecond && in.seconds() <= kLastSecond) return wire::From(in);
  return AtField(InvalidArgument(ErrorReason("TIME_INVALID"), "is not in the years 1 to 9999"),
                 field);
}

absl::StatusOr<ReleaseRecord> FindNamedRelease(const Reader& state, const std::string& name) {
  const auto parts = wire::ParseReleaseResource(name);
  if (!parts.ok()) return AtField(parts.status(), "release");
  DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindRelease(parts->first, parts->second));
  if (found.has_value()) return *std::move(found);
  return AtField(NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no {}", name), "release");
}

absl::StatusOr<std::string> ReadPermittedEnvironment(const Caller& caller,
                                                     const std::string& name) {
  absl::StatusOr<std::string> environment = wire::ParseResource(name, "environments");
  if (!environment.ok()) {
    caller.WillSeeEach();
    return AtField(environment.status(), "environment");
  }
  DML_RETURN_IF_ERROR(caller.MayInEnvironment(*environment));
  return environment;
}

absl::Status FillPermit(const Reader& state, const PermitRecord& record, Timestamp now,
                        v1::Permit* out) {
  DML_ASSIGN_OR_RETURN(const auto release, LibraryView(state).FindRelease(record.decided.release));
  wire::To(
      record,
      release.has_value() ? wire::ReleaseResource(release->name, release->version) : std::string(),
      now, out);
  return absl::OkStatus();
}

absl::Status AnswerBatch(const ServiceContext& context, const Caller& caller,
                         const v1::BatchEvaluateRequest& request,
                         v1::BatchEvaluateResponse& response) {
  caller.WillSeeEach();
  if (request.items_size() > kMaxBatch) {
    return AtField(InvalidArgument(ErrorReason("BATCH_TOO_LARGE"), "{} questions; at most {}",
                                   request.items_size(), kMaxBatch),
                   "items");
  }
  const auto state = context.library.Read();
  DML_ASSIGN_OR_RETURN(const uint64_t index, JournalView(*state).Size());
  response.set_index(index);
  for (const auto& item : request.items()) {
    v1::BatchEvaluateResponse::Item* out = response.add_items();
    const absl::Status status = AnswerItem(context, caller, *state, item, *out);
    if (status.ok()) continue;
    if (absl::IsDataLoss(status) || absl::IsUnavailable(status)) return status;
    out->Clear();
    out->set_error(std::string(Reason(status)));
    out->set_error_message(std::string(Message(status)));
  }
  return absl::OkStatus();
}

absl::Status AnswerWhatIf(const ServiceContext& context, const Caller& caller,
                          const v1::WhatIfRequest& request, v1::WhatIfResponse& response) {
  DML_ASSIGN_OR_RETURN(const std::string environment,
                       ReadPermittedEnvironment(caller, request.environment()));
  const auto state = context.library.Read();
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, FindNamedRelease(*state, request.release()));
  ReleaseQuestion question;
  question.release = release.document.digest;
  question.environment = environment;
  DML_ASSIGN_OR_RETURN(question.time, context.library.TimeOf(*state));
  Otherwise otherwise{request.document(), request.policy(), std::nullopt};
  if (request.has_time()) {
    DML_ASSIGN_OR_RETURN(otherwise.time, ReadTimeField(request.time(), "time"));
  }
  DML_ASSIGN_OR_RETURN(
      const Difference difference,
      CompareDecisions(*state, context.trust, *context.policies, question, otherwise));
  response.set_before(ToApi(difference.before.verdict.decision));
  response.set_after(ToApi(difference.after.verdict.decision));
  const std::vector<Finding>& findings = difference.after.verdict.findings;
  FillShown(difference.gone, response.mutable_gone());
  FillShown(difference.added, response.mutable_added());
  FillShown(findings, response.mutable_findings());
  response.set_gone_count(difference.gone.size());
  response.set_added_count(difference.added.size());
  response.set_finding_count(findings.size());
  response.set_index(difference.after.index);
  wire::To(difference.after.time, response.mutable_time());
  return absl::OkStatus();
}

absl::Status AnswerExplain(const ServiceContext& context, const Caller& caller,
                           const v1::ExplainDenialRequest& request,
                           v1::ExplainDenialResponse& response) {
  const auto state = context.library.Read();
  std::vector<Finding> logged;
  DML_ASSIGN_OR_RETURN(const ReleaseQuestion question,
                       ReadQuestion(context, caller, *state, request, logged));
  if (request.rule().empty()) {
    return AtField(InvalidArgument(ErrorReason("RULE_REQUIRED"),
                                   "say which finding: the rule, and the subject where there are "
                                   "several of it"),
                   "rule");
  }
  DML_ASSIGN_OR_RETURN(const Explanation explanation,
                       ExplainFinding(*state, context.trust, *context.policies, question,
                                      request.rule(), request.subject(), logged));
  wire::To(explanation.finding, response.mutable_finding());
  response.set_rule_says(explanation.rule_says);
  for (const auto& [name, value] : explanation.facts) {
    auto* fact = response.add_facts();
    fact->set_name(name);
    fact->set_value(value);
  }
  for (const std::string& change : explanation.changes) response.add_changes(change);
  if (explanation.gone_by.has_value()) {
    wire::To(*explanation.gone_by, response.mutable_gone_by());
  }
  response.set_other_errors(explanation.other_errors);
  response.set_index(explanation.index);
  return absl::OkStatus();
}

}  // namespace dml
