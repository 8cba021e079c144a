// Domain values <-> API messages of licenses; see core/wire/api.h.
#pragma once

#include "core/license/evidence.h"
#include "core/license/policy.h"
#include "core/wire/api.h"
#include "dml/v1/license.pb.h"

namespace dml::wire {

v1::LicenseOutcome ToApi(LicenseOutcome outcome);
v1::LicenseDataKind ToApi(LicenseDataKind kind);
/// INVALID_ARGUMENT (LICENSE_OUTCOME_UNKNOWN).
absl::StatusOr<LicenseOutcome> From(v1::LicenseOutcome in);

void To(const LicenseContext& context, v1::LicenseContext* out);
/// What is not told is the default. INVALID_ARGUMENT (LICENSE_CONTEXT_UNKNOWN) for a word that this
/// version does not know.
absl::StatusOr<LicenseContext> From(const v1::LicenseContext& in);

/// Without the expired waivers and other rules, which the findings of a verdict tell.
void To(const LicenseReason& reason, v1::LicenseReason* out);
absl::StatusOr<LicenseReason> From(const v1::LicenseReason& in);

void To(const ObservedLicense& observed, v1::ObservedLicense* out);
void To(const ConcludedLicense& concluded, v1::ConcludedLicense* out);

/// INVALID_ARGUMENT (LICENSE_DATA_KIND_UNKNOWN), unspecified ones too.
absl::StatusOr<LicenseDataKind> From(v1::LicenseDataKind in);

/// Without the envelope's bytes, which are read apart; `From` makes its digest of them.
void To(const LicenseDataRecord& record, v1::LicenseData* out);
absl::StatusOr<LicenseDataRecord> From(const v1::LicenseData& in);

}  // namespace dml::wire
