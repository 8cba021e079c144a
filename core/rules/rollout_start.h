// What a rollout's beginning is for the deployment. Pure; any thread.
#pragma once

#include "core/rules/releases.h"

namespace dml {

/// The deployment once a rollout of it has begun; also of one that a node began by its permit
/// alone. The errors of AfterEvent.
absl::StatusOr<DeploymentRecord> AfterStart(const DeploymentRecord& deployment,
                                            const ReleaseRecord& release, Timestamp time);

}  // namespace dml
