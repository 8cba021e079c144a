#include "core/compat/environment_check.h"

#include <algorithm>
#include <set>

#include "core/compat/explain.h"
#include "core/compat/match.h"
#include "core/compat/version_distance.h"

namespace dml {
namespace {

bool IsOfNode(const Violation& violation) {
  // About the whole set: it could not be decided.
  return violation.package.empty() || violation.scope == RelationScope::kNode;
}

void SortUnique(std::vector<Violation>& violations) {
  std::sort(violations.begin(), violations.end());
  violations.erase(std::unique(violations.begin(), violations.end()), violations.end());
}

// A look at a peer reads two versions.
constexpr uint64_t kStepsOfPeer = 20;

/// Adds the package as a peer of the services that it provides, with the versions in which it does.
void AddServices(const PackageSpec& spec,
                 std::map<std::string_view, std::vector<FoundProvider>>& peers) {
  for (const Provision& provision : spec.provides) {
    if (provision.kind != RelationKind::kService) continue;
    peers[provision.name].push_back(
        {&spec, provision.version.has_value() ? &*provision.version : &spec.version});
  }
}

Match AllowsSkew(const Coexistence& rule, const Version& own, const Version& peer) {
  if (!HasVersionUnits(own) || !HasVersionUnits(peer)) return Match::kNotProven;
  const std::optional<int64_t> distance = VersionDistance(own, peer, rule.unit);
  const bool within = distance.has_value() && *distance >= -static_cast<int64_t>(rule.older) &&
                      *distance <= static_cast<int64_t>(rule.newer);
  return within ? Match::kYes : Match::kNo;
}

}  // namespace

EnvironmentVerdict VerdictOf(std::span<const EnvironmentViolation> violations) {
  if (violations.empty()) return EnvironmentVerdict::kCompatible;
  for (const EnvironmentViolation& item : violations) {
    if (item.violation.kind != ViolationKind::kNotProven) {
      return EnvironmentVerdict::kIncompatible;
    }
  }
  return EnvironmentVerdict::kNotProven;
}

size_t EnvironmentCheck::Add(const NodeGroup& group) {
  Group out;
  out.name = group.name;
  out.nodes = group.nodes;
  for (const PackageSpec* spec : group.packages) {
    auto [it, added] = indexes_.try_emplace(spec, specs_.size());
    if (added) {
      specs_.push_back(spec);
      world_.Add(*spec);
    }
    out.members.push_back(it->second);
    if (!FitsPlatform(spec->platform, group.platform)) {
      out.on_node.push_back(ExplainMisplaced(*spec, group.platform));
    }
  }
  std::sort(out.members.begin(), out.members.end());
  for (Violation& violation : world_.Check(out.members, budget_)) {
    if (IsOfNode(violation)) out.on_node.push_back(std::move(violation));
  }
  CheckSkew(out.members, RelationScope::kNode, out.on_node);
  SortUnique(out.on_node);
  groups_.push_back(std::move(out));
  return groups_.size() - 1;
}

void EnvironmentCheck::CheckSkew(std::span<const size_t> members, RelationScope scope,
                                 std::vector<Violation>& out) const {
  std::map<std::string_view, std::vector<FoundProvider>> peers;  // Of services.
  for (size_t peer : members) AddServices(*specs_[peer], peers);
  size_t steps = 0;
  for (size_t member : members) {
    const PackageSpec& spec = *specs_[member];
    for (size_t i = 0; i < spec.coexists.size(); ++i) {
      const Coexistence& rule = spec.coexists[i];
      if (rule.scope != scope) continue;
      std::vector<FoundProvider> wrong;
      std::vector<FoundProvider> not_proven;
      const std::vector<FoundProvider>& all = peers[rule.service];
      steps += all.size();
      const bool goes_on = budget_ == nullptr || budget_->Spend(kStepsOfPeer * all.size() + 1);
      if (steps > kMaxClosedSetSteps || !goes_on) {
        out.push_back(ExplainTooLarge(kMaxClosedSetSteps));
        return;
      }
      for (const FoundProvider& peer : all) {
        const Match match = AllowsSkew(rule, spec.version, *peer.version);
        if (match == Match::kNo) wrong.push_back(peer);
        if (match == Match::kNotProven) not_proven.push_back(peer);
      }
      if (!wrong.empty()) {
        out.push_back(ExplainSkew(spec, i, ViolationKind::kSkew, std::move(wrong)));
      }
      if (!not_proven.empty()) {
        out.push_back(ExplainSkew(spec, i, ViolationKind::kNotProven, std::move(not_proven)));
      }
    }
  }
}

std::vector<Violation> EnvironmentCheck::Between(std::span<const size_t> groups) const {
  std::set<size_t> all;
  for (size_t group : groups)
    all.insert(groups_[group].members.begin(), groups_[group].members.end());
  const std::vector<size_t> members(all.begin(), all.end());
  std::vector<Violation> out;
  for (Violation& violation : world_.Check(members, budget_)) {
    if (violation.package.empty() || !IsOfNode(violation)) out.push_back(std::move(violation));
  }
  CheckSkew(members, RelationScope::kEnvironment, out);
  SortUnique(out);
  return out;
}

EnvironmentAnswer EnvironmentCheck::Check(std::span<const size_t> groups) const {
  std::map<Violation, EnvironmentViolation> found;
  for (size_t group : groups) {
    for (const Violation& violation : groups_[group].on_node) {
      EnvironmentViolation& item =
          found.try_emplace(violation, EnvironmentViolation{violation, groups_[group].name})
              .first->second;
      ++item.groups;
      item.nodes += groups_[group].nodes;
    }
  }
  for (const Violation& violation : Between(groups)) {
    found.try_emplace(violation, EnvironmentViolation{violation, ""});
  }
  EnvironmentAnswer out;
  for (auto& [violation, item] : found) out.violations.push_back(std::move(item));
  out.verdict = VerdictOf(out.violations);
  return out;
}

EnvironmentAnswer CheckEnvironment(std::span<const NodeGroup> groups, SolveBudget* budget) {
  EnvironmentCheck check(budget);
  std::vector<size_t> running;
  for (const NodeGroup& group : groups) {
    if (group.nodes > 0) running.push_back(check.Add(group));
  }
  return check.Check(running);
}

std::vector<const PackageSpec*> ApplySet(std::span<const PackageSpec* const> in_use,
                                         std::span<const PackageSpec* const> set) {
  std::set<PackageName> replaced;
  for (const PackageSpec* spec : set) replaced.insert(spec->package);
  std::vector<const PackageSpec*> out(set.begin(), set.end());
  for (const PackageSpec* spec : in_use) {
    if (!replaced.contains(spec->package)) out.push_back(spec);
  }
  return out;
}

EnvironmentAnswer CheckTransition(std::span<const NodeGroup> before,
                                  std::span<const NodeGroup> after, SolveBudget* budget) {
  EnvironmentAnswer out = CheckEnvironment(after, budget);
  std::set<Violation> known;
  for (EnvironmentViolation& item : CheckEnvironment(before, budget).violations) {
    known.insert(std::move(item.violation));
  }
  for (EnvironmentViolation& item : out.violations) item.before = known.contains(item.violation);
  return out;
}

EnvironmentAnswer CheckChange(std::span<const NodeGroup> groups, std::span<const size_t> changed,
                              std::span<const PackageSpec* const> set) {
  std::vector<NodeGroup> after(groups.begin(), groups.end());
  for (size_t index : changed) after[index].packages = ApplySet(after[index].packages, set);
  return CheckTransition(groups, after);
}

}  // namespace dml
