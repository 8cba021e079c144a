#include "core/rules/rollout_start.h"

namespace dml {

absl::StatusOr<DeploymentRecord> AfterStart(const DeploymentRecord& deployment,
                                            const ReleaseRecord& release, Timestamp time) {
  if (deployment.state == DeploymentState::kRollingOut) return deployment;
  return AfterEvent(deployment, release, deployment.environment, DeploymentEvent::kStart, time);
}

}  // namespace dml
