#include "tools/agent/library_source.h"

#include <algorithm>
#include <thread>

#include "client/permits.h"
#include "client/permitted_files.h"

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

absl::StatusOr<std::string> LibrarySource::FetchManifest(const DeploymentSet& set,
                                                         const SetItem& item) {
  return PermitClient(client_).ReadDocument(set.permit, item.manifest.digest);
}

absl::Status LibrarySource::FetchFiles(const DeploymentSet& set, const SetItem& item,
                                       const Manifest& manifest,
                                       const std::filesystem::path& folder,
                                       const std::vector<std::filesystem::path>& local) {
  DownloadOptions options;
  options.overwrite = true;
  options.local = local;
  const auto start = std::chrono::steady_clock::now();
  uint64_t received = 0;
  const ProgressFn progress = [&](const TransferProgress& now) {
    received = now.bytes_sent;
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    std::this_thread::sleep_for(throttle_.Delay(now.bytes_sent, elapsed));
  };
  const absl::Status status =
      FetchPermittedFiles(client_, set.permit, item.variant, manifest, folder, options, progress);
  fetched_bytes_ += received;
  return status;
}

absl::StatusOr<std::string> LibrarySource::FetchConfiguration(const DeploymentSet& set,
                                                              const BlobRef& configuration) {
  return PermitClient(client_).ReadDocument(set.permit, configuration.digest);
}

}  // namespace dml::agent
