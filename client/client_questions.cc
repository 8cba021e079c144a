// Licenses, compatibility and the gate.
#include <algorithm>

#include "client/calls.h"
#include "client/client.h"
#include "client/relation_request.h"
#include "core/wire/api_licenses.h"
#include "dml/v1/compatibility.grpc.pb.h"
#include "dml/v1/gate.grpc.pb.h"
#include "dml/v1/license.grpc.pb.h"

namespace dml {
namespace {

using Compatibility = v1::CompatibilityService::Stub;
using Gate = v1::GateService::Stub;
using Licenses = v1::LicenseService::Stub;

constexpr int kFindingsPage = 1000;
constexpr uint64_t kMaxFindings = 1'000'000;
constexpr int kMaxAnswers = 5;

// The journal size that an answer was given at.
constexpr auto kIndexOf = [](const auto& response) { return response.index(); };

absl::StatusOr<LicenseAnswer> AskLicense(Connection& connection, v1::EvaluateLicenseRequest request,
                                         const std::string& environment,
                                         const std::string& policy_document) {
  if (environment.empty() == policy_document.empty()) {
    return InvalidArgument(ErrorReason("POLICY_AMBIGUOUS"),
                           "name an environment or give a policy document, exactly one of them");
  }
  if (environment.empty()) {
    request.set_policy_document(policy_document);
  } else {
    request.set_environment(wire::EnvironmentResource(environment));
  }
  DML_ASSIGN_OR_RETURN(auto response,
                       Ask(connection, &Licenses::EvaluateLicense, request, kIndexOf));
  LicenseAnswer out;
  DML_ASSIGN_OR_RETURN(out.outcome, Answered(wire::From(response.outcome())));
  out.expression = response.expression();
  out.chosen = response.chosen();
  for (const v1::LicenseReason& reason : response.reasons()) {
    DML_ASSIGN_OR_RETURN(LicenseReason read, Answered(wire::From(reason)));
    out.reasons.push_back(std::move(read));
  }
  out.obligations.assign(response.obligations().begin(), response.obligations().end());
  DML_ASSIGN_OR_RETURN(out.context, Answered(wire::From(response.context())));
  for (const v1::Finding& finding : response.findings()) {
    out.findings.push_back(wire::From(finding));
  }
  out.license_list_version = response.license_list_version();
  out.license_properties_version = response.license_properties_version();
  out.policy_revision = response.policy_revision();
  out.declared = response.declared();
  for (const v1::ObservedLicense& observed : response.observed()) {
    out.observed.push_back({observed.source(),
                            observed.expression(),
                            observed.ambiguous(),
                            {observed.unread().begin(), observed.unread().end()},
                            observed.fault()});
  }
  out.concluded = response.concluded().expression();
  out.concluded_by = response.concluded().author();
  out.concluded_reason = response.concluded().reason();
  return out;
}

// The findings of a paged answer, as far as they have come.
struct Findings {
  std::vector<Finding> all;
  bool complete = false;
  bool changed = false;  // The pages are not of one answer.
};

// Takes a page; `same` tells whether its facts are those of the first page.
template <typename Items>
absl::Status AddFindings(const Items& items, uint64_t count, const std::string& next_page_token,
                         bool same, Findings& out) {
  if (!same) {
    out.changed = true;
    return absl::OkStatus();
  }
  for (const v1::Finding& finding : items) out.all.push_back(wire::From(finding));
  out.complete = next_page_token.empty();
  bool stuck = items.empty() && !out.complete;
  if (stuck || count > kMaxFindings || out.all.size() > count ||
      (out.complete && out.all.size() != count)) {
    return BadAnswer(fmt::format("{} findings were announced, {} came", count, out.all.size()));
  }
  return absl::OkStatus();
}

// Fetches all pages of one answer; nullopt where the library changed between two pages.
template <typename Stub, typename Request, typename Response, typename ItemsOf, typename CountOf,
          typename FactsOf>
absl::StatusOr<std::optional<std::pair<Response, std::vector<Finding>>>> FetchFindings(
    Connection& connection,
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
    const ItemsOf& items_of, const CountOf& count_of, const FactsOf& facts_of) {
  Findings findings;
  std::optional<Response> first;
  request.set_page_size(kFindingsPage);
  while (!findings.complete) {
    DML_ASSIGN_OR_RETURN(Response response, Ask(connection, method, request, kIndexOf));
    if (!first.has_value()) first = response;
    DML_RETURN_IF_ERROR(AddFindings(items_of(response), count_of(response),
                                    response.next_page_token(),
                                    facts_of(response) == facts_of(*first), findings));
    if (findings.changed) return std::optional<std::pair<Response, std::vector<Finding>>>();
    request.set_page_token(response.next_page_token());
  }
  return std::optional(std::pair(*std::move(first), std::move(findings.all)));
}

absl::Status AnswerChanged() {
  return Aborted(ErrorReason("ANSWER_CHANGED"),
                 "the library changed while its answer was being read, {} times; ask again",
                 kMaxAnswers);
}

absl::StatusOr<CompatibilityAnswer> ReadCompatibility(const v1::CheckSetResponse& response,
                                                      std::vector<Finding> violations) {
  CompatibilityAnswer out;
  switch (response.outcome()) {
    case v1::COMPATIBILITY_OUTCOME_COMPATIBLE:
      out.outcome = CompatibilityOutcome::kCompatible;
      break;
    case v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE:
      out.outcome = CompatibilityOutcome::kIncompatible;
      break;
    case v1::COMPATIBILITY_OUTCOME_NOT_PROVEN:
      out.outcome = CompatibilityOutcome::kNotProven;
      break;
    default:
      return BadAnswer("the compatibility outcome is unknown");
  }
  out.violations = std::move(violations);
  out.index = response.index();
  return out;
}

absl::StatusOr<GateAnswer> ReadDecision(const v1::EvaluateResponse& response,
                                        std::vector<Finding> findings) {
  GateAnswer out;
  if (response.decision() != v1::DECISION_ALLOW && response.decision() != v1::DECISION_DENY) {
    return BadAnswer("the decision is neither ALLOW nor DENY");
  }
  out.allowed = response.decision() == v1::DECISION_ALLOW;
  for (const Finding& finding : findings) {
    if (out.allowed && finding.severity == Severity::kError) {
      return BadAnswer(fmt::format("the decision is ALLOW in spite of the finding {}: {}",
                                   finding.rule, finding.message));
    }
  }
  out.findings = std::move(findings);
  out.index = response.index();
  out.policy_environment = response.policy_environment();
  out.policy_revision = response.policy_revision();
  out.license_list_version = response.license_list_version();
  out.findings_digest = response.findings_digest();
  return out;
}

}  // namespace

absl::StatusOr<LicenseAnswer> Client::EvaluateLicense(const std::string& expression,
                                                      const std::string& environment,
                                                      const std::string& policy_document) {
  v1::EvaluateLicenseRequest request;
  request.set_expression(expression);
  return AskLicense(connection(), std::move(request), environment, policy_document);
}

absl::StatusOr<LicenseAnswer> Client::EvaluateVariantLicense(const VariantName& name,
                                                             const std::string& environment,
                                                             const std::string& policy_document) {
  v1::EvaluateLicenseRequest request;
  request.set_variant(name.ResourceName());
  return AskLicense(connection(), std::move(request), environment, policy_document);
}

absl::StatusOr<CompatibilityAnswer> Client::CheckSet(const std::vector<VariantName>& variants) {
  v1::CheckSetRequest request;
  for (const VariantName& name : variants) request.add_variants(name.ResourceName());
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(auto answer,
                         FetchFindings(
                             connection(), &Compatibility::CheckSet, request,
                             [](const v1::CheckSetResponse& r) { return r.violations(); },
                             [](const v1::CheckSetResponse& r) { return r.violation_count(); },
                             [](const v1::CheckSetResponse& r) {
                               return std::tuple(r.outcome(), r.violation_count(), r.index());
                             }));
    if (answer.has_value()) return ReadCompatibility(answer->first, std::move(answer->second));
  }
  return AnswerChanged();
}

