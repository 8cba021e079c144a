#include "core/gate/release_checks.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/gate/policy.h"
#include "core/gate/timing.h"

namespace dml::gate {
namespace {

using std::chrono::hours;

template <typename Rule>
const Rule* RuleOf(const ReleaseCheck& check, const Family<Rule>& family) {
  return RuleFor(family, check.in.environment, check.in.release->type);
}

void CheckBound(const ReleaseCheck& check, const char* rule, const char* what,
                std::optional<uint64_t> bound, std::optional<uint64_t> found) {
  if (!bound.has_value() || (found.has_value() && *found <= *bound)) return;
  const std::string_view type = ReleaseTypeName(check.in.release->type);
  check.Deny(rule,
             found.has_value()
                 ? fmt::format("{} {} are more than the {} that a {} release may have", *found,
                               what, *bound, type)
                 : fmt::format("nobody knows how many {} it has; at most {} are allowed in a {} "
                               "release",
                               what, *bound, type),
             found.has_value() ? "make several releases of it, or raise the bound in the policy"
                               : "have the nodes report what they run");
}

std::string FormatHours(hours time) { return fmt::format("{} h", time.count()); }

// Whether it counts among the releases of the environment: what is deployed above or below has its
// own frequency.
bool IsHere(const ReleaseCheck& check, const DeploymentFact& deployment) {
  return deployment.environment == check.in.environment && deployment.release != check.in.digest;
}

// That the release went to another environment before, and stayed.
void CheckOrder(const ReleaseCheck& check, const ScopeRule::After& after) {
  const DeploymentFact* last = nullptr;
  for (const DeploymentFact& deployment : check.in.deployments) {
    if (deployment.release != check.in.digest) continue;
    if (!CoversEnvironment(after.environment, deployment.environment)) continue;
    if (last == nullptr || deployment.started > last->started) last = &deployment;
  }
  const bool is_there =
      last != nullptr &&
      (last->state == DeploymentState::kDeployed || last->state == DeploymentState::kReviewed) &&
      last->deployed != Timestamp();
  if (!is_there) {
    check.Deny("scope.order",
               fmt::format("it must be deployed to {} before; there it is {}", after.environment,
                           last == nullptr ? "not known" : DeploymentStateName(last->state)),
               fmt::format("deploy it to {} first", after.environment));
    return;
  }
  const Timestamp ready = last->deployed + after.soak;
  if (check.in.time >= ready) return;
  check.Deny("scope.order",
             fmt::format("it must have been in {} for {}, and is there since {}", after.environment,
                         FormatHours(after.soak), FormatTime(last->deployed)),
             fmt::format("wait until {}", FormatTime(ready)));
}

void CheckRollouts(const ReleaseCheck& check, uint32_t most) {
  const auto others = std::ranges::count_if(check.in.deployments, [&](const DeploymentFact& other) {
    return IsHere(check, other) &&
           (other.state == DeploymentState::kPermitted ||
            other.state == DeploymentState::kRollingOut || other.state == DeploymentState::kHalted);
  });
  if (static_cast<uint64_t>(others) < most) return;
  check.Deny(
      "scope.rollouts",
      fmt::format("{} other releases are on their way there, or permitted; at most {} may be "
                  "at once, this one among them",
                  others, most),
      "wait until one is deployed or backed out");
}

}  // namespace

void ReleaseCheck::Add(std::string_view rule, Severity severity, std::string_view about,
                       std::string message, std::string remedy) const {
  out.push_back(
      {std::string(rule), severity, std::string(about), std::move(message), std::move(remedy)});
}

void ReleaseCheck::Deny(std::string_view rule, std::string message, std::string remedy) const {
  Add(rule, Severity::kError, subject, std::move(message), std::move(remedy));
}

void CheckSize(const ReleaseCheck& check) {
  const SizeRule* rule = RuleOf(check, check.in.rules->size);
  if (rule == nullptr) return;
  CheckBound(check, "size.items", "items", rule->items, check.in.release->items.size());
  CheckBound(check, "size.changes", "changes", rule->changes, check.in.release->changes.size());
  CheckBound(check, "size.bytes", "bytes", rule->bytes, check.in.bytes);
  CheckBound(check, "size.nodes", "nodes", rule->nodes, check.in.nodes);
}

void CheckScope(const ReleaseCheck& check) {
  const Release& release = *check.in.release;
  const ScopeRule* rule = RuleOf(check, check.in.rules->scope);
  std::set<std::string> authorized;
  for (const ReleaseChange& change : release.changes) {
    if (!change.authorized_by.empty()) authorized.insert(change.id);
  }
  const std::string_view type = ReleaseTypeName(release.type);
  for (const ReleaseItem& item : release.items) {
    const std::string subject = item.variant.ResourceName();
    const bool is_authorized = std::ranges::any_of(
        item.changes, [&](const std::string& id) { return authorized.contains(id); });
    if (!is_authorized && (rule == nullptr || rule->demands_authorized_changes)) {
      check.Add("scope.unauthorized", Severity::kError, subject,
                "it carries out no change that somebody authorized",
                "name an authorized change for it in the release");
    }
    if (rule == nullptr) continue;
    const std::string package = item.variant.package.ToString();
    const bool in_scope = rule->packages.empty() ||
                          std::ranges::any_of(rule->packages, [&](const std::string& pattern) {
                            return MatchesPattern(pattern, package);
                          });
    if (!in_scope) {
      check.Add("scope.package", Severity::kError, subject,
                fmt::format("a {} release may not touch {}", type, package),
                "take it out of the release, or make one of another type");
    }
    if (!rule->actions.empty() && !std::ranges::binary_search(rule->actions, item.action)) {
      check.Add(
          "scope.action", Severity::kError, subject,
          fmt::format("a {} release may not {} anything", type, ReleaseActionName(item.action)),
          "take it out of the release, or make one of another type");
    }
  }
  if (rule == nullptr) return;
  if (rule->after.has_value()) CheckOrder(check, *rule->after);
  if (rule->rollouts.has_value()) CheckRollouts(check, *rule->rollouts);
}

void CheckFrequency(const ReleaseCheck& check) {
  const FrequencyRule* rule = RuleOf(check, check.in.rules->frequency);
  if (rule == nullptr || check.in.is_in_flight) return;
  const Family<FrequencyRule>& family = check.in.rules->frequency;
  // Releases of the types that this very rule is for.
  std::vector<Timestamp> starts;
  for (const DeploymentFact& other : check.in.deployments) {
    if (IsHere(check, other) && other.started <= check.in.time &&
        RuleFor(family, check.in.environment, other.type) == rule) {
      starts.push_back(other.started);
    }
  }
  std::ranges::sort(starts);
  if (!starts.empty() && check.in.time < starts.back() + rule->between) {
    check.Deny("frequency.too-soon",
               fmt::format("the release before it started on {}; {} must be between",
                           FormatTime(starts.back()), FormatHours(rule->between)),
               fmt::format("wait until {}", FormatTime(starts.back() + rule->between)));
  }
  for (const FrequencyRule::AtMost& most : rule->at_most) {
    // The one that must be out of the span before there is room for another.
    if (starts.size() < most.releases) continue;
    const Timestamp first = starts[starts.size() - most.releases];
    const Timestamp free = first + most.within;
    if (check.in.time >= free) continue;
    check.Deny("frequency.too-many",
               fmt::format("{} releases have started since {}, as many as may within {}",
                           most.releases, FormatTime(first), FormatHours(most.within)),
               fmt::format("wait until {}", FormatTime(free)));
  }
}

void CheckTiming(const ReleaseCheck& check) {
  const std::optional<ReleaseWindow>& planned = check.in.release->window;
  const TimingRule* rule = RuleOf(check, check.in.rules->timing);
  const bool may_finish =
      check.in.is_in_flight && (rule == nullptr || rule->in_flight == InFlightAction::kFinish);
  const Severity severity = may_finish ? Severity::kInfo : Severity::kError;
  const auto add = [&](const char* name, std::string message, std::string remedy) {
    if (may_finish) message += "; it has begun, and may finish";
    check.Add(name, severity, check.subject, std::move(message), std::move(remedy));
  };
  const Timestamp now = check.in.time;
  if (planned.has_value() && (now < planned->from || now >= planned->until)) {
    add("timing.planned",
        fmt::format("it is planned to go from {} to {}", FormatTime(planned->from),
                    FormatTime(planned->until)),
        now < planned->from ? fmt::format("wait until {}", FormatTime(planned->from))
                            : "make a release with another window");
  }
  if (rule == nullptr || IsOpen(*rule, now)) return;
  const std::optional<Timestamp> next = NextOpening(*rule, now);
  const std::string remedy = next.has_value()
                                 ? fmt::format("wait until {}", rule->zone.Format(*next))
                                 : "open a window in the policy: there is none in the next year";
  if (const TimingRule::Once* freeze = FreezeAt(*rule, now); freeze != nullptr) {
    add("timing.freeze",
        fmt::format("nothing goes there until {}{}{}, by tzdata {}",
                    rule->zone.Format(freeze->span.until), freeze->reason.empty() ? "" : ": ",
                    freeze->reason, check.in.tzdata),
        remedy);
    return;
  }
  add("timing.closed", fmt::format("no window is open, by tzdata {}", check.in.tzdata), remedy);
}

void CheckRisk(const ReleaseCheck& check, const RiskScore& risk) {
  const RiskRule* rule = RuleOf(check, check.in.rules->risk);
  if (rule == nullptr || risk.total <= rule->highest) return;
  const std::string score = fmt::format("its risk is {}", DescribeRisk(risk));
  if (!rule->accepted.has_value() || risk.total > *rule->accepted) {
    check.Deny(
        "risk.too-high",
        fmt::format("{}; at most {} is acceptable", score, rule->accepted.value_or(rule->highest)),
        "make a smaller release, or lower what it is made of");
    return;
  }
  const std::optional<RiskAcceptance>& acceptance = check.in.release->risk;
  const bool may_accept =
      acceptance.has_value() && std::ranges::count(rule->acceptors, acceptance->accepted_by) > 0;
  if (may_accept && risk.total <= acceptance->up_to) return;
  check.Deny("risk.too-high",
             fmt::format("{}; above {} somebody must accept it{}", score, rule->highest,
                         !acceptance.has_value() ? ", and nobody has"
                         : may_accept
                             ? fmt::format(", and it is accepted up to {} only", acceptance->up_to)
                             : fmt::format(", which {} may not", acceptance->accepted_by)),
             fmt::format("have the risk accepted up to {} by one of {}", risk.total,
                         fmt::join(rule->acceptors, ", ")));
}

void CheckVulnerabilities(const ReleaseCheck& check) {
  constexpr std::string_view kNames[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
  const VulnerabilityRule* rule = RuleOf(check, check.in.rules->vulnerabilities);
  if (rule == nullptr) return;
  if (!check.in.vulnerabilities.has_value()) {
    check.Deny("vulnerability.unknown", "nobody has looked for known vulnerabilities in it",
               "import advisories, so that the library can look");
    return;
  }
  for (const VulnerabilityFact& fact : *check.in.vulnerabilities) {
    if (fact.is_not_affected || fact.severity <= rule->highest) continue;
    const Timestamp due = fact.published + rule->fix_within;
    if (check.in.time < due) continue;
    check.Add("vulnerability.severe", Severity::kError, fact.subject,
              fmt::format("{} is {}, published on {}; at most {} is acceptable", fact.id,
                          kNames[static_cast<size_t>(fact.severity)], FormatTime(fact.published),
                          kNames[static_cast<size_t>(rule->highest)]),
              "take a version without it, or attest that it is not affected (VEX)");
  }
}

}  // namespace dml::gate
