// The words of violations. Internal to core/compat: built only once something is found wrong.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/compat/violation.h"
#include "core/package/package_spec.h"

namespace dml {

/// A package in the set, and the version of a name that it offers (null: without one).
struct FoundProvider {
  const PackageSpec* spec;
  const Version* version;
};

/// "packages/debian/libc6/versions/2.36/variants/linux-amd64".
std::string VariantResourceName(const PackageSpec& spec);

/// "PACKAGE debian/libc6 >= 2.36"; the range is left out where any version will do.
std::string TargetInWords(const RelationTarget& target);

/// A violation by the `index`th requirement of a spec. `found` may hold duplicates.
Violation ExplainRequirement(const PackageSpec& spec, size_t index, ViolationKind kind,
                             std::vector<FoundProvider> found);

/// A violation by the `index`th of a spec's conflicts (list kConflicts) or breaks (kBreaks).
Violation ExplainExclusion(const PackageSpec& spec, RelationList list, size_t index,
                           ViolationKind kind, std::vector<FoundProvider> found);

/// Several versions of one package; `found` are all of them.
Violation ExplainTwoVersions(const PackageName& package, std::vector<FoundProvider> found);

/// Running peers that the `index`th of a spec's coexists does not allow, or says nothing of.
Violation ExplainSkew(const PackageSpec& spec, size_t index, ViolationKind kind,
                      std::vector<FoundProvider> found);

/// A package on a node of another platform.
Violation ExplainMisplaced(const PackageSpec& spec, const Platform& node);

/// An upgrade that is not allowed: from another version (index 0, with `rule` the words of what
/// would be), or not yet (index 1 + that of the `after`), `found` being what stands against it.
Violation ExplainUpgrade(const PackageSpec& spec, size_t index, std::string rule,
                         std::string source, std::vector<FoundProvider> found);

/// The whole set is too large to be decided within `max_steps`.
Violation ExplainTooLarge(size_t max_steps);

}  // namespace dml
