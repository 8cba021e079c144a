// dml::CompatibilityClient: what can be had together, by a library's Client.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "core/compat/lockfile.h"

namespace dml {

/// What a search came to.
struct ResolveAnswer {
  Solvable outcome = Solvable::kUndecided;
  Lockfile lock;                     // kYes: the set.
  std::vector<std::string> reasons;  // kNo: lines for people. kUndecided: what ran out.
  bool minimal = false;              // kNo: none of the reasons can be left out.
  uint64_t steps = 0;                // That the search took.
  uint64_t index = 0;                // Journal size that the answer was computed at.
};

struct VersionOutcome {
  VariantName variant;
  Solvable outcome = Solvable::kUndecided;
};

struct VersionOutcomes {
  ListPage<VersionOutcome> page;  // Newest first.
  bool complete = true;           // False: the search ended before all versions were found.
  uint64_t index = 0;
};

/// Thread-safe, as its Client is. `max_steps` bounds a search; 0: as the library does. Of a
/// request's constraints pins alone are asked for.
class CompatibilityClient {
 public:
  /// `client` must outlive it.
  explicit CompatibilityClient(Client& client) : client_(client) {}

  /// A set for what is wanted, whole. ABORTED (ANSWER_CHANGED) where the library changed again and
  /// again while a large one was read.
  absl::StatusOr<ResolveAnswer> Resolve(const ResolveRequest& request, uint64_t max_steps = 0);
  /// Why `target` cannot be had beside what is wanted; kYes where it can, without the set.
  absl::StatusOr<ResolveAnswer> WhyNot(const ResolveRequest& request, const RelationTarget& target,
                                       uint64_t max_steps = 0);
  /// NOT_FOUND (PACKAGE_NOT_FOUND) where no version may be deployed.
  absl::StatusOr<VersionOutcomes> Versions(const ResolveRequest& request,
                                           const PackageName& package,
                                           const ListOptions& options = {}, uint64_t max_steps = 0);

 private:
  Client& client_;
};

}  // namespace dml
