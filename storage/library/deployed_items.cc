#include "storage/library/deployed_items.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr size_t kPageSize = 1000;

using Items = std::map<std::string, VariantName>;  // By resource name.

// What it took away is gone. After a review that is not known any more: it may have been backed
// out before.
bool IsDeployed(const DeploymentRecord& record) {
  return record.state == DeploymentState::kDeployed;
}

// Some nodes have it, or may have.
bool IsThere(const DeploymentRecord& record) {
  switch (record.state) {
    case DeploymentState::kRollingOut:
    case DeploymentState::kDeployed:
    case DeploymentState::kHalted:
    case DeploymentState::kReviewed:
      return true;
    case DeploymentState::kNone:
    case DeploymentState::kApproved:
    case DeploymentState::kPermitted:
    case DeploymentState::kBackedOut:
      return false;
  }
  return true;
}

Timestamp CameAt(const DeploymentRecord& record) {
  return record.deployed == Timestamp() ? record.started : record.deployed;
}

void Carry(const Release& release, bool takes_away, Items& items) {
  for (const ReleaseItem& item : release.items) {
    if (takes_away && item.previous.has_value()) items.erase(item.previous->ResourceName());
    if (takes_away && item.action == ReleaseAction::kRemove) {
      items.erase(item.variant.ResourceName());
    }
  }
  for (const ReleaseItem& item : release.items) {
    if (item.action == ReleaseAction::kRemove) continue;
    items.emplace(item.variant.ResourceName(), item.variant);
  }
}

absl::Status AddItemsOf(const Reader& state, const std::string& environment, Items& out) {
  DML_ASSIGN_OR_RETURN(std::vector<DeploymentRecord> records,
                       LibraryView(state).DeploymentsIn(environment));
  std::erase_if(records, [](const DeploymentRecord& record) { return !IsThere(record); });
  std::ranges::sort(records, {}, [](const DeploymentRecord& record) {
    return std::tuple(CameAt(record), record.index);
  });
  Items items;
  for (const DeploymentRecord& record : records) {
    DML_ASSIGN_OR_RETURN(const Release release, LoadRelease(state, record.release));
    Carry(release, IsDeployed(record), items);
  }
  out.merge(items);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<VariantName>> ItemsOfRelease(const Reader& state,
                                                        const std::string& name,
                                                        const std::string& version) {
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindRelease(name, version));
  if (!record.has_value()) {
    return NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no release {} {}", name, version);
  }
  DML_ASSIGN_OR_RETURN(const Release release, LoadRelease(state, record->document.digest));
  std::vector<VariantName> out;
  for (const ReleaseItem& item : release.items) {
    if (item.action != ReleaseAction::kRemove) out.push_back(item.variant);
  }
  return out;
}

absl::StatusOr<std::vector<VariantName>> ItemsInEnvironment(const Reader& state,
                                                            const std::string& environment) {
  DML_ASSIGN_OR_RETURN(const auto known, LibraryView(state).FindEnvironment(environment));
  if (!known.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", environment);
  }
  Items items;
  PageRequest page;
  page.size = kPageSize;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Environments(page));
    for (const EnvironmentRecord& record : found.items) {
      if (!CoversEnvironment(environment, record.name)) continue;
      DML_RETURN_IF_ERROR(AddItemsOf(state, record.name, items));
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  if (items.empty()) {
    return NotFound(ErrorReason("NOTHING_DEPLOYED"),
                    "no release is deployed in {}, or on its way there", environment);
  }
  std::vector<VariantName> out;
  for (auto& [name, variant] : items) out.push_back(std::move(variant));
  return out;
}

}  // namespace dml
