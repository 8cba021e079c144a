// Questions of LicenseService that are answered from the index of licenses.
#pragma once

#include "dml/v1/license.pb.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/services.h"

namespace dml {

/// INVALID_ARGUMENT: LICENSE_QUESTION_INVALID (not exactly one thing is asked for),
/// LICENSE_UNKNOWN, LICENSE_CATEGORY_UNKNOWN, LICENSE_OBLIGATION_UNKNOWN, the errors of
/// LicenseExpression::Parse. FAILED_PRECONDITION (LICENSE_PROPERTIES_MISSING).
absl::Status FindByLicense(const ServiceContext& context, const Caller& caller,
                           const v1::FindPackagesByLicenseRequest& request,
                           v1::FindPackagesByLicenseResponse& response);

/// What was observed and concluded of a variant, by the trust at the journal's time.
absl::StatusOr<LicenseEvidence> ReadEvidence(const ServiceContext& context, const Reader& state,
                                             const VariantRecord& record);
/// Evidence with its findings.
void FillEvidence(const LicenseEvidence& evidence, const std::string& subject,
                  v1::EvaluateLicenseResponse& response);

}  // namespace dml
