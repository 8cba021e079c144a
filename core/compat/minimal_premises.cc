#include "core/compat/minimal_premises.h"

#include <absl/container/flat_hash_map.h>

namespace dml {
namespace {

/// A solver of some premises alone, whose clauses are known by their place among these.
class Trial {
 public:
  explicit Trial(const ClauseSolver& from) : from_(from) {}

  void Add(const Premise& premise, size_t index) {
    switch (premise.kind) {
      case Premise::Kind::kWanted:
        wanted_.push_back(Local(premise.a));
        wanted_index_.push_back(index);
        return;
      case Premise::Kind::kOneVersion:
        solver_.AddExclusion(Local(premise.a), Local(premise.b));
        break;
      case Premise::Kind::kClause: {
        const CandidateId requirer = Local(from_.RequirerOf(premise.clause));
        std::vector<CandidateId> named;
        for (CandidateId candidate : from_.NamedBy(premise.clause)) {
          named.push_back(Local(candidate));
        }
        if (from_.IsExclusion(premise.clause)) {
          solver_.AddExclusion(requirer, named.front());
        } else {
          solver_.AddRequirement(requirer, named);
        }
        break;
      }
    }
    clause_index_.push_back(index);
  }

  Solvable Solve(SolveBudget& budget) { return solver_.Solve(wanted_, budget); }

  /// After kNo: which premises it took.
  std::vector<bool> Used(size_t count) const {
    std::vector<bool> used(count);
    for (const Premise& premise : solver_.premises()) {
      if (premise.kind == Premise::Kind::kClause) {
        used[clause_index_[premise.clause]] = true;
        continue;
      }
      for (size_t i = 0; i < wanted_.size(); ++i) {
        if (wanted_[i] == premise.a) used[wanted_index_[i]] = true;
      }
    }
    return used;
  }

 private:
  CandidateId Local(CandidateId candidate) {
    auto [it, added] = local_.try_emplace(candidate, 0);
    if (added) it->second = solver_.AddCandidate();
    return it->second;
  }

  const ClauseSolver& from_;
  ClauseSolver solver_;
  absl::flat_hash_map<CandidateId, CandidateId> local_;
  std::vector<CandidateId> wanted_;
  std::vector<size_t> wanted_index_;
  std::vector<size_t> clause_index_;
};

}  // namespace

MinimalPremises FindMinimalPremises(const ClauseSolver& solver, std::span<const Premise> premises,
                                    SolveBudget& budget) {
  MinimalPremises out{{premises.begin(), premises.end()}, false};
  std::vector<Premise>& kept = out.premises;
  for (size_t at = kept.size(); at > 0;) {
    --at;
    Trial trial(solver);
    size_t literals = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (i == at) continue;
      trial.Add(kept[i], i);
      if (kept[i].kind == Premise::Kind::kClause) literals += solver.NamedBy(kept[i].clause).size();
    }
    if (!budget.Spend(kept.size() + literals)) return out;
    const Solvable solvable = trial.Solve(budget);
    if (solvable == Solvable::kUndecided) return out;
    if (solvable == Solvable::kYes) continue;
    // What the new proof does not need is left out as well; premises tried before stay needed.
    const std::vector<bool> used = trial.Used(kept.size());
    std::vector<Premise> fewer;
    size_t next = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!used[i]) continue;
      fewer.push_back(kept[i]);
      if (i < at) next = fewer.size();
    }
    kept = std::move(fewer);
    at = next;
  }
  out.minimal = true;
  return out;
}

}  // namespace dml
