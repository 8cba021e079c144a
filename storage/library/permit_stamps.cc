#include "storage/library/permit_stamps.h"

#include <set>
#include <string>

#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr int kPageSize = 1000;

absl::Status AddEnvironments(const Reader& state, const Digest& release,
                             std::string_view environment, std::set<std::string>& names) {
  PageRequest page;
  page.size = kPageSize;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Environments(page));
    for (const EnvironmentRecord& record : found.items) {
      if (CoversEnvironment(environment, record.name) ||
          CoversEnvironment(record.name, environment)) {
        names.insert(EnvironmentStamp(record.name));
      }
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  DML_ASSIGN_OR_RETURN(const auto deployments, LibraryView(state).DeploymentsOf(release));
  for (const DeploymentRecord& record : deployments) {
    names.insert(EnvironmentStamp(record.environment));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<StampSeen>> StampsOfDecision(const Reader& state, const Release& release,
                                                        const Digest& digest,
                                                        std::string_view environment) {
  std::set<std::string> names = {std::string(kKeysStamp), std::string(kLicenseDataStamp),
                                 std::string(kAdvisoriesStamp), ReleaseStamp(digest)};
  for (const ReleaseItem& item : release.items) names.insert(PackageStamp(item.variant.package));
  DML_RETURN_IF_ERROR(AddEnvironments(state, digest, environment, names));
  const LibraryView view(state);
  std::vector<StampSeen> out;
  for (const std::string& name : names) {
    DML_ASSIGN_OR_RETURN(const uint64_t index, view.Stamp(name));
    out.push_back({name, index});
  }
  return out;
}

}  // namespace dml
