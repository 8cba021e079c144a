// The signature under which a policy is set. Functions without state; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/gate/policy.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// Puts an envelope into a command PolicySet: it must have the threshold of the role policy
/// (THRESHOLD_NOT_MET), be about the command's document (SUBJECT_UNEXPECTED) and say what the
/// document says, for the next revision of its environment (POLICY_CLAIM_UNEXPECTED). The errors
/// of ReadClaimAbout and ParsePolicyClaim; all with the field "envelope".
absl::Status AddPolicySignature(const Reader& state, const TrustDomain& trust, const Policy& policy,
                                std::string envelope, Command& command);

}  // namespace dml
