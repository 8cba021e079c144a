#include "client/permitted_files.h"

#include <algorithm>
#include <map>

#include "client/download.h"
#include "client/upload.h"
#include "core/os/file.h"

namespace dml {
namespace {

struct Planned {
  const ReleaseItem* item = nullptr;
  Manifest manifest;
  std::string configuration;
  uint64_t bytes = 0;
};

absl::StatusOr<Planned> Plan(PermitClient& permits, const std::string& permit,
                             const ReleaseItem& item) {
  Planned out;
  out.item = &item;
  DML_ASSIGN_OR_RETURN(const std::string bytes, permits.ReadDocument(permit, item.manifest.digest));
  DML_ASSIGN_OR_RETURN(out.manifest, ParseManifest(bytes));
  for (const ManifestFile& file : out.manifest.files) {
    DML_RETURN_IF_ERROR(CheckFileName(file.path));
    out.bytes += file.blob.size;
  }
  if (item.configuration.has_value()) {
    DML_ASSIGN_OR_RETURN(out.configuration,
                         permits.ReadDocument(permit, item.configuration->digest));
  }
  return out;
}

std::filesystem::path FolderOf(const VariantName& variant) {
  return std::filesystem::path(variant.package.ns) / variant.package.name / variant.version /
         variant.platform.VariantId();
}

absl::Status FetchInto(Client& client, const VariantName& variant, const Manifest& manifest,
                       const std::filesystem::path& directory, const DownloadOptions& options,
                       ProgressReporter& reporter) {
  DML_ASSIGN_OR_RETURN(const SafeDirectory root, SafeDirectory::Open(directory, /*create=*/true));
  return FetchFiles(client.connection(), variant, manifest.files, root, options, reporter);
}

}  // namespace

absl::Status FetchPermittedFiles(Client& client, const std::string& permit,
                                 const VariantName& variant, const Manifest& manifest,
                                 const std::filesystem::path& directory,
                                 const DownloadOptions& options, const ProgressFn& progress) {
  uint64_t total = 0;
  for (const ManifestFile& file : manifest.files) {
    DML_RETURN_IF_ERROR(CheckFileName(file.path));
    total += file.blob.size;
  }
  DownloadOptions by_permit = options;
  by_permit.permit = permit;
  ProgressReporter reporter(total, progress);
  return FetchInto(client, variant, manifest, directory, by_permit, reporter);
}

absl::StatusOr<DeployReport> FetchPermitted(Client& client, const PermitVerdict& verdict,
                                            const std::filesystem::path& directory,
                                            const DownloadOptions& options,
                                            const ProgressFn& progress) {
  DML_RETURN_IF_ERROR(verdict.status);
  const Permit& permit = verdict.permit;
  PermitClient permits(client);
  std::map<VariantName, const ReleaseItem*> items;
  for (const ReleaseItem& item : verdict.release.items) items[item.variant] = &item;
  std::vector<Planned> plan;
  uint64_t total = 0;
  for (const VariantName& name : permit.order) {
    const ReleaseItem& item = *items.at(name);
    if (item.action == ReleaseAction::kRemove) continue;
    DML_ASSIGN_OR_RETURN(Planned planned, Plan(permits, permit.id, item));
    total += planned.bytes;
    plan.push_back(std::move(planned));
  }
  DownloadOptions by_permit = options;
  by_permit.permit = permit.id;
  ProgressReporter reporter(total, progress);
  DeployReport out;
  out.permit = permit.id;
  out.environment = permit.environment;
  out.time = std::chrono::floor<std::chrono::seconds>(WallClockNow());
  for (const Planned& planned : plan) {
    const VariantName& name = planned.item->variant;
    const std::filesystem::path folder = directory / FolderOf(name);
    DML_RETURN_IF_ERROR(FetchInto(client, name, planned.manifest, folder, by_permit, reporter));
    if (planned.item->configuration.has_value()) {
      DML_RETURN_IF_ERROR(WriteFileAtomically(folder.string() + ".configuration",
                                              AsBytes(planned.configuration), 0644));
    }
    out.items.push_back(
        {name, planned.item->manifest.digest, planned.manifest.files.size(), planned.bytes});
  }
  return out;
}

}  // namespace dml
