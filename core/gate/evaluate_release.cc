#include "core/gate/evaluate_release.h"

#include <algorithm>
#include <map>

#include <fmt/ranges.h>

#include "core/gate/findings.h"
#include "core/gate/policy.h"
#include "core/gate/release_checks.h"

namespace dml {
namespace {

using gate::ReleaseCheck;

void CheckItself(const ReleaseCheck& check) {
  const Release& release = *check.in.release;
  if (check.in.state != ReleaseState::kSealed && check.in.state != ReleaseState::kTested) {
    check.Deny("release.state", fmt::format("it is {}", ReleaseStateName(check.in.state)),
               check.in.state == ReleaseState::kDraft ? "seal it" : "take another release");
  }
  const bool is_for = std::ranges::any_of(release.environments, [&](const std::string& name) {
    return CoversEnvironment(name, check.in.environment);
  });
  if (!is_for) {
    check.Deny("release.environment",
               fmt::format("it is for {}, not for {}", fmt::join(release.environments, ", "),
                           check.in.environment),
               "make a release that names the environment");
  }
  for (const std::string& type : release.evidence) {
    if (check.in.evidence.contains(type)) continue;
    check.Deny("release.evidence", fmt::format("it requires an attestation {}, and has none", type),
               "attach one: dml release attach");
  }
}

RiskScore RiskOf(const ReleaseInput& in) {
  RiskFacts facts = RiskFactsOf(*in.release);
  for (const std::string& type : in.release->evidence) {
    if (!in.evidence.contains(type)) ++facts.missing_evidence;
  }
  // Unknown counts as the worse: as many as count at all.
  facts.nodes = in.nodes.value_or(1'000'000);
  facts.past_failures = in.past_failures;
  return ScoreRisk(facts);
}

Digest BoundDigest(const std::vector<Finding>& findings) {
  std::vector<Finding> bound;
  for (const Finding& finding : findings) {
    if (!IsOfPassing(finding.rule)) bound.push_back(finding);
  }
  std::ranges::sort(bound);
  bound.erase(std::unique(bound.begin(), bound.end()), bound.end());
  return FindingsDigest(bound);
}

// Why an approval does not count; "" where it does.
std::string WhyNot(const ReleaseInput& in, const ApprovalRule& rule, const ApprovalFact& fact,
                   const Digest& bound) {
  if (fact.person.empty()) return "its key belongs to no person";
  if (fact.given > in.time) return "it is given in the future";
  const Timestamp end = std::min(fact.expires, fact.given + rule.valid_for);
  if (in.time >= end) return fmt::format("it expired on {}", FormatTime(end));
  if (fact.findings != bound) return "it was given for other findings than there are now";
  if (rule.separate_publishers &&
      (in.publishers.contains(fact.person) || in.publisher_keys.contains(fact.key))) {
    return "whoever published an item does not approve it, too";
  }
  if (rule.separate_testers && in.testers.contains(fact.person)) {
    return "whoever tested the release does not approve it, too";
  }
  if (rule.separate_deployers && !in.deployer.empty() && fact.person == in.deployer) {
    return "whoever deploys the release does not approve it, too";
  }
  return "";
}

// Why an override does not count; "" where it does.
std::string WhyNot(const ReleaseInput& in, const OverrideRule* rule, const OverrideFact& fact) {
  if (rule == nullptr) return "the policy lets nobody override anything there";
  if (fact.reason.empty()) return "it gives no reason";
  if (fact.requester.empty()) return "nobody asks for it";
  if (in.time < fact.given) return "it is given in the future";
  if (in.time >= fact.expires) return fmt::format("it expired on {}", FormatTime(fact.expires));
  if (fact.expires - fact.given > rule->longest) {
    return fmt::format("it is for longer than {} h", rule->longest.count());
  }
  std::set<std::string> approvers = fact.approvers;
  approvers.erase(fact.requester);
  approvers.erase("");
  if (approvers.size() < rule->approvers) {
    return fmt::format("{} of {} other persons agree to it", approvers.size(), rule->approvers);
  }
  return "";
}

using KeysByPerson = std::map<std::string, std::set<Digest>>;

size_t CountIn(const ApproverGroup& group, const KeysByPerson& approved) {
  return static_cast<size_t>(std::ranges::count_if(approved, [&](const auto& item) {
    return std::ranges::any_of(item.second,
                               [&](const Digest& key) { return group.keys.contains(key); });
  }));
}

// What the trust root demands of approvers, whatever the policy says.
void CheckApproverGroups(const ReleaseCheck& check, const KeysByPerson& approved) {
  const ApproverGroup* nearest = nullptr;
  size_t missing = 0;
  for (const ApproverGroup& group : check.in.approver_groups) {
    const size_t found = CountIn(group, approved);
    if (found >= group.threshold) return;
    if (nearest == nullptr || group.threshold - found < missing) {
      nearest = &group;
      missing = group.threshold - found;
    }
  }
  if (nearest == nullptr) return;
  check.Deny("approval.threshold",
             fmt::format("the trust root demands {} approvers for {}, and {} have approved it",
                         nearest->threshold, check.in.environment, nearest->threshold - missing),
             fmt::format("have {} more of them approve it: dml release approve", missing));
}

bool Covers(const std::vector<std::string>& patterns, std::string_view rule) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return MatchesPattern(pattern, rule); });
}

}  // namespace

