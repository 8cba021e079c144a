// DryRunPolicy: what a new policy would change.
#pragma once

#include "dml/v1/license.pb.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/services.h"

namespace dml {

/// Over what is published in namespaces that the caller sees. NOT_FOUND (ENVIRONMENT_NOT_FOUND);
/// the errors of ParsePolicy.
absl::Status TryPolicy(const ServiceContext& context, const Caller& caller,
                       const v1::DryRunPolicyRequest& request, v1::DryRunPolicyResponse& response);

}  // namespace dml
