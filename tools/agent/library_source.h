// Content from a library, by its client: only the chunks that are not on this node are fetched.
#pragma once

#include <chrono>
#include <functional>

#include "client/client.h"
#include "tools/agent/content_source.h"

namespace dml::agent {

/// How long to wait so that at most so many bytes a second come. A value; the clock is the
/// caller's.
class Throttle {
 public:
  explicit Throttle(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}
  /// `bytes`: all that have come so far; `elapsed`: since the first of them.
  std::chrono::milliseconds Delay(uint64_t bytes, std::chrono::milliseconds elapsed) const;

 private:
  uint64_t bytes_per_second_;  // 0: as many as come.
};

class LibrarySource final : public ContentSource {
 public:
  /// `client` must outlive it.
  LibrarySource(Client& client, uint64_t bytes_per_second)
      : client_(client), throttle_(bytes_per_second) {}

  absl::StatusOr<std::string> FetchManifest(const DeploymentSet& set, const SetItem& item) override;
  absl::Status FetchFiles(const DeploymentSet& set, const SetItem& item, const Manifest& manifest,
                          const std::filesystem::path& folder,
                          const std::vector<std::filesystem::path>& local) override;
  absl::StatusOr<std::string> FetchConfiguration(const DeploymentSet& set,
                                                 const BlobRef& configuration) override;

  /// Of files, over the wire, so far.
  uint64_t fetched_bytes() const { return fetched_bytes_; }

 private:
  Client& client_;
  const Throttle throttle_;
  uint64_t fetched_bytes_ = 0;
};

}  // namespace dml::agent
