// What a request can reach in a source, compiled into clauses. Internal to core/compat.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "core/compat/premise_text.h"
#include "core/compat/resolver.h"

namespace dml {

/// Candidates are variants in the order of preference: by package name, then as the mode says.
/// First Load() and what it reaches, then Compile(), then searches.
class ResolveUniverse : private PremiseWords {
 public:
  ResolveUniverse(const PackageSource& source, const ResolveRequest& request)
      : source_(source), request_(request) {}
  ResolveUniverse(const ResolveUniverse&) = delete;
  ResolveUniverse& operator=(const ResolveUniverse&) = delete;

  /// Fetches all that can be required, from the request and `more` names on. False where that is
  /// too much, or the budget ended.
  absl::StatusOr<bool> Load(std::span<const PackageName> more, SolveBudget& budget);
  /// `wanted` are the targets that the candidate root() requires. False where the budget ended.
  bool Compile(std::span<const RelationTarget> wanted, SolveBudget& budget);

  CandidateId root() const { return static_cast<CandidateId>(packages_.size()); }
  size_t size() const { return packages_.size(); }
  const SourcePackage& package(CandidateId id) const { return packages_[id]; }
  const PackageSpec& spec(CandidateId id) const { return *packages_[id].spec; }
  std::optional<CandidateId> Find(const VariantName& name) const;
  /// Those of the package itself, in order.
  std::vector<CandidateId> VersionsOf(const PackageName& package) const;
  ClauseSolver& solver() { return solver_; }
  /// Reasons of the last search, which said kNo.
  void Explain(SolveBudget& budget, Resolution& out) const;

 private:
  using Name = std::pair<RelationKind, std::string>;
  struct Offer {
    CandidateId package;
    const Version* version;  // Null where it is offered without a version.
    bool own;
  };
  struct Reason {
    enum class Kind { kWanted, kRequires, kConflicts, kBreaks, kConstraint };
    Kind kind;
    CandidateId package;
    size_t index;
  };

  absl::StatusOr<bool> Fetch(std::span<const PackageName> more, SolveBudget& budget);
  void SortPackages();
  void CollectOffers();
  const std::vector<Offer>& OffersOf(const RelationTarget& target) const;
  std::vector<CandidateId> Meeting(std::span<const RelationTarget> any_of,
                                   const Platform& platform) const;
  void Require(CandidateId requirer, const std::vector<CandidateId>& any_of, Reason reason);
  void CompileRequirement(CandidateId id, size_t index);
  void CompileEveryPeer(CandidateId id, size_t index);
  void CompileExclusions(CandidateId id, Reason::Kind kind);
  void CompileConstraint(size_t index);
  std::string CandidateText(CandidateId candidate) const override;
  std::string ClauseText(ClauseId clause) const override;

  const PackageSource& source_;
  const ResolveRequest& request_;
  std::vector<SourcePackage> packages_;
  std::vector<bool> in_use_;  // By candidate, where the mode asks for it.
  std::map<VariantName, CandidateId> ids_;
  absl::flat_hash_map<Name, std::vector<Offer>> offers_;
  std::vector<RelationTarget> wanted_;
  ClauseSolver solver_;
  std::vector<Reason> reasons_;  // By ClauseId.
};

}  // namespace dml
