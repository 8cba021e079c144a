// Fetching what a permit names, and nothing else, for tools that deploy without an agent.
#pragma once

#include <filesystem>
#include <string>

#include "client/permits.h"
#include "client/transfer.h"
#include "core/evidence/deploy_report.h"
#include "core/evidence/permit_verifier.h"

namespace dml {

/// Fetches the files of one variant that a permit names, by a manifest that was verified, into
/// `directory`. The errors of FetchFiles.
absl::Status FetchPermittedFiles(Client& client, const std::string& permit,
                                 const VariantName& variant, const Manifest& manifest,
                                 const std::filesystem::path& directory,
                                 const DownloadOptions& options, const ProgressFn& progress);

/// Fetches the items that a permit installs, each into a folder of its own below `directory`
/// ("NAMESPACE/PACKAGE/VERSION/PLATFORM"), with its configuration beside its files as
/// "<folder>.configuration". `verdict` must be one that accepted the bundle. Manifests are taken by
/// the digests that the release names, files by those that the manifests name: whatever the library
/// sends else is refused. Answers what was fetched, in the permit's order. The errors of
/// FetchFiles.
absl::StatusOr<DeployReport> FetchPermitted(Client& client, const PermitVerdict& verdict,
                                            const std::filesystem::path& directory,
                                            const DownloadOptions& options,
                                            const ProgressFn& progress);

}  // namespace dml
