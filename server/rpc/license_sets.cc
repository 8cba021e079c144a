#include "server/rpc/license_sets.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/license/evidence.h"
#include "core/license/findings.h"
#include "core/wire/api_licenses.h"
#include "core/wire/api_releases.h"
#include "server/rpc/license_questions.h"
#include "server/rpc/service_util.h"
#include "storage/library/decision.h"
#include "storage/library/deployed_items.h"

namespace dml {
namespace {

void Fill(const LicenseConflict& conflict, v1::LicenseConflict* out) {
  const LicenseComparison& verdict = conflict.verdict;
  out->set_outbound_variant(conflict.outbound);
  out->set_inbound_variant(conflict.inbound);
  out->set_outcome(wire::ToApi(verdict.outcome));
  out->set_outbound(verdict.outbound);
  out->set_inbound(verdict.inbound);
  wire::To(verdict.context, out->mutable_context());
  out->set_explanation(verdict.explanation);
  out->set_matrix_version(verdict.source);
}

// Which field says what the question is about.
absl::StatusOr<std::string_view> FieldOf(const LicenseSetSubject& subject) {
  std::vector<std::string_view> given;
  if (!subject.variants.empty()) given.emplace_back("variants");
  if (!subject.release.empty()) given.emplace_back("release");
  if (subject.deployed) given.emplace_back("deployed");
  if (given.empty()) {
    return AtField(InvalidArgument(ErrorReason("SET_EMPTY"),
                                   "give at least one variant, or a release, or ask for what is "
                                   "deployed in an environment"),
                   "variants");
  }
  if (given.size() > 1) {
    return AtField(InvalidArgument(ErrorReason("SET_AMBIGUOUS"), "give {} or {}, not both",
                                   given[0], given[1]),
                   given[1]);
  }
  if (subject.deployed && subject.environment.empty()) {
    return AtField(InvalidArgument(ErrorReason("SET_EMPTY"), "say in which environment"),
                   "environment");
  }
  return given[0];
}

// The variants of a release or an environment.
absl::StatusOr<std::vector<VariantName>> ReadItems(const Caller& caller, const Reader& state,
                                                   const LicenseSetSubject& subject,
                                                   std::string_view field) {
  absl::StatusOr<std::vector<VariantName>> out;
  if (subject.deployed) {
    auto environment = wire::ParseResource(subject.environment, "environments");
    if (!environment.ok()) return AtField(environment.status(), "environment");
    DML_RETURN_IF_ERROR(caller.MayInEnvironment(*environment));
    out = ItemsInEnvironment(state, *environment);
  } else {
    const auto release = wire::ParseReleaseResource(subject.release);
    if (!release.ok()) return AtField(release.status(), field);
    out = ItemsOfRelease(state, release->first, release->second);
    // Missing and forbidden look alike.
    if (absl::IsNotFound(out.status())) DML_RETURN_IF_ERROR(caller.MayIn(""));
  }
  if (!out.ok()) return AtField(out.status(), field);
  return out;
}

// Of a policy, over all of its parts.
LicenseOutcome WorstVerdict(const std::vector<VariantLicense>& variants) {
  LicenseOutcome out = LicenseOutcome::kAllow;
  for (const VariantLicense& variant : variants) {
    if (variant.verdict.has_value()) out = std::max(out, variant.verdict->outcome);
  }
  return out;
}

// Conflicts with their findings, then what the policy finds of each license, and what is doubtful
// of the licenses themselves.
std::vector<v1::LicenseSetFinding> AllFindings(const SetCompatibility& check,
                                               const std::vector<VariantLicense>& variants,
                                               const LicenseList& list) {
  std::vector<v1::LicenseSetFinding> out;
  const std::vector<Finding> findings = check.Findings();
  for (size_t i = 0; i < findings.size(); ++i) {
    v1::LicenseSetFinding& item = out.emplace_back();
    wire::To(findings[i], item.mutable_finding());
    Fill(check.conflicts[i], item.mutable_conflict());
  }
  for (const VariantLicense& variant : variants) {
    if (!variant.verdict.has_value()) continue;
    for (const Finding& finding :
         LicenseFindings(*variant.verdict, variant.name.ResourceName(), list)) {
      wire::To(finding, out.emplace_back().mutable_finding());
    }
  }
  for (const VariantLicense& variant : variants) {
    for (const Finding& finding : EvidenceFindings(variant.evidence, variant.name.ResourceName())) {
      wire::To(finding, out.emplace_back().mutable_finding());
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<VariantName>> ReadLicenseSet(const Caller& caller, const Reader& state,
                                                        const LicenseSetSubject& subject) {
  DML_ASSIGN_OR_RETURN(const std::string_view field, FieldOf(subject));
  absl::StatusOr<std::vector<VariantName>> names = field == "variants"
                                                       ? ReadVariants(subject.variants)
                                                       : ReadItems(caller, state, subject, field);
  if (!names.ok()) return names;
  std::vector<VariantName> out;
  std::set<std::string> seen;
  for (VariantName& name : *names) {
    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
    if (seen.insert(name.ResourceName()).second) out.push_back(std::move(name));
  }
  if (out.size() <= kMaxSetSize) return out;
  return AtField(InvalidArgument(ErrorReason("SET_TOO_LARGE"), "{} variants; at most {}",
                                 out.size(), kMaxSetSize),
                 field);
}

absl::StatusOr<LicenseQuestionState> ReadQuestionState(const ServiceContext& context,
                                                       const Caller& caller, const Reader& reader,
                                                       const std::string& environment) {
  LicenseQuestionState out;
  std::optional<PolicyInUse> policy;
  if (!environment.empty()) {
    auto read = ReadPolicyOf(context, caller, reader, environment);
    if (!read.ok()) return AtField(read.status(), "environment");
    policy = *std::move(read);
  }
  DML_ASSIGN_OR_RETURN(out.state, ReadLicenseState(reader, context.trust, *context.policies));
  if (policy.has_value()) {
    out.state.policy = policy->in_force.policy;
    out.state.environment = policy->environment;
    out.policy_revision = policy->revision;
  }
  return out;
}

absl::Status EvaluateSet(const ServiceContext& context, const Caller& caller,
                         const v1::EvaluateLicenseSetRequest& request,
                         v1::EvaluateLicenseSetResponse& response) {
  auto snapshot = context.library.Read();
  DML_ASSIGN_OR_RETURN(const auto names, ReadLicenseSet(caller, *snapshot, SubjectOf(request)));
  DML_ASSIGN_OR_RETURN(const LicenseQuestionState asked,
                       ReadQuestionState(context, caller, *snapshot, request.environment()));
  const LicenseState& state = asked.state;
  DML_RETURN_IF_ERROR(CheckMatrix(*state.data));
  std::optional<LicenseContext> given;
  if (request.has_context()) {
    auto read = wire::From(request.context());
    if (!read.ok()) return AtField(read.status(), "context");
    given = *read;
  }
  DML_ASSIGN_OR_RETURN(const auto variants, ReadVariantLicenses(state, *context.policies, names));
  DML_ASSIGN_OR_RETURN(const auto edges, EdgesOf(variants, given));
  std::optional<SetOutbound> outbound;
  if (!request.outbound().empty()) {
    auto license = LicenseExpression::Parse(request.outbound(), *state.data->list);
    if (!license.ok()) return AtField(license.status(), "outbound");
    outbound = SetOutbound{*std::move(license), given.value_or(WholeContextOf(state))};
  }
  DML_ASSIGN_OR_RETURN(const SetCompatibility check,
                       CheckLicenseSet(ComponentsOf(variants), edges, outbound, *state.data->matrix,
                                       *state.data->list));
  const auto findings = AllFindings(check, variants, *state.data->list);
  DML_ASSIGN_OR_RETURN(const Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), findings.size()));
  response.set_outcome(wire::ToApi(check.outcome));
  // Texts of licenses are long: the page ends early rather than be too large for a message.
  size_t end = slice.begin;
  for (size_t bytes = 0; end < slice.end && bytes < context.max_message_bytes / 4; ++end) {
    bytes += findings[end].ByteSizeLong();
    *response.add_findings() = findings[end];
  }
  response.set_next_page_token(end == findings.size() ? "" : std::to_string(end));
  response.set_finding_count(findings.size());
  response.set_pair_count(check.pairs);
  response.set_index(state.index);
  response.set_matrix_version(check.matrix_version);
  response.set_license_list_version(check.list_version);
  response.set_policy_revision(asked.policy_revision);
  response.set_variant_count(variants.size());
  if (state.policy != nullptr) {
    response.set_policy_outcome(wire::ToApi(WorstVerdict(variants)));
  }
  return absl::OkStatus();
}

}  // namespace dml
