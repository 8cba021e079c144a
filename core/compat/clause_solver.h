// A conflict-driven solver for sets of packages: which candidates to take so that clauses hold.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace dml {

using CandidateId = uint32_t;
using ClauseId = uint32_t;

/// What bounds a search, and ends it early. Spent by every search that it is handed to.
class SolveBudget {
 public:
  /// A step is a literal or a watch looked at: some nanoseconds. `stop` may be empty; it is asked
  /// every kStepsBetweenStops steps (about a millisecond) and never again once it said yes.
  explicit SolveBudget(uint64_t max_steps = kDefaultSolveSteps, std::function<bool()> stop = {});

  /// False once the steps are used up or `stop` said yes; it stays so.
  bool Spend(uint64_t steps);
  bool exhausted() const { return exhausted_; }
  bool stopped() const { return stopped_; }
  uint64_t steps() const { return steps_; }

  static constexpr uint64_t kStepsBetweenStops = 1 << 16;
  static constexpr uint64_t kStepsOfSpec = 10'000;  // To read a package spec, about.
  static constexpr uint64_t kDefaultSolveSteps = 2'000'000'000;

 private:
  const uint64_t max_steps_;
  const std::function<bool()> stop_;
  uint64_t steps_ = 0;
  uint64_t next_stop_ = kStepsBetweenStops;
  bool exhausted_ = false;
  bool stopped_ = false;
};

enum class Solvable { kYes, kNo, kUndecided };

/// One premise of a proof that there is no solution.
struct Premise {
  enum class Kind { kWanted, kClause, kOneVersion };
  Kind kind = Kind::kClause;
  ClauseId clause = 0;  // kClause: as returned by Add...().
  CandidateId a = 0;    // kWanted: the candidate. kOneVersion: a < b exclude each other.
  CandidateId b = 0;
  auto operator<=>(const Premise&) const = default;
};

/// Candidates and clauses over them, and a search for a set of candidates that fulfils all clauses.
///
/// Every clause says what follows from a candidate being taken, so the empty set fulfils them all,
/// and only what is wanted or required is ever taken. The search is that of PubGrub (and of
/// MiniSat, Een and Sorensson 2003, without restarts): take the first candidate that may still be
/// taken for the first requirement that is not met, in the order in which requirers were taken;
/// carry consequences through; on a conflict learn the first unique implication point and go back
/// as far as that allows. It is deterministic, and the result is the first one in that order: the
/// first of the wanted candidate's requirements gets the earliest candidate of any solution.
///
/// What is learnt is kept for the searches that follow. Not for use by several threads at once.
class ClauseSolver {
 public:
  static constexpr ClauseId kNoClause = std::numeric_limits<ClauseId>::max();

  /// The id counts from 0.
  CandidateId AddCandidate();
  size_t candidate_count() const { return values_.size(); }
  /// Candidates of one group (count from 0) exclude each other unless their versions (any number)
  /// are equal. At most once for a candidate.
  void SetGroup(CandidateId candidate, uint32_t group, uint32_t version);

  /// `requirer` needs one of `any_of`, tried in this order; none: it cannot be taken. kNoClause
  /// where the requirer is among them, since nothing is then to be done.
  ClauseId AddRequirement(CandidateId requirer, std::span<const CandidateId> any_of);
  /// a and b are not taken together; a != b.
  ClauseId AddExclusion(CandidateId a, CandidateId b);

  /// A set that holds all of `wanted`. kUndecided where the budget, or the room for what is learnt,
  /// is used up.
  Solvable Solve(std::span<const CandidateId> wanted, SolveBudget& budget);

  /// After kYes, until the next call: the candidates taken, in the order in which they were.
  std::vector<CandidateId> Taken() const;
  bool IsTaken(CandidateId candidate) const { return values_[candidate] == Value::kTaken; }
  /// After kNo: premises of which it follows, sorted. Not the fewest; see MinimalPremises().
  const std::vector<Premise>& premises() const { return premises_; }

