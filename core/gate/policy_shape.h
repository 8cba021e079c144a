// The one table of what may stand in a policy document: ParsePolicy() checks documents by it, and
// `dml policy schema` prints it. Pure; any thread.
#pragma once

#include "core/gate/document_shape.h"

namespace dml {

inline constexpr std::string_view kPolicySchemaId = "https://dml.dev/schema/policy/v1";

const Shape& PolicyShape();
/// The JSON Schema of policies.
nlohmann::ordered_json PolicyJsonSchema();

}  // namespace dml
