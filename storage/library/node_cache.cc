#include "storage/library/node_cache.h"

#include <utility>

#include "core/rules/command.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr int kPageSize = 1000;

absl::StatusOr<std::vector<Labels>> ReadLabels(const Reader& state, std::string_view environment) {
  std::vector<Labels> out;
  PageRequest page;
  page.size = kPageSize;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Nodes(environment, page));
    for (NodeRecord& node : found.items) out.push_back(std::move(node.labels));
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return out;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const std::vector<Labels>>> NodeCache::Get(
    const Reader& state, std::string_view environment) {
  DML_ASSIGN_OR_RETURN(const uint64_t stamp,
                       LibraryView(state).Stamp(EnvironmentStamp(environment)));
  {
    absl::MutexLock lock(&mutex_);
    const auto found = kept_.find(environment);
    if (found != kept_.end() && found->second.stamp == stamp) return found->second.labels;
  }
  DML_ASSIGN_OR_RETURN(std::vector<Labels> read, ReadLabels(state, environment));
  auto labels = std::make_shared<const std::vector<Labels>>(std::move(read));
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(environment);
  // A reader of an older snapshot leaves what newer ones need.
  if (found != kept_.end() && found->second.stamp > stamp) return labels;
  if (found != kept_.end()) {
    nodes_ -= found->second.labels->size();
    kept_.erase(found);
  }
  if (nodes_ + labels->size() > kMaxNodes) {
    kept_.clear();
    nodes_ = 0;
  }
  if (labels->size() > kMaxNodes) return labels;
  nodes_ += labels->size();
  kept_.emplace(std::string(environment), Kept{stamp, labels});
  return labels;
}

}  // namespace dml
