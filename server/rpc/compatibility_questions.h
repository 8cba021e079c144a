// The questions of the compatibility service that search, over one snapshot each.
#pragma once

#include <functional>

#include "core/compat/clause_solver.h"
#include "dml/v1/compatibility.pb.h"
#include "server/rpc/services.h"

namespace dml {

/// Steps of a search, and the most that a request gets: seconds of one processor.
inline constexpr uint64_t kDefaultResolveSteps = 500'000'000;
inline constexpr uint64_t kMaxResolveSteps = 5'000'000'000;
inline constexpr int kMaxResolvedPage = 10'000;

/// A question and what answers it. `stop` says yes once nobody waits for the answer any more: the
/// search ends then, within milliseconds, with CANCELLED (CALL_CANCELED).
struct Question {
  const ServiceContext& context;
  const Caller& caller;
  std::function<bool()> stop;
};

/// CANCELLED (CALL_CANCELED) where the search was stopped.
absl::Status CheckStopped(const SolveBudget& budget);

absl::Status AnswerResolve(const Question& question, const v1::ResolveRequest& request,
                           v1::ResolveResponse& response);
absl::Status AnswerWhyNot(const Question& question, const v1::WhyNotRequest& request,
                          v1::WhyNotResponse& response);
absl::Status AnswerCompatibleVersions(const Question& question,
                                      const v1::CompatibleVersionsRequest& request,
                                      v1::CompatibleVersionsResponse& response);

}  // namespace dml
