// Rollouts as JSON and as text, for dml rollout.
#pragma once

#include <string>

#include "client/rollouts.h"
#include "tools/dml/app.h"

namespace dml {

Json ToJson(const RolloutDetails& rollout);
/// "ROLLING_OUT, paused".
std::string StateWords(const RolloutRecord& record);
/// "3 PENDING, 1 CONFIRMED".
std::string CountWords(const RolloutRecord& record);
void AddStatus(const RolloutDetails& rollout, Text& text);

}  // namespace dml
