#include "core/gate/item_order.h"

#include <algorithm>
#include <map>

#include "core/compat/dependency_edges.h"

namespace dml {
namespace {

constexpr size_t kMaxEdges = 1 << 20;

enum class Mark { kNew, kOpen, kDone };

// Depth first, by hand: a chain of requirements may be as long as a release.
class Walk {
 public:
  explicit Walk(std::vector<std::vector<uint32_t>> requires_of)
      : requires_of_(std::move(requires_of)), marks_(requires_of_.size(), Mark::kNew) {}

  std::vector<uint32_t> Run() {
    for (uint32_t i = 0; i < requires_of_.size(); ++i) From(i);
    return std::move(out_);
  }

 private:
  void From(uint32_t first) {
    std::vector<std::pair<uint32_t, size_t>> stack;  // Item, and how many of its edges were taken.
    const auto open = [&](uint32_t item) {
      if (marks_[item] != Mark::kNew) return;
      marks_[item] = Mark::kOpen;
      stack.emplace_back(item, 0);
    };
    open(first);
    while (!stack.empty()) {
      auto& [item, taken] = stack.back();
      if (taken < requires_of_[item].size()) {
        open(requires_of_[item][taken++]);
        continue;
      }
      marks_[item] = Mark::kDone;
      out_.push_back(item);
      stack.pop_back();
    }
  }

  const std::vector<std::vector<uint32_t>> requires_of_;
  std::vector<Mark> marks_;
  std::vector<uint32_t> out_;
};

}  // namespace

std::vector<VariantName> OrderItems(const Release& release,
                                    std::span<const PackageSpec* const> specs) {
  std::vector<const PackageSpec*> known;
  std::vector<uint32_t> places;  // In the release, of each in `known`.
  for (uint32_t i = 0; i < release.items.size(); ++i) {
    const bool stays = release.items[i].action != ReleaseAction::kRemove;
    if (!stays || i >= specs.size() || specs[i] == nullptr) continue;
    known.push_back(specs[i]);
    places.push_back(i);
  }
  std::vector<std::vector<uint32_t>> requires_of(release.items.size());
  const auto edges = DependencyEdges(known, kMaxEdges);
  if (edges.ok()) {
    for (const DependencyEdge& edge : *edges) {
      requires_of[places[edge.from]].push_back(places[edge.to]);
    }
  }
  std::vector<VariantName> out;
  std::vector<VariantName> removed;
  for (const uint32_t i : Walk(std::move(requires_of)).Run()) {
    const bool goes = release.items[i].action == ReleaseAction::kRemove;
    (goes ? removed : out).push_back(release.items[i].variant);
  }
  // What was required goes after what required it.
  out.insert(out.end(), removed.begin(), removed.end());
  return out;
}

}  // namespace dml
