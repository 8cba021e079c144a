// What the rules of findings demand, in a sentence each. Pure; any thread.
#pragma once

#include <string_view>

namespace dml {

/// "" for a rule that is none of the gate's.
std::string_view RuleText(std::string_view rule);

/// Whether findings of the rule come and go with time alone.
bool GoesWithTime(std::string_view rule);

}  // namespace dml
