#include "core/compat/resolve_universe.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "core/compat/match.h"

namespace dml {
namespace {

VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

}  // namespace

absl::StatusOr<bool> ResolveUniverse::Load(std::span<const PackageName> more, SolveBudget& budget) {
  DML_ASSIGN_OR_RETURN(const bool all, Fetch(more, budget));
  SortPackages();
  return all;
}

absl::StatusOr<bool> ResolveUniverse::Fetch(std::span<const PackageName> more,
                                            SolveBudget& budget) {
  std::set<Name> seen;
  std::vector<Name> open;
  auto reach = [&](RelationKind kind, const std::string& name) {
    if (seen.emplace(kind, name).second) open.emplace_back(kind, name);
  };
  for (const RelationTarget& target : request_.wanted) reach(target.kind, target.name);
  for (const VariantName& name : request_.in_use) {
    reach(RelationKind::kPackage, name.package.ToString());
  }
  // The last are the first to be fetched.
  for (const PackageName& package : more) reach(RelationKind::kPackage, package.ToString());
  while (!open.empty()) {
    const Name name = std::move(open.back());
    open.pop_back();
    DML_ASSIGN_OR_RETURN(std::vector<SourcePackage> found,
                         source_.FindProviders(name.first, name.second));
    // A fetched package costs far more than a step of the search.
    const bool goes_on = budget.Spend(1000 + 1000 * found.size());
    for (SourcePackage& package : found) {
      const PackageSpec& spec = *package.spec;
      if (!FitsPlatform(spec.platform, request_.platform)) continue;
      if (!ids_.try_emplace(NameOf(spec), 0).second) continue;
      if (packages_.size() == kMaxResolveCandidates) return false;
      for (const Requirement& requirement : spec.requires_all) {
        for (const RelationTarget& target : requirement.any_of) reach(target.kind, target.name);
      }
      packages_.push_back(std::move(package));
    }
    if (!goes_on) return false;
  }
  return true;
}

/// By name, then in the order of preference; ties are told apart by what makes a variant.
void ResolveUniverse::SortPackages() {
  const std::set<VariantName> in_use(request_.in_use.begin(), request_.in_use.end());
  const bool keep = request_.mode == ResolveMode::kMinimalChange;
  const bool oldest = request_.mode == ResolveMode::kOldest;
  std::sort(packages_.begin(), packages_.end(), [&](const auto& a, const auto& b) {
    if (a.spec->package != b.spec->package) return a.spec->package < b.spec->package;
    if (keep) {
      const bool a_stays = in_use.contains(NameOf(*a.spec));
      const bool b_stays = in_use.contains(NameOf(*b.spec));
      if (a_stays != b_stays) return a_stays;
    }
    const std::weak_ordering order = Compare(a.spec->version, b.spec->version);
    if (order != 0) return oldest ? order < 0 : order > 0;
    return NameOf(*a.spec) < NameOf(*b.spec);
  });
  in_use_.resize(packages_.size());
  for (CandidateId id = 0; id < packages_.size(); ++id) {
    const VariantName name = NameOf(spec(id));
    ids_[name] = id;
    in_use_[id] = keep && in_use.contains(name);
  }
}

std::optional<CandidateId> ResolveUniverse::Find(const VariantName& name) const {
  auto found = ids_.find(name);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::vector<CandidateId> ResolveUniverse::VersionsOf(const PackageName& package) const {
  const auto [begin, end] = std::ranges::equal_range(
      packages_, package, {},
      [](const SourcePackage& item) -> const PackageName& { return item.spec->package; });
  std::vector<CandidateId> out(end - begin);
  std::iota(out.begin(), out.end(), static_cast<CandidateId>(begin - packages_.begin()));
  return out;
}

void ResolveUniverse::CollectOffers() {
  std::map<std::string_view, uint32_t> versions;
  std::map<PackageName, uint32_t> groups;
  for (CandidateId id = 0; id < packages_.size(); ++id) {
    const PackageSpec& package = spec(id);
    solver_.AddCandidate();
    const uint32_t group = groups.try_emplace(package.package, groups.size()).first->second;
    const uint32_t version =
        versions.try_emplace(package.version.text(), versions.size()).first->second;
    solver_.SetGroup(id, group, version);
    offers_[{RelationKind::kPackage, package.package.ToString()}].push_back(
        {id, &package.version, true});
    for (const Provision& provision : package.provides) {
      offers_[{provision.kind, provision.name}].push_back(
          {id, provision.version.has_value() ? &*provision.version : nullptr, false});
    }
  }
  for (auto& [name, offers] : offers_) {
    std::stable_sort(offers.begin(), offers.end(),
                     [](const Offer& a, const Offer& b) { return a.own && !b.own; });
  }
}

bool ResolveUniverse::Compile(std::span<const RelationTarget> wanted, SolveBudget& budget) {
  // A relation or constraint compiled costs far more than a step of the search.
  constexpr uint64_t kStepsOfOne = 500;
  wanted_.assign(wanted.begin(), wanted.end());
  CollectOffers();
  solver_.AddCandidate();  // The root.
  for (size_t i = 0; i < wanted_.size(); ++i) {
    Require(root(), Meeting({&wanted_[i], 1}, request_.platform),
            {Reason::Kind::kWanted, root(), i});
  }
  for (CandidateId id = 0; id < packages_.size(); ++id) {
    const PackageSpec& package = spec(id);
    if (!budget.Spend(kStepsOfOne * (1 + package.requires_all.size() + package.conflicts.size() +
                                     package.breaks.size()))) {
      return false;
    }
    for (size_t i = 0; i < package.requires_all.size(); ++i) CompileRequirement(id, i);
    CompileExclusions(id, Reason::Kind::kConflicts);
    CompileExclusions(id, Reason::Kind::kBreaks);
  }
  for (size_t i = 0; i < request_.constraints.size(); ++i) {
    if (!budget.Spend(kStepsOfOne)) return false;
    CompileConstraint(i);
  }
  return true;
}

const std::vector<ResolveUniverse::Offer>& ResolveUniverse::OffersOf(
    const RelationTarget& target) const {
  static const auto& none = *new std::vector<Offer>();
  auto found = offers_.find(Name(target.kind, target.name));
  return found == offers_.end() ? none : found->second;
}

/// In the order in which they are to be tried: what is in use, then by alternative.
std::vector<CandidateId> ResolveUniverse::Meeting(std::span<const RelationTarget> any_of,
                                                  const Platform& platform) const {
  std::vector<CandidateId> out;
  std::set<CandidateId> seen;
  for (const RelationTarget& target : any_of) {
    for (const Offer& offer : OffersOf(target)) {
      if (MatchVersion(target.range, offer.version) != Match::kYes) continue;
      if (!FitsPlatform(spec(offer.package).platform, platform)) continue;
      if (seen.insert(offer.package).second) out.push_back(offer.package);
    }
  }
  std::stable_partition(out.begin(), out.end(), [&](CandidateId id) { return in_use_[id]; });
  return out;
}

void ResolveUniverse::Require(CandidateId requirer, const std::vector<CandidateId>& any_of,
                              Reason reason) {
  if (solver_.AddRequirement(requirer, any_of) != ClauseSolver::kNoClause) {
    reasons_.push_back(reason);
  }
}

void ResolveUniverse::CompileRequirement(CandidateId id, size_t index) {
  const Requirement& requirement = spec(id).requires_all[index];
  if (requirement.scope == RelationScope::kEveryPeer) return CompileEveryPeer(id, index);
  const bool on_node = requirement.scope == RelationScope::kNode;
  Require(id, Meeting(requirement.any_of, on_node ? spec(id).platform : Platform{}),
          {Reason::Kind::kRequires, id, index});
}

/// There is a peer, and each of them meets one alternative (see ClosedWorld).
void ResolveUniverse::CompileEveryPeer(CandidateId id, size_t index) {
  const Requirement& requirement = spec(id).requires_all[index];
  const Reason reason{Reason::Kind::kRequires, id, index};
  const std::vector<CandidateId> meeting = Meeting(requirement.any_of, {});
  const std::set<CandidateId> good(meeting.begin(), meeting.end());
  std::set<CandidateId> bad;
  for (const RelationTarget& target : requirement.any_of) {
    for (const Offer& offer : OffersOf(target)) {
      if (!good.contains(offer.package)) bad.insert(offer.package);
    }
  }
  Require(id, meeting, reason);
  for (CandidateId peer : bad) {
    if (peer == id) {
      Require(id, {}, reason);
    } else {
      solver_.AddExclusion(id, peer);
      reasons_.push_back(reason);
    }
  }
}

void ResolveUniverse::CompileExclusions(CandidateId id, Reason::Kind kind) {
  const bool breaks = kind == Reason::Kind::kBreaks;
  const std::vector<Relation>& relations = breaks ? spec(id).breaks : spec(id).conflicts;
  for (size_t i = 0; i < relations.size(); ++i) {
    std::set<CandidateId> excluded;
    for (const Offer& offer : OffersOf(relations[i].target)) {
      if (spec(offer.package).package == spec(id).package) continue;
      if (MatchVersion(relations[i].target.range, offer.version) == Match::kNo) continue;
      excluded.insert(offer.package);
    }
    for (CandidateId other : excluded) {
      solver_.AddExclusion(id, other);
      reasons_.push_back({kind, id, i});
    }
  }
}

/// What is of another scheme than what is allowed is not shown to be allowed.
void ResolveUniverse::CompileConstraint(size_t index) {
  const ResolveConstraint& constraint = request_.constraints[index];
  for (CandidateId id : VersionsOf(constraint.package)) {
    if (MatchVersion(constraint.allowed, &spec(id).version) == Match::kYes) continue;
    Require(id, {}, {Reason::Kind::kConstraint, id, index});
  }
}

}  // namespace dml
