// The members of a policy document that judge a release as a whole; see release_rules.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/gate/release_rules.h"

namespace dml {

/// Reads them from a policy document that has PolicyShape(). POLICY_INVALID, with the path, where a
/// text is not what it should be, or two rules of a family contradict each other: they hold in the
/// same place for the same type of release, and neither is more specific.
absl::StatusOr<ReleaseRules> ReadReleaseRules(const nlohmann::json& policy);

}  // namespace dml
