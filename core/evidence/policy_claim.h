// What the signer of a policy vouches for, worked out from the document, so that a node which reads
// no policies demands what the document does. Pure functions; any thread.
#pragma once

#include <string_view>

#include "core/evidence/claims.h"
#include "core/gate/policy.h"

namespace dml {

/// The claim about a policy: of its approvals the fewest that any release needs anywhere. Witnesses
/// and the age of revocations are the signer's to say.
PolicyClaim ClaimOf(const Policy& policy, std::string_view environment, uint64_t revision);

/// That a claim says of the document what the document says, for this environment and revision.
/// INVALID_ARGUMENT (POLICY_CLAIM_UNEXPECTED) naming what differs.
absl::Status CheckPolicyClaim(const Policy& policy, std::string_view environment, uint64_t revision,
                              const PolicyClaim& claim);

}  // namespace dml
