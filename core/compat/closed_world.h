// The closed-world verifier: is exactly this set of packages compatible? No search, all reasons.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "core/compat/clause_solver.h"
#include "core/compat/violation.h"
#include "core/package/package_spec.h"

namespace dml {

/// Package specs compiled for checking many sets of them: names become numbers once, so that a
/// check is a walk over arrays. Add() everything, then Check() any number of sets; Check() may run
/// on several threads at once, Add() on one thread and not beside Check(). Specs are borrowed and
/// must outlive this object.
///
/// A set is what one node holds, and the only things there are. The rules (Debian Policy 7, with
/// kinds and scopes):
///   requires   One alternative must be met by one provider: the package of that name with its own
///              version (kind PACKAGE), or a package that provides the kind and name. A provision
///              without a version meets only an alternative that accepts any version (7.5). A
///              package may meet its own requirement.
///     NODE         the provider's platform must fit the requirer's: each of os and arch is equal,
///                  or empty (any) in one of the two
///     ENVIRONMENT  any provider in the set, whatever its platform
///     EVERY_PEER   there is a provider of one of the names, and every package that provides any of
///                  them meets an alternative
///   conflicts, breaks
///              No other package in the set may provide the target, on any platform. Another
///              version or variant of the declaring package is not another package. A provision
///              without a version is met only by a target that means any version.
///   replaces   Informative; never a violation.
///   identity   Versions of one package with different texts exclude each other.
/// A range of another scheme than a provider's version decides nothing: NOT_PROVEN, both where it
/// is required and where it is forbidden.
class ClosedWorld {
 public:
  ClosedWorld() = default;
  ClosedWorld(const ClosedWorld&) = delete;
  ClosedWorld& operator=(const ClosedWorld&) = delete;

  /// Compiles a spec; its index for Check() counts from 0.
  size_t Add(const PackageSpec& spec);
  size_t size() const { return members_.size(); }

  /// All violations of the set of these indexes (each < size(); repetition means nothing), sorted
  /// and without duplicates: the result does not depend on the order of indexes or of Add().
  ///
  /// Time is linear in relations plus providers looked at. Beyond kMaxClosedSetSteps of them, the
  /// result is a single NOT_PROVEN about the whole set; so it is where `budget` (null: none) ends
  /// before the check does, which is asked about as often as a search asks.
  std::vector<Violation> Check(std::span<const size_t> set, SolveBudget* budget = nullptr) const;

 private:
  friend class ClosedSetCheck;
  using NameId = uint32_t;

  struct Offer {
    NameId name;
    const Version* version;  // Null where it is offered without a version.
  };
  struct Target {
    NameId name;
    const VersionRange* range;  // Null where any version will do.
  };
  struct Alternatives {
    uint32_t begin;  // Into Member::targets.
    uint32_t end;
    RelationScope scope;
  };
  struct Member {
    const PackageSpec* spec;
    NameId package;
    uint32_t platform;  // Equal numbers: equal platforms.
    std::vector<Offer> offers;
    std::vector<Target> targets;             // Of all requirements, in order.
    std::vector<Alternatives> requirements;  // One for each of requires_all.
    std::vector<Target> conflicts;
    std::vector<Target> breaks;
  };

  NameId Intern(RelationKind kind, std::string_view name);
  Target Compile(const RelationTarget& target);

  absl::flat_hash_map<std::pair<RelationKind, std::string>, NameId> names_;
  std::map<Platform, uint32_t> platforms_;
  std::deque<Member> members_;  // Deque: checks hold pointers to members.
};

/// Most relations and providers that one check looks at; a set of 2 000 packages needs about 50
/// 000.
inline constexpr size_t kMaxClosedSetSteps = 8'000'000;

/// Compiles and checks one set: ClosedWorld for a single use.
std::vector<Violation> CheckClosedSet(std::span<const PackageSpec* const> set,
                                      SolveBudget* budget = nullptr);

}  // namespace dml
