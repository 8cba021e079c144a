#include "core/compat/closed_world.h"

#include <algorithm>
#include <utility>

#include "core/compat/explain.h"
#include "core/compat/match.h"

namespace dml {
/// One run of ClosedWorld::Check: the providers in the set by name, and the walk over its members.
class ClosedSetCheck {
 public:
  ClosedSetCheck(const ClosedWorld& world, std::span<const size_t> set, SolveBudget* budget)
      : budget_(budget) {
    std::vector<size_t> indexes(set.begin(), set.end());
    std::sort(indexes.begin(), indexes.end());
    indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    members_.reserve(indexes.size());
    for (size_t index : indexes) members_.push_back(&world.members_[index]);
    GroupProviders(world.names_.size());
  }

  std::vector<Violation> Run() {
    for (const Member* member : members_) {
      CheckIdentity(*member);
      for (size_t i = 0; i < member->requirements.size() && WithinSteps(); ++i) {
        CheckRequirement(*member, i);
      }
      CheckExclusions(*member, member->conflicts, RelationList::kConflicts);
      CheckExclusions(*member, member->breaks, RelationList::kBreaks);
      if (!WithinSteps() || !WithinBudget()) return {ExplainTooLarge(kMaxClosedSetSteps)};
    }
    std::sort(violations_.begin(), violations_.end());
    violations_.erase(std::unique(violations_.begin(), violations_.end()), violations_.end());
    return std::move(violations_);
  }

 private:
  using Member = ClosedWorld::Member;
  using NameId = ClosedWorld::NameId;
  using Target = ClosedWorld::Target;

  struct Provider {
    const Member* member;
    const Version* version;  // Null where it is offered without a version.
  };

