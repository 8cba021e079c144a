// The fewest premises: of a proof that no set of packages will do, those that nothing can be left
// out of.
#pragma once

#include <span>
#include <vector>

#include "core/compat/clause_solver.h"

namespace dml {

struct MinimalPremises {
  std::vector<Premise> premises;  // Sorted.
  /// Every premise is needed: without any one of them there is a solution. False where the budget
  /// ended before that was sure; the premises suffice all the same.
  bool minimal = false;
};

/// Leaves out one premise after the other, last first, for as long as there is no solution without
/// it. `premises` are those of `solver`, after it said kNo.
MinimalPremises FindMinimalPremises(const ClauseSolver& solver, std::span<const Premise> premises,
                                    SolveBudget& budget);

}  // namespace dml
