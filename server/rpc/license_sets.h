// EvaluateLicenseSet: licenses of variants that are used together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dml/v1/license.pb.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/services.h"
#include "storage/library/variant_licenses.h"

namespace dml {

/// The errors of ReadLicenseSet, of expressions and contexts; NOT_FOUND (VARIANT_NOT_FOUND) and the
/// errors of ReadPolicyOf; FAILED_PRECONDITION (LICENSE_MATRIX_MISSING).
absl::Status EvaluateSet(const ServiceContext& context, const Caller& caller,
                         const v1::EvaluateLicenseSetRequest& request,
                         v1::EvaluateLicenseSetResponse& response);

/// What a question is about: exactly one of the first three.
struct LicenseSetSubject {
  const google::protobuf::RepeatedPtrField<std::string>& variants;
  const std::string& release;      // Resource name.
  bool deployed = false;           // In the environment.
  const std::string& environment;  // Resource name.
};
template <typename Request>
LicenseSetSubject SubjectOf(const Request& request) {
  return {request.variants(), request.release(), request.deployed(), request.environment()};
}

/// Its variants, each once; the caller may see each of them. INVALID_ARGUMENT: SET_EMPTY,
/// SET_AMBIGUOUS, SET_TOO_LARGE, the errors of names; those of ItemsOfRelease and
/// ItemsInEnvironment. PERMISSION_DENIED comes before NOT_FOUND.
absl::StatusOr<std::vector<VariantName>> ReadLicenseSet(const Caller& caller, const Reader& state,
                                                        const LicenseSetSubject& subject);

/// A snapshot's state with the policy of an environment, none where that is "".
struct LicenseQuestionState {
  LicenseState state;
  uint64_t policy_revision = 0;
};
absl::StatusOr<LicenseQuestionState> ReadQuestionState(const ServiceContext& context,
                                                       const Caller& caller, const Reader& reader,
                                                       const std::string& environment);

}  // namespace dml
