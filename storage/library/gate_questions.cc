#include "storage/library/gate_questions.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/ranges.h>

#include "core/crypto/sha256.h"
#include "core/gate/policy.h"
#include "core/gate/rule_texts.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

bool IsThere(const ReleaseVerdict& verdict, const Finding& wanted) {
  return std::ranges::any_of(verdict.findings, [&](const Finding& finding) {
    return finding.rule == wanted.rule && finding.subject == wanted.subject &&
           finding.severity == wanted.severity;
  });
}

// When waiting alone makes a finding go away: the facts are those of now.
std::optional<Timestamp> GoneBy(const ReleaseFacts& facts, const Finding& finding) {
  if (!GoesWithTime(finding.rule)) return std::nullopt;
  ReleaseInput input = facts.input;
  const Timestamp start = std::chrono::floor<minutes>(input.time) + minutes(1);
  for (Timestamp at = start; at < start + kExplainedByHour;
       at += at < start + kExplainedByMinute ? minutes(1) : minutes(60)) {
    input.time = at;
    if (!IsThere(EvaluateRelease(input), finding)) return at;
  }
  return std::nullopt;
}

void AddFamilyFacts(const ReleaseFacts& facts, const ReleaseVerdict& verdict,
                    std::string_view family, Explanation& out) {
  const ReleaseInput& in = facts.input;
  const auto add = [&](std::string name, std::string value) {
    out.facts.emplace_back(std::move(name), std::move(value));
  };
  const auto count = [](std::optional<uint64_t> value) {
    return value.has_value() ? std::to_string(*value) : std::string("unknown");
  };
  if (family == "size" || family == "risk") {
    add("items", std::to_string(facts.release.items.size()));
    add("changes", std::to_string(facts.release.changes.size()));
    add("bytes", count(in.bytes));
    add("nodes", count(in.nodes));
  }
  if (family == "risk") add("risk", DescribeRisk(verdict.risk));
  if (family == "timing") add("tzdata", in.tzdata);
  if (family == "approval") {
    add("approved findings", verdict.approved_findings.ToString());
    for (const ApprovalFact& fact : in.approvals) {
      add("approval",
          fmt::format("{} on {} until {}, of findings {}",
                      fact.person.empty() ? fact.key.ToString() : fact.person,
                      FormatTime(fact.given), FormatTime(fact.expires), fact.findings.ToString()));
    }
    add("publishers", fmt::format("{}", fmt::join(in.publishers, ", ")));
    add("testers", fmt::format("{}", fmt::join(in.testers, ", ")));
  }
  if (family == "frequency" || family == "scope") {
    for (const DeploymentFact& fact : in.deployments) {
      add("deployment",
          fmt::format("{} in {}: {} since {}", fact.release.ToString(), fact.environment,
                      DeploymentStateName(fact.state), FormatTime(fact.started)));
    }
  }
  if (family == "release") {
    add("evidence", fmt::format("{}", fmt::join(in.evidence, ", ")));
    add("environments", fmt::format("{}", fmt::join(facts.release.environments, ", ")));
  }
}

// What the library knows of the variant that a finding is about.
absl::Status AddVariantFacts(const Reader& state, const std::string& subject, Explanation& out) {
  const absl::StatusOr<VariantName> name = VariantName::Parse(subject);
  if (!name.ok()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const auto variant, LibraryView(state).FindVariant(*name));
  if (!variant.has_value()) {
    out.facts.emplace_back("variant", "not in the library");
    return absl::OkStatus();
  }
  out.facts.emplace_back("state", std::string(VariantStateName(variant->state)));
  out.facts.emplace_back("declared license", variant->declared_license);
  out.facts.emplace_back("publisher", variant->publisher);
  out.facts.emplace_back("published", fmt::format("entry {}", variant->published_index));
  if (!variant->withdraw_reason.empty()) {
    out.facts.emplace_back("withdrawn", variant->withdraw_reason);
  }
  return absl::OkStatus();
}

const Finding* Find(const std::vector<Finding>& findings, std::string_view rule,
                    std::string_view subject) {
  const auto found = std::ranges::find_if(findings, [&](const Finding& finding) {
    return finding.rule == rule && (subject.empty() || finding.subject == subject);
  });
  return found == findings.end() ? nullptr : &*found;
}

