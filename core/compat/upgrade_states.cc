#include "core/compat/upgrade_states.h"

#include <algorithm>
#include <iterator>

#include "core/compat/explain.h"
#include "core/compat/match.h"
#include "core/compat/version_distance.h"

namespace dml {
namespace {

constexpr char kOld = static_cast<char>(UpgradeStage::kOld);
constexpr char kMixed = static_cast<char>(UpgradeStage::kMixed);
constexpr char kNew = static_cast<char>(UpgradeStage::kNew);

const PackageSpec* FindPackage(std::span<const PackageSpec* const> packages,
                               const PackageName& name) {
  for (const PackageSpec* spec : packages) {
    if (spec->package == name) return spec;
  }
  return nullptr;
}

/// Why a package may not become the other; "" where it may.
std::string AgainstPath(const PackageSpec& from, const PackageSpec& to) {
  if (Compare(to.version, from.version) < 0) {
    if (!from.upgrade.has_value()) return "";
    if (!from.upgrade->point_of_no_return.empty()) {
      return fmt::format("there is no way back: {} {} has written schema {}",
                         from.package.ToString(), from.version.text(),
                         from.upgrade->point_of_no_return);
    }
    if (MatchVersion(from.upgrade->rollback_to, &to.version) == Match::kYes) return "";
    return fmt::format("is taken back to {} only", from.upgrade->rollback_to.ToWords());
  }
  if (!to.upgrade.has_value()) return "";
  if (MatchVersion(to.upgrade->from, &from.version) != Match::kYes) {
    return fmt::format("follows {} only", to.upgrade->from.ToWords());
  }
  if (to.upgrade->no_skip.has_value() &&
      !SkipsNoUnit(from.version, to.version, *to.upgrade->no_skip)) {
    return fmt::format("skips no {} version", VersionUnitName(*to.upgrade->no_skip));
  }
  return "";
}

}  // namespace

UpgradeStates::UpgradeStates(std::span<const UpgradeGroup> groups, SolveBudget& budget)
    : groups_(groups), check_(&budget) {
  for (size_t i = 0; i < groups.size(); ++i) {
    const UpgradeGroup& group = groups[i];
    Group out{};
    out.old_configuration = check_.Add({group.name, group.platform, group.nodes, group.current});
    out.new_configuration = check_.Add({group.name, group.platform, group.nodes, group.target});
    const std::set<const PackageSpec*> current(group.current.begin(), group.current.end());
    const std::set<const PackageSpec*> target(group.target.begin(), group.target.end());
    out.changes = group.nodes > 0 && current != target;
    for (const PackageSpec* spec : group.target) {
      out.no_return = out.no_return || (!current.contains(spec) && spec->upgrade.has_value() &&
                                        !spec->upgrade->point_of_no_return.empty());
    }
    states_.push_back(std::move(out));
    AddPathRules(i);
  }
  const std::vector<Violation> wrong = Judge(Start());
  at_start_.insert(wrong.begin(), wrong.end());
}

UpgradeState UpgradeStates::Start() const { return UpgradeState(groups_.size(), kOld); }

bool UpgradeStates::IsEnd(const UpgradeState& state) const {
  for (size_t i = 0; i < state.size(); ++i) {
    if (CanMove(state, i)) return false;
  }
  return true;
}

bool UpgradeStates::CanMove(const UpgradeState& state, size_t group) const {
  return states_[group].changes && state[group] != kNew;
}

bool UpgradeStates::IsMixed(const UpgradeState& state, size_t group) const {
  return state[group] == kMixed;
}

UpgradeState UpgradeStates::Move(const UpgradeState& state, size_t group) const {
  UpgradeState out = state;
  out[group] = state[group] == kOld && groups_[group].nodes > 1 ? kMixed : kNew;
  return out;
}

std::vector<size_t> UpgradeStates::Running(const UpgradeState& state) const {
  std::vector<size_t> out;
  for (size_t i = 0; i < state.size(); ++i) {
    if (groups_[i].nodes == 0) continue;
    if (state[i] != kNew) out.push_back(states_[i].old_configuration);
    if (state[i] != kOld) out.push_back(states_[i].new_configuration);
  }
  return out;
}

std::vector<Violation> UpgradeStates::Judge(const UpgradeState& state) {
  const std::vector<size_t> running = Running(state);
  std::vector<Violation> out = check_.Between(running);
  for (size_t configuration : running) {
    const std::vector<Violation>& on_node = check_.OnNode(configuration);
    out.insert(out.end(), on_node.begin(), on_node.end());
  }
  for (size_t i = 0; i < groups_.size(); ++i) {
    work_ += 100 * (1 + groups_[i].current.size() + groups_[i].target.size());
  }
  return out;
}

UpgradeStates::RuleId UpgradeStates::Rule(const Violation& violation, size_t group) {
  auto [it, added] = rule_ids_.try_emplace(
      std::tuple(violation.package, violation.list, violation.index), rules_.size());
  if (added) rules_.push_back({violation, groups_[group].name, 1, false});
  return it->second;
}

void UpgradeStates::AddPathRules(size_t group) {
  for (const PackageSpec* to : groups_[group].target) {
    const PackageSpec* from = FindPackage(groups_[group].current, to->package);
    if (from == nullptr || from->version.text() == to->version.text()) continue;
    const std::string why = AgainstPath(*from, *to);
    if (why.empty()) continue;
    const bool back = Compare(to->version, from->version) < 0;
    const PackageSpec& says = back ? *from : *to;
    states_[group].path.push_back(Rule(
        ExplainUpgrade(says, 0, why, says.upgrade->source, {{back ? to : from, nullptr}}), group));
  }
}

/// What runs elsewhere, or here beside the package, and is not yet what the package waits for.
void UpgradeStates::AddAfterRules(const UpgradeState& state, size_t group,
                                  std::vector<RuleId>& out) {
  std::set<const PackageSpec*> running;
  for (size_t i = 0; i < state.size(); ++i) {
    if (groups_[i].nodes == 0) continue;
    if (state[i] != kNew) running.insert(groups_[i].current.begin(), groups_[i].current.end());
    if (state[i] != kOld) running.insert(groups_[i].target.begin(), groups_[i].target.end());
  }
  const std::span<const PackageSpec* const> current = groups_[group].current;
  for (const PackageSpec* to : groups_[group].target) {
    if (!to->upgrade.has_value()) continue;
    if (std::find(current.begin(), current.end(), to) != current.end()) continue;
    for (size_t i = 0; i < to->upgrade->after.size(); ++i) {
      const auto& [target, source] = to->upgrade->after[i];
      std::vector<FoundProvider> late;
      for (const PackageSpec* other : running) {
        ++work_;
        if (other->package == to->package) continue;
        for (const Version* version : OfferedVersions(*other, target)) {
          if (MatchVersion(target.range, version) != Match::kYes) late.push_back({other, version});
        }
      }
      if (late.empty()) continue;
      out.push_back(Rule(
          ExplainUpgrade(*to, i + 1, fmt::format("is upgraded after {}", TargetInWords(target)),
                         source, std::move(late)),
          group));
    }
  }
}

const std::vector<UpgradeStates::RuleId>& UpgradeStates::AgainstState(const UpgradeState& state,
                                                                      size_t group) {
  auto known = judged_.find(state);
  if (known != judged_.end()) return known->second;
  const bool end = IsEnd(state);
  std::vector<RuleId> rules;
  for (const Violation& violation : Judge(state)) {
    if (end || !at_start_.contains(violation)) rules.push_back(Rule(violation, group));
  }
  return judged_.emplace(state, std::move(rules)).first->second;
}

std::vector<UpgradeStates::RuleId> UpgradeStates::AgainstMove(const UpgradeState& state,
                                                              size_t group) {
  std::vector<RuleId> out = states_[group].path;
  AddAfterRules(state, group, out);
  const std::vector<RuleId>& there = AgainstState(Move(state, group), group);
  out.insert(out.end(), there.begin(), there.end());
  work_ += 1 + out.size();
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace dml
