// Domain values <-> API messages of releases; see core/wire/api.h.
#pragma once

#include "core/wire/api.h"
#include "dml/v1/release.pb.h"

namespace dml::wire {

void To(const ReleaseRecord& record, v1::Release* out);
absl::StatusOr<ReleaseRecord> From(const v1::Release& in);
void To(const DeploymentRecord& record, v1::Deployment* out);
/// Its release is not told.
absl::StatusOr<DeploymentRecord> From(const v1::Deployment& in);
void To(const ReleaseEnvelopeRecord& record, v1::ReleaseEnvelope* out);
/// Its release is not told.
absl::StatusOr<ReleaseEnvelopeRecord> From(const v1::ReleaseEnvelope& in);

/// releases/N/versions/V
std::string ReleaseResource(std::string_view name, std::string_view version);
/// Name and version; NAME_INVALID.
absl::StatusOr<std::pair<std::string, std::string>> ParseReleaseResource(std::string_view resource);

}  // namespace dml::wire
