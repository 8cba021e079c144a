// The questions of the compatibility service about nodes and what runs there, over one snapshot.
#pragma once

#include "core/compat/nodes_document.h"
#include "server/rpc/compatibility_questions.h"

namespace dml {

inline constexpr int kMaxPlanNodes = 1'000;
inline constexpr size_t kMaxNodeVariants = 100'000;      // Of all nodes together.
inline constexpr size_t kMaxNodeConfigurations = 1'000;  // That differ.
/// Steps of a plan's search, and the most that a request gets: each may be remembered.
inline constexpr uint64_t kDefaultPlanSteps = 20'000'000;
inline constexpr uint64_t kMaxPlanSteps = 100'000'000;

absl::Status AnswerCheckEnvironment(const Question& question,
                                    const v1::CheckEnvironmentRequest& request,
                                    v1::CheckEnvironmentResponse& response);
absl::Status AnswerPlanUpgradeOrder(const Question& question,
                                    const v1::PlanUpgradeOrderRequest& request,
                                    v1::PlanUpgradeOrderResponse& response);
absl::Status AnswerWhatBreaksIf(const Question& question, const v1::WhatBreaksIfRequest& request,
                                v1::WhatBreaksIfResponse& response);

}  // namespace dml
