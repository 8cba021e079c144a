// Content from a folder: an OCI image layout, as `dml export oci` writes it, carried to where there
// is no library. Only its blobs are looked at, by their digests.
#pragma once

#include <filesystem>

#include "tools/agent/content_source.h"

namespace dml::agent {

class LayoutSource final : public ContentSource {
 public:
  explicit LayoutSource(std::filesystem::path layout) : layout_(std::move(layout)) {}

  absl::StatusOr<std::string> FetchManifest(const DeploymentSet& set, const SetItem& item) override;
  absl::Status FetchFiles(const DeploymentSet& set, const SetItem& item, const Manifest& manifest,
                          const std::filesystem::path& folder,
                          const std::vector<std::filesystem::path>& local) override;
  absl::StatusOr<std::string> FetchConfiguration(const DeploymentSet& set,
                                                 const BlobRef& configuration) override;

 private:
  std::filesystem::path BlobPath(const BlobRef& blob) const;
  absl::StatusOr<std::string> ReadBlob(const BlobRef& blob, uint64_t max_bytes) const;

  const std::filesystem::path layout_;
};

}  // namespace dml::agent
