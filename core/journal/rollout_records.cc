#include "core/journal/rollout_records.h"

#include <array>

#include <fmt/format.h>

namespace dml {

std::string RolloutRecord::Etag() const { return fmt::format("{}", index); }

std::string_view RolloutActionName(RolloutAction action) {
  constexpr std::array<std::string_view, 5> kNames = {"pause", "resume", "abort", "back-out",
                                                      "tick"};
  return kNames[static_cast<size_t>(action) - 1];
}

}  // namespace dml
