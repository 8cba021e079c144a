#include "core/agent/deployment_set.h"

#include <algorithm>
#include <map>
#include <utility>

namespace dml {
namespace {

using Items = std::map<PackageName, SetItem>;

template <typename... Args>
absl::Status Unexpected(const ReleaseItem& item, fmt::format_string<Args...> format,
                        Args&&... args) {
  return FailedPrecondition(ErrorReason("PREVIOUS_UNEXPECTED"), "{} of {}: {}",
                            ReleaseActionName(item.action), item.variant.ResourceName(),
                            fmt::format(format, std::forward<Args>(args)...));
}

bool IsSameContent(const SetItem& there, const ReleaseItem& item) {
  return there.variant == item.variant && there.manifest == item.manifest;
}

class Planner {
 public:
  Planner(const DeploymentSet* before, const NodeFacts& node) : node_(node) {
    if (before == nullptr) return;
    for (const SetItem& item : before->items) items_.emplace(item.variant.package, item);
  }

  absl::Status Add(const ReleaseItem& item) {
    const auto found = items_.find(item.variant.package);
    const SetItem* there = found == items_.end() ? nullptr : &found->second;
    if (item.action == ReleaseAction::kRemove) return Remove(item, there);
    DML_RETURN_IF_ERROR(CheckPlatform(item));
    DML_RETURN_IF_ERROR(CheckThere(item, there));
    return Put(item, there);
  }

  absl::Status Finish(DeploymentSet& out) {
    if (items_.size() > kMaxSetItems) {
      return FailedPrecondition(ErrorReason("SET_TOO_LARGE"),
                                "{} packages on one node are more "
                                "than {}",
                                items_.size(), kMaxSetItems);
    }
    for (auto& [package, item] : items_) out.items.push_back(std::move(item));
    out.changed = std::move(changed_);
    return absl::OkStatus();
  }

 private:
  absl::Status CheckPlatform(const ReleaseItem& item) const {
    const Platform& platform = item.variant.platform;
    if (platform == Platform() || std::ranges::count(node_.platforms, platform) > 0) {
      return absl::OkStatus();
    }
    return FailedPrecondition(ErrorReason("PLATFORM_UNEXPECTED"),
                              "{} is for {}, which does not run here: see 'platforms' in the "
                              "agent's configuration",
                              item.variant.ResourceName(), platform.VariantId());
  }

  absl::Status CheckThere(const ReleaseItem& item, const SetItem* there) const {
    if (there != nullptr && IsSameContent(*there, item)) return absl::OkStatus();
    switch (item.action) {
      case ReleaseAction::kInstall:
        if (there == nullptr) return absl::OkStatus();
        return Unexpected(item, "{} is there; a release that replaces it says UPGRADE",
                          there->variant.ResourceName());
      case ReleaseAction::kUpgrade:
        if (there != nullptr && item.previous.has_value() && there->variant == *item.previous) {
          return absl::OkStatus();
        }
        return Unexpected(item, "it is to replace {}, and {} is there",
                          item.previous.has_value() ? item.previous->ResourceName() : "nothing",
                          there == nullptr ? "nothing" : there->variant.ResourceName());
      case ReleaseAction::kConfigure:
        return Unexpected(item, "{} is there",
                          there == nullptr ? "nothing" : there->variant.ResourceName());
      case ReleaseAction::kRemove:
        break;
    }
    return Unexpected(item, "it puts nothing anywhere");
  }

  absl::Status Remove(const ReleaseItem& item, const SetItem* there) {
    if (there == nullptr) return absl::OkStatus();
    if (!IsSameContent(*there, item)) {
      return Unexpected(item, "{} is there", there->variant.ResourceName());
    }
    items_.erase(item.variant.package);
    changed_.push_back(item.variant.package);
    return absl::OkStatus();
  }

  absl::Status Put(const ReleaseItem& item, const SetItem* there) {
    const std::string package = item.variant.package.ToString();
    const auto rule = std::ranges::find_if(
        node_.rules, [&](const HandlerRule& each) { return each.packages.Covers(package); });
    if (rule == node_.rules.end()) {
      return FailedPrecondition(ErrorReason("HANDLER_UNKNOWN"),
                                "no handler is for {}: add one to the agent's configuration",
                                package);
    }
    SetItem after{item.variant, item.manifest, item.configuration, rule->handler};
    if (there != nullptr) {
      if (there->handler != after.handler) {
        return FailedPrecondition(ErrorReason("HANDLER_CHANGED"),
                                  "{} was put there by the handler {}, and {} is to replace it: "
                                  "remove it first",
                                  there->variant.ResourceName(), there->handler, after.handler);
      }
      if (!after.configuration.has_value()) after.configuration = there->configuration;
      if (*there == after) return absl::OkStatus();
    }
    items_.insert_or_assign(item.variant.package, std::move(after));
    changed_.push_back(item.variant.package);
    return absl::OkStatus();
  }

  const NodeFacts& node_;
  Items items_;
  std::vector<PackageName> changed_;
};

}  // namespace

const SetItem* FindItem(const DeploymentSet& set, const PackageName& package) {
  const auto found = std::ranges::find(set.items, package,
                                       [](const SetItem& item) { return item.variant.package; });
  return found == set.items.end() ? nullptr : &*found;
}

std::vector<SetStep> StepsOf(const DeploymentSet* before, const DeploymentSet& after) {
  std::vector<SetStep> out;
  for (const PackageName& package : after.changed) {
    out.push_back(
        {before == nullptr ? nullptr : FindItem(*before, package), FindItem(after, package)});
  }
  return out;
}

bool IsForNode(const ReleaseItem& item, const NodeFacts& node) {
  return std::ranges::all_of(item.nodes, [&](const auto& label) {
    const auto found = node.labels.find(label.first);
    return found != node.labels.end() && found->second == label.second;
  });
}

absl::StatusOr<DeploymentSet> PlanSet(const DeploymentSet* before, const Release& release,
                                      const Permit& permit, const NodeFacts& node) {
  Planner planner(before, node);
  for (const VariantName& name : permit.order) {
    // VerifyPermitBundle has seen that the order is one of just these items.
    const auto item = std::ranges::find(release.items, name, &ReleaseItem::variant);
    if (item == release.items.end() || !IsForNode(*item, node)) continue;
    DML_RETURN_IF_ERROR(planner.Add(*item));
  }
  DeploymentSet out;
  out.permit = permit.id;
  out.release = release.name + " " + release.version;
  out.expires = permit.expires;
  DML_RETURN_IF_ERROR(planner.Finish(out));
  return out;
}

}  // namespace dml
