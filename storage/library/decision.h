// The gate and the compatibility check over what the library holds, on a snapshot.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/compat/clause_solver.h"
#include "core/compat/violation.h"
#include "core/gate/evaluate.h"
#include "core/journal/records.h"
#include "storage/engine/engine.h"
#include "storage/library/policies.h"
#include "storage/library/spec_cache.h"
#include "storage/library/trust.h"

namespace dml {

/// What was looked at of a variant that is there.
struct GateMember {
  std::vector<PublisherSignature> signatures;
  uint64_t payload_size = 0;
};

/// A decision with what it was made from; computed again from the same index it is the same, byte
/// for byte.
struct GateDecision {
  GateResult result;
  uint64_t index = 0;              // Journal size of the snapshot.
  Timestamp time;                  // Journal time of its last entry.
  std::string policy_environment;  // "" where there is no policy.
  uint64_t policy_revision = 0;
  std::string license_list_version;
  std::string license_properties_version;  // "" where the policy goes by no category.
  Digest findings_digest;                  // Of all findings in order.
  std::map<VariantName, GateMember> members;
};

inline constexpr size_t kMaxSetSize = 4096;

/// Evaluates an ad-hoc set, by the trust that the state has at its journal's time, against the
/// policy in force for the environment. A trust root that has expired at `now`, or at the journal's
/// time, lets nothing pass, as clients do. NOT_FOUND (ENVIRONMENT_NOT_FOUND); INVALID_ARGUMENT
/// (SET_TOO_LARGE). What is wrong with the set itself is in the findings. `instead`: a policy in
/// the place of the one in force.
absl::StatusOr<GateDecision> EvaluateGate(const Reader& state, TrustCache& trust,
                                          PolicyCache& policies,
                                          std::span<const VariantName> variants,
                                          std::string_view environment, Timestamp now = {},
                                          const PolicyInForce* instead = nullptr);

struct SetCheck {
  std::vector<Violation> violations;
  uint64_t index = 0;
};

/// Whether the set is compatible with itself, as the advisories in force have it. NOT_FOUND
/// (VARIANT_NOT_FOUND) for the first name that is not in the library. `budget` as of
/// CheckClosedSet.
absl::StatusOr<SetCheck> CheckSetCompatibility(const Reader& state, TrustCache& trust,
                                               SpecCache& specs,
                                               std::span<const VariantName> variants,
                                               SolveBudget* budget = nullptr);

}  // namespace dml
