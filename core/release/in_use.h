// What is in use in an environment, by the releases that went there.
#pragma once

#include <span>
#include <vector>

#include "core/base/time.h"
#include "core/release/release.h"
#include "core/release/release_state.h"

namespace dml {

/// A release in an environment.
struct DeployedRelease {
  const Release* release = nullptr;  // Borrowed.
  DeploymentState state = DeploymentState::kNone;
  Timestamp started;   // Zero: it has not begun.
  Timestamp deployed;  // Zero: it was never there on all nodes.
};

struct ItemInUse {
  size_t release = 0;  // Index of the release that brought it.
  const ReleaseItem* item = nullptr;
};

/// The items that run, those of the releases that started last first. An item of a release that is
/// there on all nodes takes the place of another variant of its package and platform, on nodes with
/// the same labels; one of a release that is on its way, or was halted there, runs beside it. What
/// was backed out, or has not begun, brings nothing.
std::vector<ItemInUse> FindItemsInUse(std::span<const DeployedRelease> releases);

}  // namespace dml
