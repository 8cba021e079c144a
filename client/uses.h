// dml::UsesClient: who provides and uses a thing, and what can go back, by a library's Client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/compatibility.h"

namespace dml {

/// What is asked of uses; all that is given must hold, and one of package, license and digest is.
struct UsesQuery {
  std::optional<PackageName> package;
  std::string range;    // VERS, of versions of the package; "": any.
  std::string license;  // Id of a license or exception.
  std::string digest;   // Of a manifest, a package spec or a release document.
  std::string environment;
};

struct VariantUse {
  std::string environment;
  std::string release;  // "releases/N/versions/V"
  VariantName variant;
  std::string node;  // "" where the library knows no nodes.
  std::string state;
  std::string license;
};

/// A version to which nodes may go back.
struct RollbackAnswer {
  VariantName variant;
  EnvironmentVerdict verdict = EnvironmentVerdict::kNotProven;
  std::vector<EnvironmentFinding> reasons;  // The first of why not.
  uint64_t reason_count = 0;
};

/// Thread-safe, as its Client is.
class UsesClient {
 public:
  /// `client` must outlive it.
  explicit UsesClient(Client& client) : client_(client) {}

  /// `versions`: a version with its scheme ("deb:1:2.36-9") or a range ("vers:deb/>=2.36"); "":
  /// all.
  absl::StatusOr<ListPage<RelationUse>> WhoProvides(RelationKind kind, const std::string& name,
                                                    const std::string& versions,
                                                    const ListOptions& options);
  absl::StatusOr<ListPage<VariantUse>> WhoUses(const UsesQuery& query, const ListOptions& options);
  /// Of the package on `nodes`, or where there are none on what the releases in `environment` say;
  /// `node` not empty: only on those of that name. Newest first.
  absl::StatusOr<ListPage<RollbackAnswer>> SafeRollbackTargets(
      const PackageName& package, const std::vector<NodeDescription>& nodes,
      const std::string& environment, const std::string& node, const ListOptions& options);

 private:
  Client& client_;
};

}  // namespace dml
