// Whether a policy would lock everyone out: nothing could ever be deployed by it. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/base/finding.h"
#include "core/gate/policy.h"

namespace dml {

/// What the policy is to be used with; none: not known, so that nothing is said about it.
struct LockOutFacts {
  Timestamp time;
  std::optional<uint32_t> approvers;   // Persons who hold the role approver for the environment.
  std::optional<uint32_t> publishers;  // Most persons who hold the role publisher for one package.
};

/// One finding a reason, an error each, with the place in the document as subject:
///   lock-out.approvers, .publishers    more are needed than there are
///   lock-out.size                      a release of some type may have no item
///   lock-out.timing                    there is no time in the next year when one may go
///   lock-out.order                     it must be deployed there before it is deployed there
/// For rules that apply to the environment or below. Empty: it can be fulfilled, as far as this
/// tells.
std::vector<Finding> FindLockOuts(const Policy& policy, std::string_view environment,
                                  const LockOutFacts& facts);

}  // namespace dml
