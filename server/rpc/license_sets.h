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

/// INVALID_ARGUMENT: SET_EMPTY, SET_TOO_LARGE, the errors of ReadVariant, of expressions and
/// contexts; NOT_FOUND (VARIANT_NOT_FOUND) and the errors of ReadPolicyOf; FAILED_PRECONDITION
/// (LICENSE_MATRIX_MISSING).
absl::Status EvaluateSet(const ServiceContext& context, const Caller& caller,
                         const v1::EvaluateLicenseSetRequest& request,
                         v1::EvaluateLicenseSetResponse& response);

/// The variants of a request that the caller sees, each once. SET_EMPTY, SET_TOO_LARGE.
absl::StatusOr<std::vector<VariantName>> ReadLicenseSet(
    const Caller& caller, const google::protobuf::RepeatedPtrField<std::string>& names);

/// A snapshot's state with the policy of an environment, none where that is "".
struct LicenseQuestionState {
  LicenseState state;
  uint64_t policy_revision = 0;
};
absl::StatusOr<LicenseQuestionState> ReadQuestionState(const ServiceContext& context,
                                                       const Caller& caller, const Reader& reader,
                                                       const std::string& environment);

}  // namespace dml
