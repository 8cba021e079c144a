#include "core/compat/clause_solver.h"

#include <algorithm>
#include <utility>

namespace dml {
namespace {

constexpr ClauseId kFirstNeed =
    ClauseSolver::kNoClause - 1;  // A cursor that just got to its place.
constexpr uint32_t kNoGroup = UINT32_MAX;
// Room for what is learnt, in words of 4 bytes.
constexpr size_t kMaxLearntWords = 24 << 20;

}  // namespace

SolveBudget::SolveBudget(uint64_t max_steps, std::function<bool()> stop)
    : max_steps_(max_steps), stop_(std::move(stop)) {}

bool SolveBudget::Spend(uint64_t steps) {
  steps_ += steps;
  if (exhausted_) return false;
  if (steps_ > max_steps_) exhausted_ = true;
  if (!exhausted_ && stop_ && steps_ >= next_stop_) {
    next_stop_ = steps_ + kStepsBetweenStops;
    stopped_ = stop_();
    exhausted_ = stopped_;
  }
  return !exhausted_;
}

bool ClauseSolver::IsTrue(Literal literal) const {
  return values_[CandidateOf(literal)] == ((literal & 1) != 0 ? Value::kOut : Value::kTaken);
}

bool ClauseSolver::IsFalse(Literal literal) const { return IsTrue(literal ^ 1); }

CandidateId ClauseSolver::AddCandidate() {
  values_.push_back(Value::kOpen);
  level_of_.push_back(0);
  cause_of_.emplace_back();
  seen_.push_back(0);
  first_need_.push_back(kNoClause);
  last_need_.push_back(kNoClause);
  group_of_.emplace_back(kNoGroup, 0);
  watches_.resize(watches_.size() + 2);
  return static_cast<CandidateId>(values_.size() - 1);
}

void ClauseSolver::SetGroup(CandidateId candidate, uint32_t group, uint32_t version) {
  ForgetAll();
  if (groups_.size() <= group) groups_.resize(group + 1);
  groups_[group].push_back({candidate, version});
  group_of_[candidate] = {group, version};
}

ClauseId ClauseSolver::AddRequirement(CandidateId requirer, std::span<const CandidateId> any_of) {
  std::vector<Literal> literals = {Out(requirer)};
  for (CandidateId candidate : any_of) {
    if (candidate == requirer) return kNoClause;
    literals.push_back(In(candidate));
  }
  const ClauseId id = AddClause(literals, /*exclusion=*/false);
  ClauseId& last = last_need_[requirer];
  (last == kNoClause ? first_need_[requirer] : clauses_[last].next_need) = id;
  last = id;
  return id;
}

ClauseId ClauseSolver::AddExclusion(CandidateId a, CandidateId b) {
  const Literal literals[] = {Out(a), Out(b)};
  return AddClause(literals, /*exclusion=*/true);
}

ClauseId ClauseSolver::AddClause(std::span<const Literal> literals, bool exclusion) {
  ForgetAll();
  const auto id = static_cast<ClauseId>(clauses_.size());
  const auto size = static_cast<uint32_t>(literals.size());
  clauses_.push_back({static_cast<uint32_t>(literals_.size()), size, {0, 1}, kNoClause, exclusion});
  literals_.insert(literals_.end(), literals.begin(), literals.end());
  original_clauses_ = static_cast<uint32_t>(clauses_.size());
  original_literals_ = literals_.size();
  if (size == 1) {
    units_.push_back(id);
  } else {
    WatchClause(id);
  }
  return id;
}

void ClauseSolver::WatchClause(ClauseId clause) {
  const auto& [begin, size, watch, next_need, exclusion] = clauses_[clause];
  const Literal a = literals_[begin + watch[0]];
  const Literal b = literals_[begin + watch[1]];
  watches_[a].push_back({clause, b});
  watches_[b].push_back({clause, a});
}

/// Back to the clauses that were added, with nothing decided.
void ClauseSolver::ForgetAll() {
  if (fresh_) return;
  GoBackTo(0);
  for (Literal literal : trail_) values_[CandidateOf(literal)] = Value::kOpen;
  trail_.clear();
  propagated_ = 0;
  fresh_ = true;
  if (clauses_.size() == original_clauses_) return;
  clauses_.resize(original_clauses_);
  literals_.resize(original_literals_);
  antecedents_.clear();
  antecedents_end_.clear();
  for (std::vector<Watch>& watches : watches_) {
    std::erase_if(watches, [&](const Watch& watch) { return watch.clause >= original_clauses_; });
  }
}

void ClauseSolver::Assign(Literal literal, Cause cause) {
  const CandidateId candidate = CandidateOf(literal);
  values_[candidate] = (literal & 1) != 0 ? Value::kOut : Value::kTaken;
  level_of_[candidate] = level();
  cause_of_[candidate] = cause;
  trail_.push_back(literal);
}

/// A decision, which starts a level.
void ClauseSolver::Take(CandidateId candidate) {
  levels_.push_back({static_cast<uint32_t>(trail_.size()), cursor_});
  if (values_[candidate] == Value::kOpen) Assign(In(candidate), {});
}

void ClauseSolver::GoBackTo(uint32_t level) {
  if (levels_.size() <= level) return;
  const Level& first = levels_[level];
  for (size_t i = first.trail; i < trail_.size(); ++i) {
    values_[CandidateOf(trail_[i])] = Value::kOpen;
  }
  trail_.resize(first.trail);
  propagated_ = std::min(propagated_, first.trail);
  cursor_ = first.cursor;
  levels_.resize(level);
}

/// Carries through what follows from the trail; false on a conflict. Ends early, between two
/// literals, where the budget is exhausted.
bool ClauseSolver::Propagate(SolveBudget& budget) {
  while (propagated_ < trail_.size()) {
    if (!budget.Spend(std::exchange(work_, 0) + 1)) return true;
    const Literal literal = trail_[propagated_++];
    if ((literal & 1) == 0 && !PropagateGroup(CandidateOf(literal))) return false;
    if (!PropagateWatches(literal ^ 1)) return false;
  }
  return true;
}

bool ClauseSolver::PropagateGroup(CandidateId taken) {
  const auto [group, version] = group_of_[taken];
  if (group == kNoGroup) return true;
  work_ += groups_[group].size();
  for (const Member& member : groups_[group]) {
    if (member.version == version || values_[member.candidate] == Value::kOut) continue;
    const Cause cause{Cause::Kind::kGroup, taken, member.candidate};
    if (values_[member.candidate] == Value::kTaken) {
      conflict_ = cause;
      return false;
    }
    Assign(Out(member.candidate), cause);
  }
  return true;
}

bool ClauseSolver::PropagateWatches(Literal made_false) {
  std::vector<Watch>& watches = watches_[made_false];
  work_ += watches.size();
  size_t kept = 0;
  for (size_t i = 0; i < watches.size(); ++i) {
    const Watch watch = watches[i];
    const Effect effect =
        IsTrue(watch.other) ? Effect::kStays : PropagateClause(watch.clause, made_false);
    if (effect != Effect::kMoves) watches[kept++] = watch;
    if (effect != Effect::kConflict) continue;
    for (++i; i < watches.size(); ++i) watches[kept++] = watches[i];
    watches.resize(kept);
    return false;
  }
  watches.resize(kept);
  return true;
}

/// Looks for another literal to watch, from the last one on and around (Gent 2013), so that a long
/// clause is walked once along a path of the search.
ClauseSolver::Effect ClauseSolver::PropagateClause(ClauseId id, Literal made_false) {
  Clause& clause = clauses_[id];
  const Literal* literals = literals_.data() + clause.begin;
  const size_t which = literals[clause.watch[0]] == made_false ? 0 : 1;
  const uint32_t other_at = clause.watch[1 - which];
  const Literal other = literals[other_at];
  if (IsTrue(other)) return Effect::kStays;
  uint32_t at = clause.watch[which];
  for (uint32_t n = 1; n < clause.size; ++n) {
    if (++at == clause.size) at = 0;
    if (at == other_at || IsFalse(literals[at])) continue;
    work_ += n;
    clause.watch[which] = at;
    watches_[literals[at]].push_back({id, other});
    return Effect::kMoves;
  }
  work_ += clause.size;
  const Cause cause{Cause::Kind::kClause, id, 0};
  if (IsFalse(other)) {
    conflict_ = cause;
    return Effect::kConflict;
  }
  Assign(other, cause);
  return Effect::kStays;
}

bool ClauseSolver::IsMet(ClauseId requirement) const {
  const Clause& clause = clauses_[requirement];
  for (uint32_t i = 1; i < clause.size; ++i) {
    if (IsTrue(literals_[clause.begin + i])) return true;
  }
  return false;
}

/// Requirements before the cursor are met, and stay so until the search goes back.
ClauseId ClauseSolver::FirstUnmetNeed() {
  for (; cursor_.trail < trail_.size(); ++cursor_.trail, cursor_.clause = kFirstNeed) {
    const Literal literal = trail_[cursor_.trail];
    if ((literal & 1) != 0) continue;
    if (cursor_.clause == kFirstNeed) cursor_.clause = first_need_[CandidateOf(literal)];
    for (; cursor_.clause != kNoClause; cursor_.clause = clauses_[cursor_.clause].next_need) {
      work_ += clauses_[cursor_.clause].size;
      if (!IsMet(cursor_.clause)) return cursor_.clause;
    }
  }
  return kNoClause;
}

/// Takes one more candidate: kUndecided. kYes: nothing is left to be done; kNo: a wanted one is
/// out.
Solvable ClauseSolver::Decide(std::span<const CandidateId> wanted) {
  if (levels_.size() < wanted.size()) {
    const CandidateId candidate = wanted[levels_.size()];
    if (values_[candidate] == Value::kOut) {
      Explain(candidate);
      return Solvable::kNo;
    }
    Take(candidate);
    return Solvable::kUndecided;
  }
  const ClauseId need = FirstUnmetNeed();
  if (need == kNoClause) return Solvable::kYes;
  // There is an open one: a clause with none would have been a conflict.
  const Clause& clause = clauses_[need];
  uint32_t at = clause.begin + 1;
  while (IsFalse(literals_[at])) ++at;
  work_ += at - clause.begin;
  Take(CandidateOf(literals_[at]));
  return Solvable::kUndecided;
}

Solvable ClauseSolver::Solve(std::span<const CandidateId> wanted, SolveBudget& budget) {
  premises_.clear();
  GoBackTo(0);
  if (LearntWords() > kMaxLearntWords / 2) ForgetAll();
  cursor_ = {0, kFirstNeed};
  if (std::exchange(fresh_, false)) {
    for (ClauseId unit : units_) {
      const Literal literal = literals_[clauses_[unit].begin];
      if (!IsTrue(literal)) Assign(literal, {Cause::Kind::kClause, unit, 0});
    }
  }
  while (budget.Spend(std::exchange(work_, 0) + 1)) {
    const bool consistent = Propagate(budget);
    if (budget.exhausted() || LearntWords() > kMaxLearntWords) break;
    if (!consistent) {
      Learn();
      continue;
    }
    const Solvable decided = Decide(wanted);
    if (decided != Solvable::kUndecided) return decided;
  }
  GoBackTo(0);
  return Solvable::kUndecided;
}

size_t ClauseSolver::LearntWords() const {
  return literals_.size() - original_literals_ + 3 * antecedents_.size();
}

std::vector<CandidateId> ClauseSolver::Taken() const {
  std::vector<CandidateId> out;
  for (Literal literal : trail_) {
    if ((literal & 1) == 0) out.push_back(CandidateOf(literal));
  }
  return out;
}

CandidateId ClauseSolver::RequirerOf(ClauseId clause) const {
  return CandidateOf(literals_[clauses_[clause].begin]);
}

std::vector<CandidateId> ClauseSolver::NamedBy(ClauseId clause) const {
  std::vector<CandidateId> out;
  for (uint32_t i = 1; i < clauses_[clause].size; ++i) {
    out.push_back(CandidateOf(literals_[clauses_[clause].begin + i]));
  }
  return out;
}

}  // namespace dml
