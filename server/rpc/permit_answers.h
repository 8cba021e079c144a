// The gate's answers about permits and releases as messages. Functions without state.
#pragma once

#include "core/wire/api_permits.h"
#include "server/rpc/service_util.h"

namespace dml {

/// The first of findings that an answer shows whole.
inline constexpr size_t kMaxShownFindings = 1000;

/// A permit with the name of its release, where that is known, as of `now`.
absl::Status FillPermit(const Reader& state, const PermitRecord& record, Timestamp now,
                        v1::Permit* out);

absl::Status AnswerBatch(const ServiceContext& context, const Caller& caller,
                         const v1::BatchEvaluateRequest& request,
                         v1::BatchEvaluateResponse& response);
absl::Status AnswerWhatIf(const ServiceContext& context, const Caller& caller,
                          const v1::WhatIfRequest& request, v1::WhatIfResponse& response);
absl::Status AnswerExplain(const ServiceContext& context, const Caller& caller,
                           const v1::ExplainDenialRequest& request,
                           v1::ExplainDenialResponse& response);

/// Which release a request names; permission comes before existence, so ask first. NOT_FOUND
/// (RELEASE_NOT_FOUND).
absl::StatusOr<ReleaseRecord> FindNamedRelease(const Reader& state, const std::string& name);
/// The environment of a request, in which the caller may ask.
absl::StatusOr<std::string> ReadPermittedEnvironment(const Caller& caller, const std::string& name);
/// A time of a request; INVALID_ARGUMENT (TIME_INVALID) at the field.
absl::StatusOr<Timestamp> ReadTimeField(const google::protobuf::Timestamp& in,
                                        std::string_view field);

}  // namespace dml
