// The table of what may stand in a document of policy cases; see policy_cases.h. Pure; any thread.
#pragma once

#include <span>

#include "core/gate/document_shape.h"

namespace dml {

const Shape& PolicyCasesShape();
/// The words of its members, in the order of the enums that they stand for.
std::span<const std::string_view> CaseTypes();
std::span<const std::string_view> CaseActions();
std::span<const std::string_view> CaseItemStates();
std::span<const std::string_view> CaseDeploymentStates();  // From ROLLING_OUT on.
std::span<const std::string_view> CaseSeverities();

}  // namespace dml
