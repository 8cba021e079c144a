// Whether a policy that is about to be set would lock everyone out, by the trust in force.
#pragma once

#include <string_view>
#include <vector>

#include "core/gate/lock_out.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// FindLockOuts() with the persons that the trust in force names (`trust` null: nobody has set a
/// root, and nothing is known). A role that nobody holds at all is not the policy's fault, as every
/// policy would be refused then: nothing is said of it.
absl::StatusOr<std::vector<Finding>> FindLockOuts(const Reader& state, const TrustDomain* trust,
                                                  const Policy& policy,
                                                  std::string_view environment, Timestamp now);

/// FAILED_PRECONDITION (POLICY_LOCKS_OUT), with all reasons, unless there are none or a reason is
/// given why it is set all the same.
absl::Status RequireNoLockOut(const Reader& state, const TrustDomain* trust, const Policy& policy,
                              std::string_view environment, Timestamp now,
                              std::string_view force_reason);

}  // namespace dml
