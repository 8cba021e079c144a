// What is different between two policy documents. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

struct PolicyDifference {
  std::string path;    // "timing[0].zone"; of a list of texts, the list.
  std::string before;  // Compact JSON; "" where it was not there.
  std::string after;
  bool operator==(const PolicyDifference&) const = default;
};

/// By path. Both must be policies as far as their form goes (PolicyShape()): comments, notation and
/// the order of members and of lists of texts make no difference. POLICY_INVALID with the line.
absl::StatusOr<std::vector<PolicyDifference>> DiffPolicies(std::string_view before,
                                                           std::string_view after);

}  // namespace dml
