#include "tools/agent/inventory_report.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <tuple>

#include "core/base/text.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPathBytes = 500;

InventoryItem ItemOf(const SetItem& item, InventoryUse use) {
  InventoryItem out;
  out.variant = item.variant;
  out.manifest = item.manifest;
  if (item.configuration.has_value()) out.configuration = item.configuration->digest;
  out.use = use;
  return out;
}

void AddEntries(const fs::path& folder, std::vector<fs::path>& out) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path());
  }
}

}  // namespace

NodeInventory MakeInventory(const AgentState& state, const std::vector<VerifiedItem>& verified,
                            std::vector<std::string> foreign) {
  NodeInventory out;
  out.environment = state.environment;
  out.node = state.node;
  const auto add = [&](const DeploymentSet& set, InventoryUse use) {
    for (const SetItem& item : set.items) out.items.push_back(ItemOf(item, use));
  };
  if (state.active.has_value()) {
    out.release = state.active->release;
    out.permit = state.active->permit;
    add(*state.active, InventoryUse::kRuns);
  }
  for (const DeploymentSet& set : state.previous) add(set, InventoryUse::kKept);
  // What is being fetched must not go from the library meanwhile.
  if (state.pending.has_value()) add(*state.pending, InventoryUse::kKept);
  for (InventoryItem& item : out.items) {
    item.changed =
        item.use == InventoryUse::kRuns &&
        std::ranges::any_of(verified, [&](const VerifiedItem& found) {
          return !found.differences.empty() && ItemOf(found.item, InventoryUse::kRuns) == item;
        });
  }
  std::ranges::sort(out.items, {}, [](const InventoryItem& item) {
    return std::tuple(item.use, item.variant, item.manifest, item.configuration);
  });
  const auto [first, last] = std::ranges::unique(out.items);
  out.items.erase(first, last);
  if (foreign.size() > kMaxInventoryForeign) foreign.resize(kMaxInventoryForeign);
  out.foreign = std::move(foreign);
  return out;
}

std::vector<std::string> FindForeign(const AgentConfig& config, const AgentState& state) {
  std::set<std::string> known;  // "namespace/package"
  for (const SetItem& item : KeptItems(state)) known.insert(item.variant.package.ToString());
  for (const SetItem& item : state.retired) known.insert(item.variant.package.ToString());
  std::set<std::string> out;
  for (const HandlerConfig& handler : config.handlers) {
    if (handler.kind != HandlerKind::kDirectory) continue;
    std::vector<fs::path> namespaces;
    AddEntries(handler.root, namespaces);
    for (const fs::path& ns : namespaces) {
      std::error_code error;
      std::vector<fs::path> packages;
      if (fs::symlink_status(ns, error).type() == fs::file_type::directory) {
        AddEntries(ns, packages);
      } else {
        out.insert(Excerpt(ns.string(), kMaxPathBytes));
      }
      for (const fs::path& package : packages) {
        const std::string name = ns.filename().string() + "/" + package.filename().string();
        if (!known.contains(name)) out.insert(Excerpt(package.string(), kMaxPathBytes));
      }
    }
  }
  return {out.begin(), out.end()};
}

}  // namespace dml::agent
