#include "storage/library/inventory.h"

#include <deque>

#include "core/gate/policy.h"
#include "core/release/in_use.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr size_t kPageSize = 1000;

// False where the visitor has enough.
absl::StatusOr<bool> VisitOne(const Reader& state, const std::string& environment,
                              const std::function<bool(const UsedVariant&)>& visit) {
  DML_ASSIGN_OR_RETURN(const std::vector<DeploymentRecord> deployments,
                       LibraryView(state).DeploymentsIn(environment));
  std::deque<Release> documents;
  std::vector<DeployedRelease> releases;
  std::vector<const DeploymentRecord*> records;
  for (const DeploymentRecord& record : deployments) {
    if (record.started == Timestamp() && record.deployed == Timestamp()) continue;
    DML_ASSIGN_OR_RETURN(Release release, LoadRelease(state, record.release));
    documents.push_back(std::move(release));
    releases.push_back({&documents.back(), record.state, record.started, record.deployed});
    records.push_back(&record);
  }
  for (const ItemInUse& item : FindItemsInUse(releases)) {
    const Release& release = *releases[item.release].release;
    UsedVariant used;
    used.environment = environment;
    used.node_labels = item.item->nodes;
    used.variant = item.item->variant;
    used.manifest = item.item->manifest.digest;
    used.release = fmt::format("releases/{}/versions/{}", release.name, release.version);
    used.release_document = records[item.release]->release;
    used.state = std::string(DeploymentStateName(releases[item.release].state));
    if (!visit(used)) return false;
  }
  return true;
}

}  // namespace

absl::Status ReleaseInventory::Visit(const Reader& state, const std::string& environment,
                                     const std::function<bool(const std::string&)>& sees,
                                     const std::function<bool(const UsedVariant&)>& visit) const {
  PageRequest page{kPageSize, ""};
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Environments(page));
    for (const EnvironmentRecord& record : found.items) {
      const bool is_asked = environment.empty() || CoversEnvironment(environment, record.name);
      if (!is_asked || !sees(record.name)) continue;
      DML_ASSIGN_OR_RETURN(const bool more, VisitOne(state, record.name, visit));
      if (!more) return absl::OkStatus();
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

}  // namespace dml
