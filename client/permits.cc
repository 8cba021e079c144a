#include "client/permits.h"

#include "client/calls.h"
#include "core/evidence/permit_bundle.h"
#include "core/wire/api_permits.h"
#include "core/wire/api_releases.h"
#include "core/wire/api_seats.h"
#include "dml/v1/permit.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::PermitService::Stub;

constexpr int kFindingsPerPage = 1000;

std::string ResourceOf(const ReleaseName& name) {
  return wire::ReleaseResource(name.name, name.version);
}

absl::StatusOr<PermitStanding> Read(const v1::Permit& in) {
  PermitStanding out;
  DML_ASSIGN_OR_RETURN(out.record, Answered(wire::From(in)));
  if (in.state() < v1::Permit::STATE_DENIED || in.state() > v1::Permit::STATE_REVOKED) {
    return BadAnswer("a permit has a state that is not known");
  }
  out.state = static_cast<PermitState>(in.state());
  out.release = in.release();
  return out;
}

template <typename Repeated>
std::vector<Finding> Findings(const Repeated& in) {
  std::vector<Finding> out;
  for (const v1::Finding& finding : in) out.push_back(wire::From(finding));
  return out;
}

// What the log says of a permit is what the answer says.
absl::Status CheckLogged(const PermitDecided& logged, const PermitDecided& told) {
  if (logged.id == told.id && logged.allowed == told.allowed && logged.release == told.release &&
      logged.environment == told.environment && logged.nodes == told.nodes &&
      logged.permit == told.permit && logged.expires == told.expires) {
    return absl::OkStatus();
  }
  return DataLoss(ErrorReason("RECEIPT_INVALID"),
                  "the log has another decision than the answer: {}; ask the library's operator",
                  EntrySummary(logged));
}

v1::IssuePermitRequest RequestOf(const PermitWish& wish) {
  v1::IssuePermitRequest out;
  out.set_release(ResourceOf(wish.release));
  out.set_environment(wire::EnvironmentResource(wish.environment));
  for (const std::string& node : wish.nodes) out.add_nodes(node);
  wire::To(wish.node_labels, out.mutable_node_labels());
  if (wish.not_before.has_value()) wire::To(*wish.not_before, out.mutable_not_before_time());
  if (wish.expires.has_value()) wire::To(*wish.expires, out.mutable_expire_time());
  out.set_max_revocation_age_seconds(static_cast<uint64_t>(wish.max_revocation_age.count()));
  for (const SeatRequest& item : wish.seats) wire::To(item, out.add_seats());
  return out;
}

}  // namespace

absl::StatusOr<Committed<PermitAnswer>> PermitClient::Issue(const PermitWish& wish,
                                                            const MutationOptions& options) {
  DML_ASSIGN_OR_RETURN(auto done, Mutate<PermitDecided>(client_.connection(), &Calls::IssuePermit,
                                                        RequestOf(wish), options));
  Committed<PermitAnswer> out;
  out.commit = std::move(done.commit);
  DML_ASSIGN_OR_RETURN(out.value.permit, Read(done.response.permit()));
  if (!options.validate_only) {
    DML_RETURN_IF_ERROR(CheckLogged(done.payload, out.value.permit.record.decided));
  }
  out.value.findings = Findings(done.response.findings());
  out.value.finding_count = done.response.finding_count();
  if (done.response.has_back_out()) {
    DML_ASSIGN_OR_RETURN(out.value.back_out, Read(done.response.back_out()));
  }
  return out;
}

