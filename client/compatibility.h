// dml::CompatibilityClient: what can be had together, by a library's Client.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "core/compat/environment_check.h"
#include "core/compat/lockfile.h"
#include "core/compat/nodes_document.h"

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

/// A violation, and where.
struct EnvironmentFinding {
  Finding finding;
  std::string node;                  // The first that has it; "": the environment as a whole.
  uint64_t nodes = 0;                // How many have it.
  std::string source;                // The declaring line, verbatim.
  std::vector<std::string> signers;  // Who vouches for the package that declares it.
  bool before = false;               // It was there before the change.
};

struct EnvironmentReport {
  EnvironmentVerdict verdict = EnvironmentVerdict::kNotProven;
  std::vector<EnvironmentFinding> violations;  // All of them.
  uint64_t index = 0;
};

struct PlannedStep {
  uint32_t wave = 0;  // From 1.
  std::string node;
  uint32_t count = 0;  // How many of these nodes, one after the other.
  bool no_return = false;
};

struct UpgradeAnswer {
  Solvable outcome = Solvable::kUndecided;
  std::vector<PlannedStep> steps;  // kYes: all of them, wave by wave.
  uint32_t waves = 0;
  std::vector<EnvironmentFinding> reasons;  // kNo: what leaves no order together.
  bool minimal = false;                     // kNo: without any one of them there is an order.
  uint64_t search_steps = 0;
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

  // NOT_FOUND (VARIANT_NOT_FOUND) for what the library never had; ABORTED (ANSWER_CHANGED) as
  // above.

  /// What runs on the nodes, with a set installed on those named (none: on all).
  absl::StatusOr<EnvironmentReport> CheckEnvironment(
      const std::vector<NodeDescription>& nodes, const std::vector<VariantName>& install = {},
      const std::vector<std::string>& install_on = {});
  /// What is wrong after a change that was not before. `remove`: resource names of variants or
  /// packages. NOT_FOUND (NOTHING_CHANGES) where no node runs any of it.
  absl::StatusOr<EnvironmentReport> WhatBreaksIf(const std::vector<NodeDescription>& nodes,
                                                 const std::vector<std::string>& remove,
                                                 const std::vector<VariantName>& upgrade);
  /// To each node's target, or to `upgrade` in place of what runs where it has none.
  absl::StatusOr<UpgradeAnswer> PlanUpgradeOrder(const std::vector<NodeDescription>& nodes,
                                                 const std::vector<VariantName>& upgrade = {},
                                                 uint64_t max_steps = 0);

 private:
  Client& client_;
};

}  // namespace dml
