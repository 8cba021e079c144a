// Policies that somebody signs: only under such a one does a library give permits.
#pragma once

#include <string>

#include "client/client.h"

namespace dml {

/// As Client::SetPolicy, with the envelope of a PolicyClaim (core/evidence/claims.h) of the role
/// policy.
absl::StatusOr<Committed<PolicyDocument>> SetSignedPolicy(
    Client& client, const std::string& environment, const std::string& document,
    const std::string& etag, const std::string& envelope, const MutationOptions& options = {});

}  // namespace dml
