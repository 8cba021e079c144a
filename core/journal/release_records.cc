#include "core/journal/release_records.h"

#include <fmt/format.h>

namespace dml {

std::string ReleaseRecord::Etag() const { return fmt::format("{}", updated_index); }
std::string DeploymentRecord::Etag() const { return fmt::format("{}", index); }

DeploymentRecord DeploymentRecord::AsOf(Timestamp now) const {
  DeploymentRecord out = *this;
  if (state == DeploymentState::kPermitted && permitted_until <= now) {
    out.state = DeploymentState::kApproved;
  }
  return out;
}

}  // namespace dml