namespace gate {

void CheckApprovals(const ReleaseCheck& check, const Digest& bound) {
  const ApprovalRule* found =
      RuleFor(check.in.rules->approvals, check.in.environment, check.in.release->type);
  const ApprovalRule rule = found == nullptr ? ApprovalRule{} : *found;  // Never nobody.
  KeysByPerson keys;  // Of persons whose approval counts.
  for (const ApprovalFact& fact : check.in.approvals) {
    const std::string why_not = WhyNot(check.in, rule, fact, bound);
    if (why_not.empty()) {
      keys[fact.person].insert(fact.key);
      continue;
    }
    check.Add("approval.not-counted", Severity::kInfo, check.subject,
              fmt::format("the approval of {} does not count: {}",
                          fact.person.empty() ? fact.key.ToString() : fact.person, why_not),
              "have it approved anew, or by somebody else");
  }
  // Two persons with one key are one who can sign.
  std::set<Digest> used;
  size_t persons = 0;
  for (const auto& [person, own] : keys) {
    const bool is_shared =
        std::ranges::any_of(own, [&](const Digest& key) { return !used.insert(key).second; });
    if (!is_shared) ++persons;
  }
  if (persons >= rule.approvers) return CheckApproverGroups(check, keys);
  check.Deny(
      "approval.missing",
      fmt::format("approved by {} of the {} persons that are needed", persons, rule.approvers),
      fmt::format("have {} more approve it: dml release approve", rule.approvers - persons));
}

void ApplyOverrides(const ReleaseCheck& check) {
  const OverrideRule* rule =
      RuleFor(check.in.rules->override_rules, check.in.environment, check.in.release->type);
  for (const OverrideFact& fact : check.in.overrides) {
    const std::string subject = "overrides/" + fact.id;
    const std::string why_not = WhyNot(check.in, rule, fact);
    if (!why_not.empty()) {
      check.Add("override.not-counted", Severity::kInfo, subject,
                fmt::format("the override does not count: {}", why_not),
                "ask for another, as the policy has it");
      continue;
    }
    size_t overridden = 0;
    for (Finding& finding : check.out) {
      if (finding.severity != Severity::kError || !IsOverridable(finding.rule)) continue;
      if (!Covers(rule->rules, finding.rule) || !Covers(fact.rules, finding.rule)) continue;
      finding.severity = Severity::kWarning;
      finding.message += fmt::format("; overridden by {}", fact.id);
      ++overridden;
    }
    if (overridden == 0) continue;
    check.Add("override.used", Severity::kWarning, subject,
              fmt::format("{} findings are overridden until {} on behalf of {}: {}", overridden,
                          FormatTime(fact.expires), fact.requester, fact.reason),
              "review the release afterwards");
  }
}

}  // namespace gate

ReleaseVerdict EvaluateRelease(const ReleaseInput& input) {
  const Release& release = *input.release;
  ReleaseVerdict out;
  out.findings = input.set;
  out.risk = RiskOf(input);
  const ReleaseCheck check = {input,
                              fmt::format("releases/{}/versions/{}", release.name, release.version),
                              "environments/" + input.environment, out.findings};
  CheckItself(check);
  if (input.rules != nullptr) {
    gate::CheckSize(check);
    gate::CheckScope(check);
    gate::CheckFrequency(check);
    gate::CheckTiming(check);
    gate::CheckRisk(check, out.risk);
    gate::CheckVulnerabilities(check);
  }
  out.approved_findings = BoundDigest(out.findings);
  if (input.rules != nullptr) {
    gate::CheckApprovals(check, out.approved_findings);
    gate::ApplyOverrides(check);
  } else {
    check.Add(
        "policy.missing", Severity::kError, check.environment,
        fmt::format("environment {} has no policy, so everything is denied", input.environment),
        fmt::format("write a starting policy with `dml policy init`, adapt it, and set it "
                    "for {}",
                    input.environment));
  }
  std::ranges::sort(out.findings);
  out.findings.erase(std::unique(out.findings.begin(), out.findings.end()), out.findings.end());
  const bool denied = std::ranges::any_of(
      out.findings, [](const Finding& finding) { return finding.severity == Severity::kError; });
  out.decision = denied ? Decision::kDeny : Decision::kAllow;
  out.findings_digest = FindingsDigest(out.findings);
  return out;
}

bool IsOfPassing(std::string_view rule) {
  return rule.starts_with("approval.") || rule.starts_with("timing.") ||
         rule.starts_with("frequency.") || rule.starts_with("override.") || rule == "scope.order" ||
         rule == "scope.rollouts";
}

}  // namespace dml
