#include "tools/agent/library_source.h"

#include <algorithm>
#include <thread>

#include "client/releases.h"
#include "client/transfer.h"

namespace dml::agent {
namespace {

// A stream without progress for longer would be broken off.
constexpr std::chrono::milliseconds kLongestDelay{10'000};

}  // namespace

std::chrono::milliseconds Throttle::Delay(uint64_t bytes, std::chrono::milliseconds elapsed) const {
  if (bytes_per_second_ == 0) return std::chrono::milliseconds(0);
  const double due = static_cast<double>(bytes) * 1000.0 / static_cast<double>(bytes_per_second_);
  const auto wait = std::chrono::milliseconds(static_cast<int64_t>(due)) - elapsed;
  return std::clamp(wait, std::chrono::milliseconds(0), kLongestDelay);
}

absl::StatusOr<std::string> LibrarySource::FetchManifest(const SetItem& item) {
  DML_ASSIGN_OR_RETURN(VariantDetails details, client_.GetVariant(item.variant));
  DML_RETURN_IF_ERROR(
      CheckBlob(details.manifest, item.manifest, "manifest of " + item.variant.ResourceName()));
  return std::move(details.manifest);
}

absl::Status LibrarySource::FetchFiles(const SetItem& item, const Manifest& manifest,
                                       const std::filesystem::path& folder,
                                       const std::vector<std::filesystem::path>& local) {
  DownloadOptions options;
  options.overwrite = true;
  options.allow_withdrawn = true;  // What a permit allows, its holder may fetch.
  options.local = local;
  const auto start = std::chrono::steady_clock::now();
  const ProgressFn progress = [&](const TransferProgress& now) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    std::this_thread::sleep_for(throttle_.Delay(now.bytes_sent, elapsed));
  };
  DML_ASSIGN_OR_RETURN(DownloadResult result,
                       DownloadVariant(client_, item.variant, folder, options, progress));
  if (result.manifest == manifest) return absl::OkStatus();
  return DataLoss(ErrorReason("MANIFEST_CHANGED"),
                  "the library has another manifest of {} now than the permit names",
                  item.variant.ResourceName());
}

absl::StatusOr<std::string> LibrarySource::FetchConfiguration(const DeploymentSet& set,
                                                              const BlobRef& configuration) {
  const size_t space = set.release.find(' ');
  const ReleaseName name{set.release.substr(0, space), set.release.substr(space + 1)};
  DML_ASSIGN_OR_RETURN(ReleaseDetails details,
                       ReleaseClient(client_).Get(name, "", WithConfigurations::kYes));
  const auto found = details.configurations.find(configuration.digest);
  if (found == details.configurations.end()) {
    return NotFound(ErrorReason("CONFIGURATION_NOT_FOUND"),
                    "the library has no configuration {} of release {}",
                    configuration.digest.ToString(), set.release);
  }
  DML_RETURN_IF_ERROR(CheckBlob(found->second, configuration, "configuration"));
  return found->second;
}

}  // namespace dml::agent
