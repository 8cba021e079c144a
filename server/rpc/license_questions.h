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

/// A policy, and the environment whose it is; "" for a document of the request.
struct PolicyInUse {
  PolicyInForce in_force;
  std::string environment;
  uint64_t revision = 0;
};

/// The policy in force for an environment ("environments/E") that the caller sees. NOT_FOUND
/// (ENVIRONMENT_NOT_FOUND, POLICY_NOT_FOUND).
absl::StatusOr<PolicyInUse> ReadPolicyOf(const ServiceContext& context, const Caller& caller,
                                         const Reader& state, const std::string& environment);

/// FAILED_PRECONDITION (LICENSE_MATRIX_MISSING).
absl::Status CheckMatrix(const LicenseData& data);

/// Evidence with its findings.
void FillEvidence(const LicenseEvidence& evidence, const std::string& subject,
                  v1::EvaluateLicenseResponse& response);

}  // namespace dml
