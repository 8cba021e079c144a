// The gate's decision on a release: may it go to this environment now? What concerns its items one
// by one, and their fitting together, is EvaluateSet's (core/gate/evaluate.h); here is what
// concerns the release as a whole, and the sum of both.
//
// A pure function of its input: the same input gives the same findings, byte for byte. It never
// stops at the first reason. What is not known denies.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/gate/evaluate.h"
#include "core/gate/findings.h"
#include "core/gate/release_rules.h"
#include "core/release/release_state.h"
#include "core/release/risk.h"

namespace dml {

/// Somebody's signed yes, its signature verified, its signer an approver for the environment.
struct ApprovalFact {
  std::string person;
  Digest key;
  Digest findings;  // That the approver saw; see ReleaseVerdict::approved_findings.
  Timestamp given;
  Timestamp expires;
};

/// Keys that together may approve, by the trust root or a delegation.
struct ApproverGroup {
  uint32_t threshold = 1;  // Different persons.
  std::set<Digest> keys;
};

/// A release that went, or is going or permitted to go, to an environment.
struct DeploymentFact {
  std::string environment;
  Digest release;  // Document.
  ReleaseType type = ReleaseType::kMinor;
  DeploymentState state = DeploymentState::kRollingOut;
  Timestamp started;   // Or permitted, where it may start at any moment.
  Timestamp deployed;  // Where it was.
};

struct VulnerabilityFact {
  std::string subject;  // Resource name of the variant.
  std::string id;       // "CVE-2027-1234".
  VulnerabilitySeverity severity = VulnerabilitySeverity::kCritical;
  Timestamp published;
  bool is_not_affected = false;  // By a VEX statement of somebody who may make it.
};

/// An emergency in which somebody sets findings aside, the signatures on it verified.
struct OverrideFact {
  std::string id;
  std::vector<std::string> rules;  // Patterns.
  std::string requester;           // Person.
  std::set<std::string> approvers;
  std::string reason;
  Timestamp given;
  Timestamp expires;
};

struct ReleaseInput {
  const Release* release = nullptr;  // Borrowed.
  Digest digest;
  ReleaseState state = ReleaseState::kSealed;
  std::string environment;
  const ReleaseRules* rules = nullptr;  // Borrowed; null where the environment has no policy.
  Timestamp time;
  std::string tzdata;                // Version that `rules` were read by.
  std::vector<Finding> set;          // What EvaluateSet found on the items.
  std::set<std::string> evidence;    // Predicate types of attestations that are there.
  std::set<std::string> publishers;  // Persons who published an item.
  std::set<Digest> publisher_keys;
  std::set<std::string> testers;
  std::string deployer;  // Person who asks for the permit; "": nobody yet.
  std::vector<ApprovalFact> approvals;
  std::vector<ApproverGroup> approver_groups;  // One must have its threshold; none: not asked.
  std::vector<DeploymentFact> deployments;     // Of all environments that a rule may look at.
  bool is_in_flight = false;                   // It has begun there, and goes on.
  std::optional<uint64_t> bytes;               // Of what is installed; none: not known.
  std::optional<uint64_t> nodes;               // That it touches; none: not known.
  uint64_t past_failures = 0;                  // As of RiskFacts.
  std::optional<std::vector<VulnerabilityFact>> vulnerabilities;  // None: nobody has looked.
  std::vector<OverrideFact> overrides;
};

struct ReleaseVerdict {
  Decision decision = Decision::kDeny;
  std::vector<Finding> findings;  // In the order of Finding, none twice.
  Digest findings_digest;         // Of all of them.
  /// Of those that an approver binds himself to: before overrides, without what approving or time
  /// alone changes. See IsOfPassing().
  Digest approved_findings;
  RiskScore risk;
};

/// Rules beside those of EvaluateSet; subjects are the release ("releases/NAME/versions/VERSION"),
/// an item's variant or the environment:
///   release.state, .environment, .evidence
///   approval.missing, .not-counted (info: whose yes does not count, and why)
///   approval.threshold   the policy needs fewer than the trust root, which holds whatever it says
///   size.items, .changes, .bytes, .nodes
///   scope.package, .action, .unauthorized, .order, .rollouts
///   frequency.too-soon, .too-many
///   timing.closed, .freeze, .planned; info, not errors, where it is in flight and may finish
///   risk.too-high
///   vulnerability.severe, .unknown
///   override.used (warning), .not-counted (info); a finding that is overridden is a warning
ReleaseVerdict EvaluateRelease(const ReleaseInput& input);

/// Whether a finding of the rule goes away, or comes, by approving or by waiting: such findings are
/// no part of what an approver binds himself to (docs/adr/0021-what-an-approval-binds.md).
bool IsOfPassing(std::string_view rule);

}  // namespace dml