absl::StatusOr<ListPage<RelationUse>> Client::WhoRequires(RelationKind kind,
                                                          const std::string& name,
                                                          const std::string& version,
                                                          const ListOptions& options) {
  v1::WhoRequiresRequest request;
  request.set_name(name);
  request.set_kind(std::string(RelationKindName(kind)));
  DML_RETURN_IF_ERROR(SetVersions(version, request));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Compatibility::WhoRequires, request));
  return ReadMatches(response.matches(), response.next_page_token());
}

absl::StatusOr<ListPage<RelationUse>> Client::WhoProvides(RelationKind kind,
                                                          const std::string& name,
                                                          const ListOptions& options) {
  v1::WhoProvidesRequest request;
  request.set_name(name);
  request.set_kind(std::string(RelationKindName(kind)));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Compatibility::WhoProvides, request));
  return ReadMatches(response.matches(), response.next_page_token());
}

absl::StatusOr<GateAnswer> Client::Evaluate(const std::vector<VariantName>& variants,
                                            const std::string& environment) {
  v1::EvaluateRequest request;
  for (const VariantName& name : variants) request.add_variants(name.ResourceName());
  request.set_environment(wire::EnvironmentResource(environment));
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(auto answer,
                         FetchFindings(
                             connection(), &Gate::Evaluate, request,
                             [](const v1::EvaluateResponse& r) { return r.findings(); },
                             [](const v1::EvaluateResponse& r) { return r.finding_count(); },
                             [](const v1::EvaluateResponse& r) {
                               return std::tuple(r.decision(), r.finding_count(), r.index(),
                                                 r.findings_digest());
                             }));
    if (answer.has_value()) return ReadDecision(answer->first, std::move(answer->second));
  }
  return AnswerChanged();
}

}  // namespace dml
