#include "core/release/release_diff.h"

#include <array>
#include <tuple>
#include <utility>

#include <fmt/ranges.h>

namespace dml {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"ADDED", "REMOVED", "CHANGED"};

// Version last, so that versions of one package stand side by side. It is "" where the package has
// one item of that platform on each side, which is then the same item.
using ItemKey = std::tuple<PackageName, Platform, std::string>;

std::map<std::pair<PackageName, Platform>, size_t> CountPlaces(const Release& release) {
  std::map<std::pair<PackageName, Platform>, size_t> out;
  for (const ReleaseItem& item : release.items) {
    ++out[{item.variant.package, item.variant.platform}];
  }
  return out;
}

struct Sides {
  const ReleaseItem* before = nullptr;
  const ReleaseItem* after = nullptr;
};

std::map<ItemKey, Sides> PairItems(const Release& before, const Release& after) {
  const auto counts_before = CountPlaces(before);
  const auto counts_after = CountPlaces(after);
  const auto key_of = [&](const VariantName& name) {
    const std::pair place(name.package, name.platform);
    const auto count = [&](const auto& counts) {
      const auto found = counts.find(place);
      return found == counts.end() ? 0 : found->second;
    };
    const bool is_single = count(counts_before) <= 1 && count(counts_after) <= 1;
    return ItemKey(name.package, name.platform, is_single ? "" : name.version);
  };
  std::map<ItemKey, Sides> out;
  for (const ReleaseItem& item : before.items) out[key_of(item.variant)].before = &item;
  for (const ReleaseItem& item : after.items) out[key_of(item.variant)].after = &item;
  return out;
}

std::optional<VariantFacts> FactsOf(const ReleaseItem* item, const VariantFactsMap& facts) {
  if (item == nullptr) return std::nullopt;
  const auto found = facts.find(item->variant);
  return found == facts.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> DifferingParts(const ReleaseItem& a, const ReleaseItem& b,
                                        const std::optional<VariantFacts>& facts_a,
                                        const std::optional<VariantFacts>& facts_b) {
  std::vector<std::string> out;
  const auto note = [&](const char* part, bool differs) {
    if (differs) out.emplace_back(part);
  };
  note("version", a.variant.version != b.variant.version);
  note("manifest", a.manifest != b.manifest);
  note("action", a.action != b.action);
  note("previous", a.previous != b.previous);
  note("configuration", a.configuration != b.configuration);
  note("changes", a.changes != b.changes);
  note("nodes", a.nodes != b.nodes);
  const bool both = facts_a.has_value() && facts_b.has_value();
  note("license", both && facts_a->license != facts_b->license);
  note("size", both && facts_a->bytes != facts_b->bytes);
  return out;
}

DiffKind KindOf(bool has_before, bool has_after) {
  if (!has_before) return DiffKind::kAdded;
  return has_after ? DiffKind::kChanged : DiffKind::kRemoved;
}

int64_t InstalledBytes(const ReleaseItem* item, const std::optional<VariantFacts>& facts) {
  const bool counts =
      item != nullptr && item->action != ReleaseAction::kRemove && facts.has_value();
  return counts ? static_cast<int64_t>(facts->bytes) : 0;
}

void DiffItems(const Release& before, const Release& after, const VariantFactsMap& facts,
               ReleaseDiff& out) {
  for (const auto& [key, sides] : PairItems(before, after)) {
    ItemDiff item;
    item.kind = KindOf(sides.before != nullptr, sides.after != nullptr);
    item.facts_before = FactsOf(sides.before, facts);
    item.facts_after = FactsOf(sides.after, facts);
    out.bytes += InstalledBytes(sides.after, item.facts_after) -
                 InstalledBytes(sides.before, item.facts_before);
    if (sides.before != nullptr) item.before = *sides.before;
    if (sides.after != nullptr) item.after = *sides.after;
    if (item.kind == DiffKind::kChanged) {
      item.parts = DifferingParts(*sides.before, *sides.after, item.facts_before, item.facts_after);
      if (item.parts.empty()) continue;
    }
    out.items.push_back(std::move(item));
  }
}

void DiffChanges(const Release& before, const Release& after, ReleaseDiff& out) {
  std::map<std::string, ChangeDiff> changes;
  for (const ReleaseChange& change : before.changes) changes[change.id].before = change;
  for (const ReleaseChange& change : after.changes) changes[change.id].after = change;
  for (auto& [id, change] : changes) {
    if (change.before == change.after) continue;
    change.kind = KindOf(change.before.has_value(), change.after.has_value());
    out.changes.push_back(std::move(change));
  }
}

std::string WindowText(const Release& release) {
  if (!release.window.has_value()) return "";
  return fmt::format("{} to {}", FormatTime(release.window->from),
                     FormatTime(release.window->until));
}

std::string RiskText(const Release& release) {
  if (!release.risk.has_value()) return "";
  return fmt::format("up to {} by {}", release.risk->up_to, release.risk->accepted_by);
}

std::string BackOutText(const Release& release) {
  return release.back_out.has_value() ? release.back_out->ToString() : "BASELINE";
}

void DiffMembers(const Release& before, const Release& after, ReleaseDiff& out) {
  const auto note = [&](const char* member, std::string a, std::string b) {
    if (a != b) out.members.push_back({member, std::move(a), std::move(b)});
  };
  note("name", before.name, after.name);
  note("version", before.version, after.version);
  note("type", std::string(ReleaseTypeName(before.type)), std::string(ReleaseTypeName(after.type)));
  note("environments", fmt::format("{}", fmt::join(before.environments, ", ")),
       fmt::format("{}", fmt::join(after.environments, ", ")));
  note("window", WindowText(before), WindowText(after));
  note("evidence", fmt::format("{}", fmt::join(before.evidence, ", ")),
       fmt::format("{}", fmt::join(after.evidence, ", ")));
  note("risk", RiskText(before), RiskText(after));
  note("backOut", BackOutText(before), BackOutText(after));
}

}  // namespace

std::string_view DiffKindName(DiffKind kind) { return kKinds[static_cast<size_t>(kind) - 1]; }

ReleaseDiff DiffReleases(const Release& before, const Release& after,
                         const VariantFactsMap& facts) {
  ReleaseDiff out;
  DiffMembers(before, after, out);
  DiffItems(before, after, facts, out);
  DiffChanges(before, after, out);
  return out;
}

}  // namespace dml