absl::StatusOr<PermitDetails> PermitClient::Get(const std::string& id) {
  v1::GetPermitRequest request;
  request.set_name(wire::PermitResource(id));
  request.set_page_size(kFindingsPerPage);
  PermitDetails out;
  do {
    DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::GetPermit, request));
    if (request.page_token().empty()) {
      DML_ASSIGN_OR_RETURN(out.permit, Read(response.permit()));
      out.statement = response.statement();
      for (const v1::PermitUse& use : response.uses()) {
        DML_ASSIGN_OR_RETURN(PermitUseRecord record, Answered(wire::From(use)));
        record.used.id = id;
        out.uses.push_back(std::move(record));
      }
    }
    for (const v1::Finding& finding : response.findings()) {
      out.findings.push_back(wire::From(finding));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  const BlobRef& statement = out.permit.record.decided.permit;
  if (statement.size > 0) {
    DML_RETURN_IF_ERROR(CheckBytes("permit statement", out.statement, statement));
  }
  return out;
}

absl::StatusOr<ListPage<PermitStanding>> PermitClient::List(const PermitFilter& filter,
                                                            const ListOptions& options) {
  v1::ListPermitsRequest request;
  request.set_environment(wire::EnvironmentResource(filter.environment));
  if (filter.release.has_value()) request.set_release(ResourceOf(*filter.release));
  request.set_node(filter.node);
  request.set_only_valid(filter.only_valid);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListPermits, request));
  return ReadPageBy<PermitStanding>(response.permits(), response.next_page_token(),
                                    [](const auto& item) { return Read(item); });
}

absl::StatusOr<std::string> PermitClient::Bundle(const std::string& id,
                                                 const std::vector<uint64_t>& history_sizes,
                                                 uint64_t after_root) {
  v1::GetPermitBundleRequest request;
  request.set_name(wire::PermitResource(id));
  for (const uint64_t size : history_sizes) request.add_history_sizes(size);
  request.set_after_root(after_root);
  Connection& connection = client_.connection();
  // Before anything is believed, that it is the library that is meant.
  DML_RETURN_IF_ERROR(connection.FetchCheckpoint().status());
  Calls stub(connection.channel());
  Backoff backoff = connection.NewBackoff(connection.channel());
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + connection.options().unary_timeout);
    const auto stream = stub.GetPermitBundle(&context, request);
    std::string text;
    v1::GetPermitBundleResponse part;
    while (stream->Read(&part)) {
      if (text.size() + part.data().size() > kMaxPermitBundleBytes) {
        context.TryCancel();
        return BadAnswer("a permit bundle is larger than any may be");
      }
      text += part.data();
    }
    const absl::Status status = connection.Received(stream->Finish());
    if (status.ok()) return text;
    if (!backoff.WaitAfter(status)) return status;
  }
}

absl::StatusOr<Committed<PermitStanding>> PermitClient::Revoke(const std::string& id,
                                                               const std::string& reason,
                                                               const MutationOptions& options) {
  v1::RevokePermitRequest request;
  request.set_name(wire::PermitResource(id));
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<PermitRevoked>(client_.connection(), &Calls::RevokePermit,
                                                        std::move(request), options));
  Committed<PermitStanding> out;
  out.commit = std::move(done.commit);
  DML_ASSIGN_OR_RETURN(out.value, Read(done.response.permit()));
  return out;
}

absl::StatusOr<RevocationAnswer> PermitClient::Revocations() {
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::GetRevocationList,
                                                                v1::GetRevocationListRequest()));
  return RevocationAnswer{response.envelope(), response.number(), wire::From(response.time())};
}

absl::StatusOr<Committed<PermitStanding>> PermitClient::Use(
    const std::string& id, const std::string& node, const std::vector<VariantName>& baseline,
    const MutationOptions& options) {
  v1::UsePermitRequest request;
  request.set_name(wire::PermitResource(id));
  request.set_node(node);
  for (const VariantName& variant : baseline) request.add_baseline(variant.ResourceName());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<PermitUsed>(client_.connection(), &Calls::UsePermit,
                                                     std::move(request), options));
  Committed<PermitStanding> out;
  out.commit = std::move(done.commit);
  DML_ASSIGN_OR_RETURN(out.value, Read(done.response.permit()));
  return out;
}

