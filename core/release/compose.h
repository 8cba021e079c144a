// Making a release's items and changes from what a team has already: a resolver's lockfile, what is
// in use, and the changes of a ticket system. Pure functions; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compat/lockfile.h"
#include "core/release/release.h"

namespace dml {

inline constexpr size_t kMaxTicketBytes = 4 << 20;

/// What becomes of the packages that are in use and not wanted.
enum class UnwantedAction { kKeep, kRemove };

/// The steps from what is in use to what is wanted, by package and platform: another version is an
/// UPGRADE (also to an older one), a package that is not in use an INSTALL, one that is there at
/// the wanted version nothing. In the order of `wanted`, then what is removed. Items have no
/// manifests yet. RELEASE_INVALID where one package has two versions for one platform in either
/// list.
absl::StatusOr<std::vector<ReleaseItem>> PlanItems(std::span<const VariantName> wanted,
                                                   std::span<const VariantName> in_use,
                                                   UnwantedAction unwanted);

/// The variants of a lockfile or of a release, to be wanted or in use. Of a release: what is there
/// once it is carried out, so without what it removes.
std::vector<VariantName> VariantsOf(const Lockfile& lockfile);
std::vector<VariantName> VariantsOf(const Release& release);

/// Gives items that have none the manifests of their variants. NOT_FOUND (VARIANT_NOT_FOUND) names
/// the first that is not among them.
absl::Status ResolveManifests(const std::map<VariantName, BlobRef>& manifests, Release& release);

/// Says how the items of a package ("namespace/name") are configured. RELEASE_INVALID where there
/// is none, and the error of RequireNoSecrets: what holds a secret should not leave the machine.
absl::Status SetConfiguration(std::string_view package, std::string_view bytes, Release& release);

/// A change as a ticket system exports it, and which packages it concerns.
struct TicketChange {
  ReleaseChange change;
  std::vector<std::string> packages;  // "namespace/name"; one "*": all of the release.
  bool operator==(const TicketChange&) const = default;
};

/// Reads {"schema": "dml.changes/v1", "changes": [{"id", "title", "kind"?, "risk"?, "problems"?,
/// "authorizedBy"?, "key"?, "link"?, "packages"?}]}, JSON or YAML, strictly. INVALID_ARGUMENT
/// (CHANGES_INVALID or RELEASE_INVALID) with the line and the member's path.
absl::StatusOr<std::vector<TicketChange>> ParseTicketChanges(std::string_view text);

/// Adds changes to the release, and to each item those that concern its package. RELEASE_INVALID
/// for a change that is there already, for one of a package of which the release has no item, and
/// for more than fit.
absl::Status AddChanges(std::span<const TicketChange> changes, Release& release);

}  // namespace dml
