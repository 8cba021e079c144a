#include "core/rules/releases.h"

#include <algorithm>

namespace dml {

absl::StatusOr<ReleaseRecord> AfterAttestation(ReleaseRecord record, std::string_view type) {
  DML_ASSIGN_OR_RETURN(const ReleaseState tested, StateAfter(record.state, ReleaseEvent::kTest));
  const auto at = std::ranges::lower_bound(record.evidence, type);
  if (at == record.evidence.end() || *at != type) record.evidence.insert(at, std::string(type));
  if (std::ranges::includes(record.evidence, record.required_evidence)) record.state = tested;
  return record;
}

absl::StatusOr<DeploymentRecord> AfterEvent(std::optional<DeploymentRecord> record,
                                            const ReleaseRecord& release,
                                            std::string_view environment, DeploymentEvent event,
                                            Timestamp time) {
  if (!record.has_value()) {
    record.emplace();
    record->release = release.document.digest;
    record->environment = environment;
    record->type = release.type;
  }
  record = record->AsOf(time);
  DML_ASSIGN_OR_RETURN(record->state, StateAfter(record->state, event));
  if (event == DeploymentEvent::kStart) record->started = time;
  if (event == DeploymentEvent::kFinish) record->deployed = time;
  return *std::move(record);
}

}  // namespace dml
