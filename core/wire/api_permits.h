// Domain values <-> API messages of permits; see core/wire/api.h.
#pragma once

#include "core/journal/permit_records.h"
#include "core/wire/api.h"
#include "dml/v1/permit.pb.h"

namespace dml::wire {

std::string PermitResource(std::string_view id);  // permits/<UUID>
/// The id; NAME_INVALID, or PERMIT_INVALID for what is no UUID.
absl::StatusOr<std::string> ParsePermitResource(std::string_view resource);

/// `release`: the resource name of the release, "" where it is not known. The state is that at
/// `now`.
void To(const PermitRecord& record, std::string_view release, Timestamp now, v1::Permit* out);
/// Of what was asked for nothing is told.
absl::StatusOr<PermitRecord> From(const v1::Permit& in);

void To(const PermitUseRecord& record, v1::PermitUse* out);
/// The permit's id is not told.
absl::StatusOr<PermitUseRecord> From(const v1::PermitUse& in);

}  // namespace dml::wire