  CandidateId RequirerOf(ClauseId clause) const;
  /// What a requirement names, or the other one of an exclusion, in the order given.
  std::vector<CandidateId> NamedBy(ClauseId clause) const;
  bool IsExclusion(ClauseId clause) const { return clauses_[clause].exclusion; }

 private:
  // Twice the candidate, plus 1 where it is left out.
  using Literal = uint32_t;
  enum class Value : uint8_t { kOpen, kTaken, kOut };
  struct Clause {
    uint32_t begin;  // Into literals_.
    uint32_t size;
    uint32_t watch[2];   // Offsets of the literals watched.
    ClauseId next_need;  // The requirer's next requirement.
    bool exclusion;
  };
  struct Watch {
    ClauseId clause;
    Literal other;  // Where it is true, the clause need not be looked at.
  };
  // The place of the search for unmet requirements: a requirer on the trail and its requirement.
  struct Cursor {
    uint32_t trail = 0;
    ClauseId clause = kNoClause;
  };
  struct Level {
    uint32_t trail;
    Cursor cursor;
  };
  // Why a candidate has its value: a clause; or `id` was taken, and so `other` of its group was
  // not.
  struct Cause {
    enum class Kind : uint8_t { kNone, kClause, kGroup } kind = Kind::kNone;
    uint32_t id = 0;
    uint32_t other = 0;
  };
  struct Member {
    CandidateId candidate;
    uint32_t version;
  };

  static Literal In(CandidateId candidate) { return candidate << 1; }
  static Literal Out(CandidateId candidate) { return candidate << 1 | 1; }
  static CandidateId CandidateOf(Literal literal) { return literal >> 1; }
  bool IsTrue(Literal literal) const;
  bool IsFalse(Literal literal) const;
  bool IsMet(ClauseId requirement) const;
  uint32_t level() const { return static_cast<uint32_t>(levels_.size()); }

  ClauseId AddClause(std::span<const Literal> literals, bool exclusion);
  void WatchClause(ClauseId clause);
  void ForgetAll();
  void Assign(Literal literal, Cause cause);
  void Take(CandidateId candidate);
  void GoBackTo(uint32_t level);
  bool Propagate(SolveBudget& budget);
  bool PropagateGroup(CandidateId taken);
  bool PropagateWatches(Literal made_false);
  enum class Effect { kStays, kMoves, kConflict };
  Effect PropagateClause(ClauseId id, Literal made_false);
  ClauseId FirstUnmetNeed();
  Solvable Decide(std::span<const CandidateId> wanted);
  void Learn();
  ClauseId KeepLearnt(std::vector<Literal>& learnt);
  size_t LearntWords() const;
  void Explain(CandidateId refused);
  void NotePremise(const Cause& cause, std::vector<ClauseId>& learnt);
  template <typename Visit>
  void ForEachLiteral(const Cause& cause, Visit visit) const;

  std::vector<Clause> clauses_;
  std::vector<Literal> literals_;
  std::vector<std::vector<Watch>> watches_;  // By literal: clauses watching for it to become false.
  std::vector<ClauseId> units_;
  std::vector<ClauseId> first_need_;  // By candidate.
  std::vector<ClauseId> last_need_;
  std::vector<std::vector<Member>> groups_;
  std::vector<std::pair<uint32_t, uint32_t>> group_of_;  // By candidate: group and version.

  std::vector<Value> values_;
  std::vector<uint32_t> level_of_;
  std::vector<Cause> cause_of_;
  std::vector<Literal> trail_;
  std::vector<Level> levels_;
  Cursor cursor_;
  uint32_t propagated_ = 0;
  bool fresh_ = true;  // Nothing is assigned yet.

  Cause conflict_;
  uint64_t work_ = 0;  // Steps not yet spent of the budget.
  std::vector<uint8_t> seen_;

  // What each learnt clause follows from, beside the causes of its candidates decided at level 0.
  uint32_t original_clauses_ = 0;
  size_t original_literals_ = 0;
  std::vector<Cause> antecedents_;
  std::vector<size_t> antecedents_end_;  // By learnt clause.
  std::vector<Premise> premises_;
};

}  // namespace dml
