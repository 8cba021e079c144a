// Why no set of packages will do, as numbered lines for people.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/compat/clause_solver.h"
#include "core/compat/minimal_premises.h"

namespace dml {

/// What candidates and clauses of a solver are called.
class PremiseWords {
 public:
  virtual ~PremiseWords() = default;
  /// "lib 2.1"; "" for one that stands for the request, of which its clauses say all.
  virtual std::string CandidateText(CandidateId candidate) const = 0;
  /// What is said of the requirer, or of the first of an exclusion: "requires lib (>= 2)". Where
  /// a requirement names no candidate, the text says why.
  virtual std::string ClauseText(ClauseId clause) const = 0;
};

/// Most lines of an explanation, and candidates listed in one.
inline constexpr size_t kMaxExplanationLines = 20;
inline constexpr size_t kMaxListedCandidates = 4;

/// One line for each premise, in the order in which a person would come upon them: what is wanted
/// first, then what that requires. Premises that differ in their subject alone share a line. A
/// number in parentheses is the line that brings a package in:
///   1. app 1 is asked for
///   2. app 1 (1) requires lib (>= 2): lib 2.1 or lib 2.2 would do
///   3. lib 2.1 (2), lib 2.2 (2): requires fast-io, which nothing provides
/// At most kMaxExplanationLines; the last one then says how many are left out.
std::vector<std::string> PremisesInWords(const ClauseSolver& solver,
                                         std::span<const Premise> premises,
                                         const PremiseWords& words);

}  // namespace dml
