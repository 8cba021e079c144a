// ClauseSolver against every subset of small random problems.
#include "core/compat/clause_solver.h"

#include <algorithm>
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/compat/minimal_premises.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Ids = std::vector<CandidateId>;

/// A problem as it was stated, beside the solver that has it.
struct Problem {
  struct Clause {
    CandidateId requirer;
    Ids named;
    bool exclusion;
  };
  uint32_t count = 0;
  std::vector<std::pair<uint32_t, uint32_t>> group;  // Of each candidate, with its version.
  std::vector<Clause> clauses;                       // By id.
  ClauseSolver solver;

  bool Holds(const Premise& premise, uint32_t set) const {
    auto in = [set](CandidateId c) { return (set >> c & 1) != 0; };
    switch (premise.kind) {
      case Premise::Kind::kWanted:
        return in(premise.a);
      case Premise::Kind::kOneVersion:
        return !in(premise.a) || !in(premise.b);
      case Premise::Kind::kClause:
        break;
    }
    const Clause& clause = clauses[premise.clause];
    if (!in(clause.requirer)) return true;
    bool any = std::any_of(clause.named.begin(), clause.named.end(), in);
    return clause.exclusion ? !any : any;
  }
  bool HoldAll(std::span<const Premise> premises, uint32_t set) const {
    return std::all_of(premises.begin(), premises.end(),
                       [&](const Premise& premise) { return Holds(premise, set); });
  }
  bool HaveSolution(std::span<const Premise> premises) const {
    for (uint32_t set = 0; set < 1U << count; ++set) {
      if (HoldAll(premises, set)) return true;
    }
    return false;
  }
  std::vector<Premise> AllPremises(const Ids& wanted) const {
    std::vector<Premise> out;
    for (CandidateId c : wanted) out.push_back({Premise::Kind::kWanted, 0, c, 0});
    for (ClauseId id = 0; id < clauses.size(); ++id) {
      out.push_back({Premise::Kind::kClause, id, 0, 0});
    }
    for (CandidateId a = 0; a < count; ++a) {
      for (CandidateId b = a + 1; b < count; ++b) {
        if (group[a].first == group[b].first && group[a].second != group[b].second) {
          out.push_back({Premise::Kind::kOneVersion, 0, a, b});
        }
      }
    }
    return out;
  }
};

Problem RandomProblem(std::mt19937& random) {
  Problem out;
  out.count = 3 + random() % 8;
  for (CandidateId c = 0; c < out.count; ++c) {
    out.solver.AddCandidate();
    out.group.emplace_back(random() % 4, random() % 3);
    out.solver.SetGroup(c, out.group[c].first, out.group[c].second);
  }
  for (size_t n = random() % (3 * out.count); n > 0; --n) {
    const CandidateId requirer = random() % out.count;
    Ids named;
    const bool exclusion = random() % 4 == 0;
    for (size_t m = exclusion ? 1 : random() % 4; m > 0; --m) {
      const CandidateId candidate = random() % out.count;
      if (candidate != requirer && !std::ranges::count(named, candidate)) {
        named.push_back(candidate);
      }
    }
    if (exclusion && named.empty()) continue;
    const ClauseId id = exclusion ? out.solver.AddExclusion(requirer, named[0])
                                  : out.solver.AddRequirement(requirer, named);
    EXPECT_EQ(id, out.clauses.size());
    out.clauses.push_back({requirer, named, exclusion});
  }
  return out;
}

uint32_t SetOf(const Ids& taken) {
  uint32_t set = 0;
  for (CandidateId c : taken) set |= 1U << c;
  return set;
}

TEST(ClauseSolverTest, AgreesWithEverySubsetOfSmallProblems) {
  const uint32_t seed = 6101;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int solved = 0, refused = 0, learnt = 0;
  for (int round = 0; round < 4000; ++round) {
    Problem problem = RandomProblem(random);
    for (int search = 0; search < 4; ++search) {  // What is learnt stays for the next.
      Ids wanted;
      for (size_t n = 1 + random() % 3; n > 0; --n) wanted.push_back(random() % problem.count);
      const std::vector<Premise> all = problem.AllPremises(wanted);
      const bool expected = problem.HaveSolution(all);
      SolveBudget budget;
      const Solvable solvable = problem.solver.Solve(wanted, budget);
      ASSERT_EQ(solvable, expected ? Solvable::kYes : Solvable::kNo) << round;
      if (expected) {
        ++solved;
        ASSERT_TRUE(problem.HoldAll(all, SetOf(problem.solver.Taken()))) << round;
        continue;
      }
      ++refused;
      const std::vector<Premise> premises = problem.solver.premises();
      ASSERT_FALSE(problem.HaveSolution(premises)) << round;
      const MinimalPremises minimal = FindMinimalPremises(problem.solver, premises, budget);
      ASSERT_TRUE(minimal.minimal);
      ASSERT_FALSE(problem.HaveSolution(minimal.premises)) << round;
      for (size_t i = 0; i < minimal.premises.size(); ++i) {
        std::vector<Premise> others = minimal.premises;
        others.erase(others.begin() + static_cast<ptrdiff_t>(i));
        ASSERT_TRUE(problem.HaveSolution(others)) << round << " without premise " << i;
      }
      learnt += minimal.premises.size() > 4;
    }
  }
  EXPECT_GT(solved, 1000);
  EXPECT_GT(refused, 1000);
  EXPECT_GT(learnt, 100);
}

