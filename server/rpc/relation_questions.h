// The questions of the compatibility service about who relates to, provides and uses a thing.
#pragma once

#include "server/rpc/compatibility_questions.h"

namespace dml {

/// Most uses that one question finds; RESOURCE_EXHAUSTED (TOO_MANY_USES) beyond.
inline constexpr size_t kMaxUses = 100'000;
/// Versions that a question about going back looks at, newest first.
inline constexpr size_t kMaxRollbackTargets = 100;
/// Reasons told of one of them.
inline constexpr size_t kMaxRollbackReasons = 8;

absl::Status AnswerWhoRequires(const Question& question, const v1::WhoRequiresRequest& request,
                               v1::WhoRequiresResponse& response);
absl::Status AnswerWhoProvides(const Question& question, const v1::WhoProvidesRequest& request,
                               v1::WhoProvidesResponse& response);
absl::Status AnswerWhoUses(const Question& question, const v1::WhoUsesRequest& request,
                           v1::WhoUsesResponse& response);
absl::Status AnswerSafeRollbackTargets(const Question& question,
                                       const v1::SafeRollbackTargetsRequest& request,
                                       v1::SafeRollbackTargetsResponse& response);

}  // namespace dml
