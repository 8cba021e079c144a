// The member `licenses` of a policy document; see policy.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/gate/policy.h"

namespace dml {

/// Fills the license parts of `policy`, whose digest is set. Errors are POLICY_INVALID, with the
/// path from the member on.
absl::Status ReadPolicyLicenses(const nlohmann::json& value, const LicenseList& list,
                                const LicenseProperties* properties, Policy& policy);

}  // namespace dml