TEST(ClauseSolverTest, TakesTheFirstThatWillDoAndNothingNeedless) {
  ClauseSolver solver;
  for (int i = 0; i < 6; ++i) solver.AddCandidate();
  solver.AddRequirement(0, Ids{1, 2, 3});
  solver.AddRequirement(1, Ids{4});
  solver.AddExclusion(0, 4);
  SolveBudget budget;
  ASSERT_EQ(solver.Solve(Ids{0}, budget), Solvable::kYes);
  EXPECT_THAT(solver.Taken(), ElementsAre(0, 2));
  ASSERT_EQ(solver.Solve(Ids{5}, budget), Solvable::kYes);
  EXPECT_THAT(solver.Taken(), ElementsAre(5));
  ASSERT_EQ(solver.Solve(Ids{0, 1}, budget), Solvable::kNo);
  ASSERT_EQ(solver.Solve({}, budget), Solvable::kYes);
  EXPECT_THAT(solver.Taken(), IsEmpty());
}

TEST(ClauseSolverTest, ClausesMayBeAddedBetweenSearches) {
  ClauseSolver solver;
  for (int i = 0; i < 3; ++i) solver.AddCandidate();
  solver.AddRequirement(0, Ids{1, 2});
  SolveBudget budget;
  ASSERT_EQ(solver.Solve(Ids{0}, budget), Solvable::kYes);
  solver.AddRequirement(1, {});
  ASSERT_EQ(solver.Solve(Ids{0}, budget), Solvable::kYes);
  EXPECT_THAT(solver.Taken(), ElementsAre(0, 2));
  solver.AddExclusion(2, 0);
  EXPECT_EQ(solver.Solve(Ids{0}, budget), Solvable::kNo);
  EXPECT_EQ(solver.AddRequirement(1, Ids{2, 1}), ClauseSolver::kNoClause);
}

/// One pigeon more than there are holes: no short proof by resolution exists (Haken 1985).
void AddPigeons(ClauseSolver& solver, uint32_t holes) {
  const CandidateId root = solver.AddCandidate();
  for (uint32_t i = 0; i < (holes + 1) * holes; ++i) solver.AddCandidate();
  for (uint32_t pigeon = 0; pigeon <= holes; ++pigeon) {
    Ids places;
    for (uint32_t hole = 0; hole < holes; ++hole) places.push_back(1 + pigeon * holes + hole);
    solver.AddRequirement(root, places);
    for (uint32_t other = 0; other < pigeon; ++other) {
      for (uint32_t hole = 0; hole < holes; ++hole) {
        solver.AddExclusion(places[hole], 1 + other * holes + hole);
      }
    }
  }
}

TEST(ClauseSolverTest, SaysUndecidedWhenTheBudgetEnds) {
  ClauseSolver solver;
  AddPigeons(solver, 14);
  SolveBudget budget(3'000'000);
  EXPECT_EQ(solver.Solve(Ids{0}, budget), Solvable::kUndecided);
  EXPECT_TRUE(budget.exhausted());
  EXPECT_FALSE(budget.stopped());
  EXPECT_THAT(solver.premises(), IsEmpty());
  SolveBudget other;
  EXPECT_EQ(solver.Solve(Ids{1}, other), Solvable::kYes);

  ClauseSolver small;
  AddPigeons(small, 5);
  EXPECT_EQ(small.Solve(Ids{0}, other), Solvable::kNo);
}

TEST(ClauseSolverTest, AsksOftenWhetherToStop) {
  ClauseSolver solver;
  AddPigeons(solver, 14);
  using Clock = std::chrono::steady_clock;
  auto last = Clock::now();
  Clock::duration longest{};
  int asked = 0;
  SolveBudget budget(SolveBudget::kDefaultSolveSteps, [&] {
    const auto now = Clock::now();
    longest = std::max(longest, now - last);
    last = now;
    return ++asked == 100;
  });
  EXPECT_EQ(solver.Solve(Ids{0}, budget), Solvable::kUndecided);
  EXPECT_TRUE(budget.stopped());
  EXPECT_EQ(asked, 100);
  // 10 ms is what is promised; other work of the machine may come between.
  EXPECT_LT(longest, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace dml
