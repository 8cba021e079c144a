// What a node runs of the library, as a set that is there as a whole or not at all, and the set
// that a permit makes of it. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/labels.h"
#include "core/evidence/permit.h"
#include "core/release/release.h"
#include "core/trust/subject_pattern.h"

namespace dml {

/// More than that of packages is on no node.
inline constexpr size_t kMaxSetItems = 4096;

/// A package that is there, or is to be.
struct SetItem {
  VariantName variant;
  BlobRef manifest;
  std::optional<BlobRef> configuration;
  std::string handler;  // By the name that the node's settings give it.
  bool operator==(const SetItem&) const = default;
};

/// All that a node runs: at most one variant of each package.
struct DeploymentSet {
  uint64_t generation = 0;  // From 1 on; goes up with every set that a node takes on.
  std::string permit;       // The id of the one that brought it.
  std::string release;      // "payments 2.0.0"
  Digest release_digest;
  uint64_t log_index = 0;            // Of the permit's decision.
  Timestamp expires;                 // The permit; the set does not.
  std::string back_out;              // The id of the permit that leads back from it; "": none.
  std::vector<SetItem> items;        // Ascending by package.
  std::vector<PackageName> changed;  // What it makes other than before, in the order to do it.
  bool operator==(const DeploymentSet&) const = default;
};

/// nullptr where the package is not in it.
const SetItem* FindItem(const DeploymentSet& set, const PackageName& package);

/// What happens to one package when a set takes the place of another: one of both may be nullptr.
struct SetStep {
  const SetItem* before = nullptr;
  const SetItem* after = nullptr;
};
/// In the order to do them; they point into the sets. `before` is nullptr for a first set.
std::vector<SetStep> StepsOf(const DeploymentSet* before, const DeploymentSet& after);

/// Which handler does packages of these names.
struct HandlerRule {
  SubjectPattern packages;
  std::string handler;
};

/// What a node is, for whoever plans for it.
struct NodeFacts {
  std::string environment;
  std::string node;
  Labels labels;
  std::vector<Platform> platforms;  // That run here, besides the one for any.
  std::vector<HandlerRule> rules;   // The first that covers a package counts.
};

/// Whether an item of a release is for this node: it has all of the item's labels.
bool IsForNode(const ReleaseItem& item, const NodeFacts& node);

/// The set that a release makes of what is there (nullptr: nothing is), its items carried out in
/// the permit's order. Items that are done already change nothing. An UPGRADE without configuration
/// keeps the one that was there. FAILED_PRECONDITION:
///   PLATFORM_UNEXPECTED  an item is for a platform that does not run here
///   PREVIOUS_UNEXPECTED  another variant is there than the item says: INSTALL of a package that is
///                        there, UPGRADE of one that is not its `previous`, REMOVE or CONFIGURE of
///                        another one
///   HANDLER_UNKNOWN      no rule says how
///   HANDLER_CHANGED      another handler put there what is to be replaced
///   SET_TOO_LARGE        more than kMaxSetItems
absl::StatusOr<DeploymentSet> PlanSet(const DeploymentSet* before, const Release& release,
                                      const Permit& permit, const NodeFacts& node);

}  // namespace dml
