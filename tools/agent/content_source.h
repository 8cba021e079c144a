// Where the content of a release comes from. Nothing that it gives is believed: digests decide.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/agent/deployment_set.h"
#include "core/package/manifest.h"

namespace dml::agent {

/// `set` is the one that is being staged, by whose permit things are fetched. Blocking; one thread
/// at a time. UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED and errors with
/// RetryAfter are worth another try; others are not.
class ContentSource {
 public:
  virtual ~ContentSource() = default;

  /// The exact bytes of a manifest. DATA_LOSS where they are others.
  virtual absl::StatusOr<std::string> FetchManifest(const DeploymentSet& set,
                                                    const SetItem& item) = 0;

  /// Fetches the files of a variant into `folder`, those that are not there yet; each is verified
  /// and durable when this is OK, and what has come stays when it is not. `local`: where bytes may
  /// be that need not be fetched. DATA_LOSS (CHUNK_DIGEST_MISMATCH, BLOB_DIGEST_MISMATCH).
  virtual absl::Status FetchFiles(const DeploymentSet& set, const SetItem& item,
                                  const Manifest& manifest, const std::filesystem::path& folder,
                                  const std::vector<std::filesystem::path>& local) = 0;

  /// The exact bytes of a configuration that a set's release names.
  virtual absl::StatusOr<std::string> FetchConfiguration(const DeploymentSet& set,
                                                         const BlobRef& configuration) = 0;
};

/// That bytes are the blob: DATA_LOSS (BLOB_DIGEST_MISMATCH).
absl::Status CheckBlob(std::string_view bytes, const BlobRef& blob, std::string_view what);

}  // namespace dml::agent