absl::StatusOr<std::string> PermitClient::ReadDocument(const std::string& id,
                                                       const Digest& digest) {
  v1::ReadPermitDocumentRequest request;
  request.set_name(wire::PermitResource(id));
  request.set_digest(digest.ToString());
  DML_ASSIGN_OR_RETURN(auto response,
                       client_.connection().Call(&Calls::ReadPermitDocument, request));
  DML_RETURN_IF_ERROR(CheckBytes("document", response.data(), {digest, response.data().size()}));
  return std::move(*response.mutable_data());
}

absl::StatusOr<std::vector<BatchAnswer>> PermitClient::Evaluate(
    const std::vector<BatchItem>& items) {
  v1::BatchEvaluateRequest request;
  for (const BatchItem& item : items) {
    auto* out = request.add_items();
    out->set_release(ResourceOf(item.release));
    out->set_environment(wire::EnvironmentResource(item.environment));
    if (item.time.has_value()) wire::To(*item.time, out->mutable_time());
  }
  DML_ASSIGN_OR_RETURN(auto response, Ask(client_.connection(), &Calls::BatchEvaluate, request,
                                          [](const auto& answer) { return answer.index(); }));
  if (response.items_size() != request.items_size()) {
    return BadAnswer("there are not as many answers as questions");
  }
  std::vector<BatchAnswer> out;
  for (const auto& item : response.items()) {
    BatchAnswer& answer = out.emplace_back();
    answer.allowed = item.decision() == v1::DECISION_ALLOW;
    for (const v1::RuleCount& error : item.errors()) {
      answer.errors.push_back({error.rule(), error.count()});
    }
    answer.finding_count = item.finding_count();
    answer.findings_digest = item.findings_digest();
    answer.error = item.error();
    answer.error_message = item.error_message();
  }
  return out;
}

absl::StatusOr<WhatIfAnswer> PermitClient::WhatIf(const ReleaseName& release,
                                                  const std::string& environment,
                                                  const std::string& document,
                                                  const std::string& policy,
                                                  std::optional<Timestamp> time) {
  v1::WhatIfRequest request;
  request.set_release(ResourceOf(release));
  request.set_environment(wire::EnvironmentResource(environment));
  request.set_document(document);
  request.set_policy(policy);
  if (time.has_value()) wire::To(*time, request.mutable_time());
  DML_ASSIGN_OR_RETURN(auto response, Ask(client_.connection(), &Calls::WhatIf, request,
                                          [](const auto& answer) { return answer.index(); }));
  return WhatIfAnswer{response.before() == v1::DECISION_ALLOW,
                      response.after() == v1::DECISION_ALLOW,
                      Findings(response.gone()),
                      Findings(response.added()),
                      Findings(response.findings()),
                      response.index(),
                      wire::From(response.time())};
}

absl::StatusOr<ExplainAnswer> PermitClient::Explain(const ExplainQuestion& question) {
  v1::ExplainDenialRequest request;
  if (!question.permit.empty()) {
    request.set_permit(wire::PermitResource(question.permit));
  } else {
    request.set_release(ResourceOf(question.release));
    request.set_environment(wire::EnvironmentResource(question.environment));
  }
  if (question.time.has_value()) wire::To(*question.time, request.mutable_time());
  request.set_rule(question.rule);
  request.set_subject(question.subject);
  DML_ASSIGN_OR_RETURN(auto response, Ask(client_.connection(), &Calls::ExplainDenial, request,
                                          [](const auto& answer) { return answer.index(); }));
  ExplainAnswer out;
  out.finding = wire::From(response.finding());
  out.rule_says = response.rule_says();
  for (const auto& fact : response.facts()) out.facts.emplace_back(fact.name(), fact.value());
  out.changes.assign(response.changes().begin(), response.changes().end());
  if (response.has_gone_by()) out.gone_by = wire::From(response.gone_by());
  out.other_errors = response.other_errors();
  out.index = response.index();
  return out;
}

}  // namespace dml
