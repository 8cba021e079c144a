// How ClauseSolver learns from conflicts, and tells what a refusal follows from.
#include <algorithm>
#include <utility>

#include "core/compat/clause_solver.h"

namespace dml {

template <typename Visit>
void ClauseSolver::ForEachLiteral(const Cause& cause, Visit visit) const {
  if (cause.kind == Cause::Kind::kGroup) {
    visit(Out(cause.id));
    visit(Out(cause.other));
  } else if (cause.kind == Cause::Kind::kClause) {
    const Clause& clause = clauses_[cause.id];
    for (uint32_t i = 0; i < clause.size; ++i) visit(literals_[clause.begin + i]);
  }
}

/// Resolves the conflict with causes, last made first, until one literal of this level is left:
/// the first unique implication point. Then goes back as far as the others still hold.
void ClauseSolver::Learn() {
  std::vector<Literal> learnt = {0};
  uint32_t open = 0;
  size_t at = trail_.size();
  Cause cause = conflict_;
  do {
    antecedents_.push_back(cause);
    ForEachLiteral(cause, [&](Literal literal) {
      const CandidateId candidate = CandidateOf(literal);
      ++work_;
      if (seen_[candidate] || level_of_[candidate] == 0 || IsTrue(literal)) return;
      seen_[candidate] = 1;
      if (level_of_[candidate] == level()) {
        ++open;
      } else {
        learnt.push_back(literal);
      }
    });
    do {
      --at;
    } while (!seen_[CandidateOf(trail_[at])]);
    seen_[CandidateOf(trail_[at])] = 0;
    cause = cause_of_[CandidateOf(trail_[at])];
  } while (--open > 0);
  learnt[0] = trail_[at] ^ 1;
  for (Literal literal : learnt) seen_[CandidateOf(literal)] = 0;
  const ClauseId id = KeepLearnt(learnt);
  Assign(learnt[0], {Cause::Kind::kClause, id, 0});
}

ClauseId ClauseSolver::KeepLearnt(std::vector<Literal>& learnt) {
  uint32_t back = 0;
  uint32_t second = 1;
  for (uint32_t i = 1; i < learnt.size(); ++i) {
    const uint32_t level = level_of_[CandidateOf(learnt[i])];
    if (level > back) second = i;
    back = std::max(back, level);
  }
  GoBackTo(back);
  const auto id = static_cast<ClauseId>(clauses_.size());
  clauses_.push_back({static_cast<uint32_t>(literals_.size()),
                      static_cast<uint32_t>(learnt.size()),
                      {0, second},
                      kNoClause,
                      false});
  literals_.insert(literals_.end(), learnt.begin(), learnt.end());
  antecedents_end_.push_back(antecedents_.size());
  if (learnt.size() > 1) WatchClause(id);
  return id;
}

/// What the causes of a refused candidate follow from, back to clauses that were added.
void ClauseSolver::Explain(CandidateId refused) {
  premises_.push_back({Premise::Kind::kWanted, 0, refused, 0});
  std::vector<uint8_t> expanded(clauses_.size() - original_clauses_);
  std::vector<ClauseId> learnt;
  std::vector<CandidateId> open = {refused};
  std::vector<CandidateId> seen;
  auto reach = [&](CandidateId candidate) {
    if (seen_[candidate]) return;
    seen_[candidate] = 1;
    seen.push_back(candidate);
    open.push_back(candidate);
  };
  while (!open.empty()) {
    const CandidateId candidate = open.back();
    open.pop_back();
    const Cause& cause = cause_of_[candidate];
    if (cause.kind == Cause::Kind::kNone) {
      premises_.push_back({Premise::Kind::kWanted, 0, candidate, 0});
      continue;
    }
    NotePremise(cause, learnt);
    ForEachLiteral(cause, [&](Literal literal) { reach(CandidateOf(literal)); });
    while (!learnt.empty()) {
      const size_t index = learnt.back() - original_clauses_;
      learnt.pop_back();
      if (std::exchange(expanded[index], 1)) continue;
      for (size_t i = index == 0 ? 0 : antecedents_end_[index - 1]; i < antecedents_end_[index];
           ++i) {
        NotePremise(antecedents_[i], learnt);
        ForEachLiteral(antecedents_[i], [&](Literal literal) {
          const CandidateId other = CandidateOf(literal);
          if (values_[other] != Value::kOpen && level_of_[other] == 0) reach(other);
        });
      }
    }
  }
  for (CandidateId candidate : seen) seen_[candidate] = 0;
  std::sort(premises_.begin(), premises_.end());
  premises_.erase(std::unique(premises_.begin(), premises_.end()), premises_.end());
}

void ClauseSolver::NotePremise(const Cause& cause, std::vector<ClauseId>& learnt) {
  if (cause.kind == Cause::Kind::kGroup) {
    premises_.push_back({Premise::Kind::kOneVersion, 0, std::min(cause.id, cause.other),
                         std::max(cause.id, cause.other)});
  } else if (cause.id < original_clauses_) {
    premises_.push_back({Premise::Kind::kClause, cause.id, 0, 0});
  } else {
    learnt.push_back(cause.id);
  }
}

}  // namespace dml
