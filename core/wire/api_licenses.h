// Domain values <-> API messages of licenses; see core/wire/api.h.
#pragma once

#include "core/license/policy.h"
#include "core/wire/api.h"
#include "dml/v1/license.pb.h"

namespace dml::wire {

v1::LicenseOutcome ToApi(LicenseOutcome outcome);
/// INVALID_ARGUMENT (LICENSE_OUTCOME_UNKNOWN).
absl::StatusOr<LicenseOutcome> From(v1::LicenseOutcome in);

void To(const LicenseContext& context, v1::LicenseContext* out);
/// What is not told is the default. INVALID_ARGUMENT (LICENSE_CONTEXT_UNKNOWN) for a word that this
/// version does not know.
absl::StatusOr<LicenseContext> From(const v1::LicenseContext& in);

/// Without the expired waivers and other rules, which the findings of a verdict tell.
void To(const LicenseReason& reason, v1::LicenseReason* out);
absl::StatusOr<LicenseReason> From(const v1::LicenseReason& in);

}  // namespace dml::wire
