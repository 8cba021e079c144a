#include "core/compat/resolver.h"

#include <algorithm>

#include "core/compat/resolve_universe.h"

namespace dml {
namespace {

Resolution Undecided(const SolveBudget& budget) {
  Resolution out;
  out.reasons.push_back(budget.stopped() ? "undecided: the search was stopped"
                        : budget.exhausted()
                            ? fmt::format("undecided after {} steps", budget.steps())
                            : fmt::format("undecided: more than {} packages can be reached, or too "
                                          "much would have to be remembered",
                                          kMaxResolveCandidates));
  return out;
}

/// Wishes are granted one after the other, each beside all those granted before: so no further one
/// could be.
class Wishes {
 public:
  Wishes(ResolveUniverse& universe, SolveBudget& budget)
      : universe_(universe), budget_(budget), granted_{universe.root()} {}

  Solvable Start() { return universe_.solver().Solve(granted_, budget_); }

  /// Any one of them; the search must have said kYes.
  Solvable Grant(std::span<const CandidateId> any_of) {
    ClauseSolver& solver = universe_.solver();
    for (CandidateId id : any_of) {
      if (solver.IsTaken(id)) {
        granted_.push_back(id);
        return Solvable::kYes;
      }
    }
    for (CandidateId id : any_of) {
      granted_.push_back(id);
      const Solvable solvable = solver.Solve(granted_, budget_);
      if (solvable != Solvable::kNo) return solvable;
      granted_.pop_back();
    }
    return solver.Solve(granted_, budget_);  // As it was.
  }

 private:
  ResolveUniverse& universe_;
  SolveBudget& budget_;
  std::vector<CandidateId> granted_;
};

/// Keeps what is in use as far as it can be, and another version of what cannot.
Solvable SolveKeeping(ResolveUniverse& universe, std::vector<VariantName> in_use,
                      SolveBudget& budget) {
  Wishes wishes(universe, budget);
  Solvable solvable = wishes.Start();
  std::sort(in_use.begin(), in_use.end());
  for (const VariantName& name : in_use) {
    const std::optional<CandidateId> id = universe.Find(name);
    if (id.has_value() && solvable == Solvable::kYes) solvable = wishes.Grant({&*id, 1});
  }
  for (const VariantName& name : in_use) {
    if (solvable == Solvable::kYes) solvable = wishes.Grant(universe.VersionsOf(name.package));
  }
  return solvable;
}

absl::StatusOr<Resolution> ResolveWanted(const PackageSource& source, const ResolveRequest& request,
                                         SolveBudget& budget) {
  ResolveUniverse universe(source, request);
  DML_ASSIGN_OR_RETURN(const bool loaded, universe.Load({}, budget));
  if (!loaded) return Undecided(budget);
  if (!universe.Compile(request.wanted, budget)) return Undecided(budget);
  Resolution out;
  const CandidateId root = universe.root();
  out.solvable = request.mode == ResolveMode::kMinimalChange
                     ? SolveKeeping(universe, request.in_use, budget)
                     : universe.solver().Solve({&root, 1}, budget);
  if (out.solvable == Solvable::kUndecided) return Undecided(budget);
  if (out.solvable == Solvable::kNo) {
    universe.Explain(budget, out);
    return out;
  }
  std::vector<CandidateId> taken = universe.solver().Taken();
  std::erase(taken, root);
  for (CandidateId id : taken) out.packages.push_back(universe.package(id));
  std::sort(out.packages.begin(), out.packages.end(), [](const auto& a, const auto& b) {
    return VariantName{a.spec->package, a.spec->version.text(), a.spec->platform} <
           VariantName{b.spec->package, b.spec->version.text(), b.spec->platform};
  });
  return out;
}

}  // namespace

std::string_view ResolveModeName(ResolveMode mode) {
  switch (mode) {
    case ResolveMode::kNewest:
      return "NEWEST";
    case ResolveMode::kMinimalChange:
      return "MINIMAL_CHANGE";
    case ResolveMode::kOldest:
      return "OLDEST";
  }
  return "";
}

absl::StatusOr<Resolution> Resolve(const PackageSource& source, const ResolveRequest& request,
                                   SolveBudget& budget) {
  return ResolveWanted(source, request, budget);
}

absl::StatusOr<Resolution> WhyNot(const PackageSource& source, const ResolveRequest& request,
                                  const RelationTarget& target, SolveBudget& budget) {
  ResolveRequest with = request;
  with.wanted.insert(with.wanted.begin(), target);
  return ResolveWanted(source, with, budget);
}

absl::StatusOr<std::vector<VersionAnswer>> CompatibleVersions(const PackageSource& source,
                                                              const ResolveRequest& request,
                                                              const PackageName& package,
                                                              SolveBudget& budget) {
  std::vector<VersionAnswer> out;
  ResolveUniverse universe(source, request);
  DML_ASSIGN_OR_RETURN(bool ready, universe.Load({&package, 1}, budget));
  std::vector<CandidateId> versions = universe.VersionsOf(package);
  ready = ready && universe.Compile(request.wanted, budget);
  for (CandidateId id : versions) {
    const CandidateId wanted[] = {universe.root(), id};
    out.push_back({universe.package(id),
                   ready ? universe.solver().Solve(wanted, budget) : Solvable::kUndecided});
  }
  std::stable_sort(out.begin(), out.end(), [](const VersionAnswer& a, const VersionAnswer& b) {
    return Compare(a.package.spec->version, b.package.spec->version) > 0;
  });
  return out;
}

}  // namespace dml
