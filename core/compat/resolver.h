// The resolver: from what is wanted to a set of packages that is compatible, or to the reasons why
// there is none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/compat/clause_solver.h"
#include "core/compat/package_source.h"

namespace dml {

enum class ResolveMode { kNewest, kMinimalChange, kOldest };

/// "NEWEST", "MINIMAL_CHANGE", "OLDEST".
std::string_view ResolveModeName(ResolveMode mode);

/// What is imposed from outside of the packages: only these versions of one package may be taken.
struct ResolveConstraint {
  enum class Kind { kPin, kPolicy, kAdvisory };
  Kind kind = Kind::kPin;
  PackageName package;
  VersionRange allowed;
  std::string source;  // Who says so, for people: "pin in acme.lock", "advisory DSA-5678".
};

struct ResolveRequest {
  std::vector<RelationTarget> wanted;  // All of them, each by one package of the set.
  std::vector<ResolveConstraint> constraints;
  std::vector<VariantName> in_use;  // For kMinimalChange; what the source lacks is ignored.
  ResolveMode mode = ResolveMode::kNewest;
  Platform platform;  // Of the node; only what fits it is taken. Default: whatever.
};

struct Resolution {
  Solvable solvable = Solvable::kUndecided;
  std::vector<SourcePackage> packages;  // kYes: sorted by variant name.
  std::vector<std::string> reasons;     // kNo: see PremisesInWords(). kUndecided: what ran out.
  bool minimal = false;                 // kNo: none of the reasons can be left out.
};

/// A set on one node that the closed-world verifier finds nothing wrong with (ClosedWorld::Check is
/// empty), that has what is wanted and respects the constraints. What is not proven is never taken.
///
/// kNewest      The first thing wanted is met by the newest version of any such set, preferring a
///              package of that name to one that provides it, unless what must be taken anyway
///              meets it; then the second, and so on; what these require likewise, as far as the
///              choices before allow.
/// kOldest      The same with the oldest.
/// kMinimalChange  What is in use stays: no such set keeps all that the result keeps and more of
///              it. Of a package that cannot stay another version is taken where one can be.
///
/// Deterministic: the same for the same packages, whatever their order in the source. Errors are
/// those of the source. Universes of more than kMaxResolveCandidates, and searches beyond the
/// budget, are kUndecided.
absl::StatusOr<Resolution> Resolve(const PackageSource& source, const ResolveRequest& request,
                                   SolveBudget& budget);

/// Why a version cannot be had beside what the request wants: Resolve() with `target` wanted first;
/// kYes where it can.
absl::StatusOr<Resolution> WhyNot(const PackageSource& source, const ResolveRequest& request,
                                  const RelationTarget& target, SolveBudget& budget);

struct VersionAnswer {
  SourcePackage package;
  Solvable solvable = Solvable::kUndecided;
};

/// For each variant of the package that fits the request's platform, newest version first: whether
/// there is a set for the request with it.
absl::StatusOr<std::vector<VersionAnswer>> CompatibleVersions(const PackageSource& source,
                                                              const ResolveRequest& request,
                                                              const PackageName& package,
                                                              SolveBudget& budget);

inline constexpr size_t kMaxResolveCandidates = 200'000;

}  // namespace dml
