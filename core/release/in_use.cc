#include "core/release/in_use.h"

#include <algorithm>

namespace dml {
namespace {

bool IsComplete(const DeployedRelease& release) {
  return release.state == DeploymentState::kDeployed ||
         (release.state == DeploymentState::kReviewed && release.deployed != Timestamp());
}

bool IsUnderWay(const DeployedRelease& release) {
  return release.started != Timestamp() && (release.state == DeploymentState::kRollingOut ||
                                            release.state == DeploymentState::kHalted);
}

bool TakesPlaceOf(const ReleaseItem& item, const ReleaseItem& old) {
  return item.variant.package == old.variant.package &&
         item.variant.platform == old.variant.platform && item.nodes == old.nodes;
}

}  // namespace

std::vector<ItemInUse> FindItemsInUse(std::span<const DeployedRelease> releases) {
  std::vector<size_t> order;
  for (size_t i = 0; i < releases.size(); ++i) {
    if (IsComplete(releases[i]) || IsUnderWay(releases[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&](size_t i) { return releases[i].started; });
  std::vector<ItemInUse> out;
  for (const size_t i : order) {
    for (const ReleaseItem& item : releases[i].release->items) {
      if (IsComplete(releases[i])) {
        std::erase_if(out, [&](const ItemInUse& old) { return TakesPlaceOf(item, *old.item); });
      }
      if (item.action != ReleaseAction::kRemove) out.push_back({i, &item});
    }
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace dml
