// For documents whose specification demands that readers ignore what they do not know.
#pragma once

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"

namespace dml {

/// Tells the reader that the members of `object` which nobody has asked for are no errors. Call it
/// last, before Finish().
inline void IgnoreOtherMembers(const nlohmann::json& object, ObjectReader& in) {
  if (!object.is_object()) return;
  for (const auto& [key, value] : object.items()) {
    in.Read(key, [](const nlohmann::json&) { return absl::OkStatus(); });
  }
}

}  // namespace dml