  /// Sorts the offers of all members by name, by counting.
  void GroupProviders(size_t names) {
    starts_.assign(names + 1, 0);
    for (const Member* member : members_) {
      for (const auto& offer : member->offers) ++starts_[offer.name + 1];
    }
    for (size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    providers_.resize(starts_.back());
    std::vector<uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (const Member* member : members_) {
      for (const auto& offer : member->offers) {
        providers_[next[offer.name]++] = {member, offer.version};
      }
    }
  }

  std::span<const Provider> ProvidersOf(NameId name) {
    std::span<const Provider> all(providers_);
    auto found = all.subspan(starts_[name], starts_[name + 1] - starts_[name]);
    steps_ += 1 + found.size();
    return found;
  }

  bool WithinSteps() const { return steps_ <= kMaxClosedSetSteps; }

  // After each member: a package has a bounded number of relations.
  bool WithinBudget() {
    const size_t work = steps_ + kStepsOfReport * violations_.size();
    return budget_ == nullptr || budget_->Spend(work - std::exchange(spent_, work));
  }

  void CheckIdentity(const Member& member) {
    auto providers = ProvidersOf(member.package);
    if (providers.size() == 1) return;
    const Member* first = nullptr;
    bool differ = false;
    std::vector<FoundProvider> versions;
    for (const Provider& provider : providers) {
      if (provider.member->package != member.package) continue;
      if (first == nullptr) first = provider.member;
      if (first != &member) return;  // Reported by the first of them.
      const PackageSpec& spec = *provider.member->spec;
      differ = differ || spec.version.text() != member.spec->version.text();
      versions.push_back({&spec, &spec.version});
    }
    if (!differ) return;
    violations_.push_back(ExplainTwoVersions(member.spec->package, std::move(versions)));
  }

  std::span<const Target> TargetsOf(const Member& member, size_t index) const {
    const auto& alternatives = member.requirements[index];
    return std::span<const Target>(member.targets)
        .subspan(alternatives.begin, alternatives.end - alternatives.begin);
  }

  void CheckRequirement(const Member& member, size_t index) {
    ++steps_;
    RelationScope scope = member.requirements[index].scope;
    if (scope == RelationScope::kEveryPeer) return CheckEveryPeer(member, index);
    for (const Target& target : TargetsOf(member, index)) {
      for (const Provider& provider : ProvidersOf(target.name)) {
        if (MatchVersion(target.range, provider.version) == Match::kYes &&
            (scope != RelationScope::kNode || FitsPlatformOf(member, provider))) {
          return;
        }
      }
    }
    if (WithinSteps()) ReportRequirement(member, index);
  }

  static bool FitsPlatformOf(const Member& member, const Provider& provider) {
    return member.platform == provider.member->platform ||
           FitsPlatform(member.spec->platform, provider.member->spec->platform);
  }

  /// Nothing meets the requirement: the kind is that of the provider that comes nearest to it.
  void ReportRequirement(const Member& member, size_t index) {
    bool on_node = member.requirements[index].scope == RelationScope::kNode;
    bool not_proven = false;
    bool other_platform = false;
    std::vector<FoundProvider> found;
    for (const Target& target : TargetsOf(member, index)) {
      for (const Provider& provider : ProvidersOf(target.name)) {
        found.push_back({provider.member->spec, provider.version});
        if (MatchVersion(target.range, provider.version) == Match::kNo) continue;
        if (on_node && !FitsPlatformOf(member, provider)) {
          other_platform = true;
        } else {
          not_proven = true;
        }
      }
    }
    ViolationKind kind = not_proven       ? ViolationKind::kNotProven
                         : other_platform ? ViolationKind::kPlatformMismatch
                         : found.empty()  ? ViolationKind::kMissing
                                          : ViolationKind::kWrongVersion;
    violations_.push_back(ExplainRequirement(*member.spec, index, kind, std::move(found)));
  }

  /// What each peer does for the requirement at best, over all its offers and the alternatives.
  void CheckEveryPeer(const Member& member, size_t index) {
    struct Peer {
      Provider provider;
      Match match;
    };
    std::vector<Peer> peers;
    for (const Target& target : TargetsOf(member, index)) {
      for (const Provider& provider : ProvidersOf(target.name)) {
        peers.push_back({provider, MatchVersion(target.range, provider.version)});
      }
    }
    std::sort(peers.begin(), peers.end(), [](const Peer& a, const Peer& b) {
      return std::pair(a.provider.member, b.match) < std::pair(b.provider.member, a.match);
    });
    Match worst = Match::kYes;
    std::vector<FoundProvider> failing;
    for (size_t i = 0, best = 0; i < peers.size(); ++i) {
      if (peers[i].provider.member != peers[best].provider.member) best = i;
      if (peers[best].match == Match::kYes) continue;
      worst = std::min(worst, peers[best].match);
      failing.push_back({peers[i].provider.member->spec, peers[i].provider.version});
    }
    if (!peers.empty() && failing.empty()) return;
    ViolationKind kind = peers.empty()         ? ViolationKind::kMissing
                         : worst == Match::kNo ? ViolationKind::kWrongVersion
                                               : ViolationKind::kNotProven;
    violations_.push_back(ExplainRequirement(*member.spec, index, kind, std::move(failing)));
  }

  void CheckExclusions(const Member& member, const std::vector<Target>& targets,
                       RelationList list) {
    for (size_t i = 0; i < targets.size() && WithinSteps(); ++i) {
      std::vector<FoundProvider> excluded;
      std::vector<FoundProvider> not_proven;
      for (const Provider& provider : ProvidersOf(targets[i].name)) {
        if (provider.member->package == member.package) continue;
        Match match = MatchVersion(targets[i].range, provider.version);
        if (match == Match::kNo) continue;
        (match == Match::kYes ? excluded : not_proven)
            .push_back({provider.member->spec, provider.version});
      }
      ViolationKind kind =
          list == RelationList::kBreaks ? ViolationKind::kBreaks : ViolationKind::kConflict;
      if (!excluded.empty()) {
        violations_.push_back(ExplainExclusion(*member.spec, list, i, kind, std::move(excluded)));
      }
      if (!not_proven.empty()) {
        violations_.push_back(ExplainExclusion(*member.spec, list, i, ViolationKind::kNotProven,
                                               std::move(not_proven)));
      }
    }
  }

  // What is wrong is put into words: a thousand times the time of a look.
  static constexpr size_t kStepsOfReport = 1000;

  SolveBudget* const budget_;
  std::vector<const Member*> members_;
  std::vector<uint32_t> starts_;  // By name: where its providers begin.
  std::vector<Provider> providers_;
  size_t steps_ = 0;
  size_t spent_ = 0;  // Of the budget.
  std::vector<Violation> violations_;
};

ClosedWorld::NameId ClosedWorld::Intern(RelationKind kind, std::string_view name) {
  auto [it, added] = names_.try_emplace({kind, std::string(name)}, names_.size());
  return it->second;
}

ClosedWorld::Target ClosedWorld::Compile(const RelationTarget& target) {
  return {Intern(target.kind, target.name), target.range.IsAll() ? nullptr : &target.range};
}

size_t ClosedWorld::Add(const PackageSpec& spec) {
  Member member;
  member.spec = &spec;
  member.package = Intern(RelationKind::kPackage, spec.package.ToString());
  member.platform = platforms_.try_emplace(spec.platform, platforms_.size()).first->second;
  member.offers.push_back({member.package, &spec.version});
  for (const Provision& provision : spec.provides) {
    member.offers.push_back({Intern(provision.kind, provision.name),
                             provision.version.has_value() ? &*provision.version : nullptr});
  }
  for (const Requirement& requirement : spec.requires_all) {
    uint32_t begin = member.targets.size();
    for (const RelationTarget& target : requirement.any_of) {
      member.targets.push_back(Compile(target));
    }
    uint32_t end = member.targets.size();
    member.requirements.push_back({begin, end, requirement.scope});
  }
  for (const Relation& relation : spec.conflicts) {
    member.conflicts.push_back(Compile(relation.target));
  }
  for (const Relation& relation : spec.breaks) {
    member.breaks.push_back(Compile(relation.target));
  }
  members_.push_back(std::move(member));
  return members_.size() - 1;
}

std::vector<Violation> ClosedWorld::Check(std::span<const size_t> set, SolveBudget* budget) const {
  return ClosedSetCheck(*this, set, budget).Run();
}

std::vector<Violation> CheckClosedSet(std::span<const PackageSpec* const> set,
                                      SolveBudget* budget) {
  ClosedWorld world;
  std::vector<size_t> indexes;
  indexes.reserve(set.size());
  for (const PackageSpec* spec : set) indexes.push_back(world.Add(*spec));
  return world.Check(indexes, budget);
}

}  // namespace dml
