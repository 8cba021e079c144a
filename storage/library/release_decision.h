// The gate's decision on a release that is sealed, over what the library holds, on a snapshot.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/gate/evaluate_release.h"
#include "storage/library/decision.h"

namespace dml {

/// Computed again from the same index for the same time and deployer it is the same, byte for byte.
struct ReleaseDecision {
  ReleaseVerdict verdict;
  uint64_t index = 0;              // Journal size of the snapshot.
  Timestamp time;                  // That it was asked for.
  std::string policy_environment;  // "" where there is no policy.
  uint64_t policy_revision = 0;
  uint64_t nodes = 0;  // That it touches.
  uint64_t bytes = 0;  // Of what it installs.
};

struct ReleaseQuestion {
  Digest release;
  std::string environment;
  Timestamp time;
  std::string deployer;  // Person who asks for the permit; "": nobody yet.
  // What would be if: both null where it is as it is. Borrowed.
  const Release* instead = nullptr;  // Another document, sealed by nobody; `release` its digest.
  const PolicyInForce* policy = nullptr;
};

/// What a release is judged by, collected from one state; EvaluateRelease(facts.input) may be asked
/// again for other times.
struct ReleaseFacts {
  Release release;
  PolicyInForce policy;
  ReleaseInput input;  // Borrows both.
  GateDecision set;    // Its findings are in `input`.
};

/// Collects it by the trust that the state has then and the policy in force for the environment.
/// Nodes are those of the environment and what is below it. An approval counts for exactly its
/// environment, evidence as long as a key that signed it is not revoked. A release that is
/// permitted counts as one that starts. NOT_FOUND (RELEASE_NOT_FOUND, ENVIRONMENT_NOT_FOUND).
absl::StatusOr<std::unique_ptr<const ReleaseFacts>> CollectReleaseFacts(
    const Reader& state, TrustCache& trust, PolicyCache& policies, const ReleaseQuestion& question);

/// Evaluates it. What is wrong with the release is in the findings.
absl::StatusOr<ReleaseDecision> EvaluateReleaseGate(const Reader& state, TrustCache& trust,
                                                    PolicyCache& policies,
                                                    const ReleaseQuestion& question);

}  // namespace dml
