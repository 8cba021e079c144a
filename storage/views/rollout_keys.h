// Keys of the rows of rollouts and re-evaluations; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "storage/views/view_keys.h"

namespace dml::view_keys {

/// Rollouts of an environment are together.
inline std::string Rollout(std::string_view environment, const Digest& release) {
  return Start(Row::kRollout).String(environment).String(release.raw()).Build();
}
inline KeyBuilder RolloutNodePrefix(std::string_view environment, const Digest& release) {
  return Start(Row::kRolloutNode).String(environment).String(release.raw());
}
inline std::string RolloutNode(std::string_view environment, const Digest& release,
                               std::string_view node) {
  return RolloutNodePrefix(environment, release).String(node).Build();
}
/// Those that time may move on: as kRollout, without a value.
inline std::string RolloutOpen(std::string_view environment, const Digest& release) {
  return Start(Row::kRolloutOpen).String(environment).String(release.raw()).Build();
}
inline std::string Reevaluation(std::string_view environment, const Digest& release) {
  return Start(Row::kReevaluation).String(environment).String(release.raw()).Build();
}

}  // namespace dml::view_keys