absl::Status NoSuchFinding(const ReleaseVerdict& verdict, std::string_view rule,
                           std::string_view subject) {
  std::set<std::string_view> rules;
  for (const Finding& finding : verdict.findings) rules.insert(finding.rule);
  return NotFound(ErrorReason("FINDING_NOT_FOUND"), "there is no finding {}{}{} now; there are: {}",
                  rule, subject.empty() ? "" : " about ", subject,
                  rules.empty() ? std::string("none") : fmt::format("{}", fmt::join(rules, ", ")));
}

}  // namespace

absl::StatusOr<Difference> CompareDecisions(const Reader& state, TrustCache& trust,
                                            PolicyCache& policies, const ReleaseQuestion& question,
                                            const Otherwise& otherwise) {
  ReleaseQuestion changed = question;
  Release release;
  PolicyInForce policy;
  if (!otherwise.document.empty()) {
    absl::StatusOr<Release> parsed = ParseReleaseDraft(otherwise.document);
    if (!parsed.ok()) return AtField(parsed.status(), "document");
    release = *std::move(parsed);
    changed.instead = &release;
    changed.release = Sha256(otherwise.document);
  }
  if (!otherwise.policy.empty()) {
    absl::StatusOr<PolicyInForce> parsed = policies.Parse(state, otherwise.policy);
    if (!parsed.ok()) return AtField(parsed.status(), "policy");
    policy = *std::move(parsed);
    changed.policy = &policy;
  }
  if (otherwise.time.has_value()) changed.time = *otherwise.time;
  Difference out;
  DML_ASSIGN_OR_RETURN(out.before, EvaluateReleaseGate(state, trust, policies, question));
  DML_ASSIGN_OR_RETURN(out.after, EvaluateReleaseGate(state, trust, policies, changed));
  const std::vector<Finding>& before = out.before.verdict.findings;
  const std::vector<Finding>& after = out.after.verdict.findings;
  std::ranges::set_difference(before, after, std::back_inserter(out.gone));
  std::ranges::set_difference(after, before, std::back_inserter(out.added));
  return out;
}

absl::StatusOr<Explanation> ExplainFinding(const Reader& state, TrustCache& trust,
                                           PolicyCache& policies, const ReleaseQuestion& question,
                                           std::string_view rule, std::string_view subject,
                                           const std::vector<Finding>& logged) {
  DML_ASSIGN_OR_RETURN(const auto facts, CollectReleaseFacts(state, trust, policies, question));
  const ReleaseVerdict verdict = EvaluateRelease(facts->input);
  const Finding* found = Find(verdict.findings, rule, subject);
  const bool is_there_now = found != nullptr;
  if (!is_there_now) found = Find(logged, rule, subject);
  if (found == nullptr) return NoSuchFinding(verdict, rule, subject);
  Explanation out;
  out.finding = *found;
  out.rule_says = RuleText(rule);
  out.index = facts->set.index;
  out.facts = {{"journal size", std::to_string(out.index)},
               {"time", FormatTime(question.time)},
               {"policy", facts->set.policy_environment.empty()
                              ? std::string("none")
                              : fmt::format("{} revision {}", facts->set.policy_environment,
                                            facts->set.policy_revision)}};
  if (!is_there_now && !rule.starts_with("permit.")) {
    out.facts.emplace_back("now", "it is not found any more");
  }
  AddFamilyFacts(*facts, verdict, rule.substr(0, rule.find('.')), out);
  DML_RETURN_IF_ERROR(AddVariantFacts(state, found->subject, out));
  if (!found->remedy.empty()) out.changes.push_back(found->remedy);
  if (is_there_now) out.gone_by = GoneBy(*facts, *found);
  if (out.gone_by.has_value()) {
    out.changes.push_back(fmt::format("wait until {}", FormatTime(*out.gone_by)));
  }
  if (IsOverridable(rule) && found->severity == Severity::kError) {
    out.changes.push_back("override it in an emergency, where the policy lets somebody");
  }
  out.other_errors = static_cast<uint64_t>(
      std::ranges::count_if(is_there_now ? verdict.findings : logged, [&](const Finding& finding) {
        return finding.severity == Severity::kError && &finding != found;
      }));
  return out;
}

}  // namespace dml
