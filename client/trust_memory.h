// The memory of a client: which trust root it trusts by now. Internal to client/.
//
// It starts from the pinned root of its profile and walks to the newest that the library has, one
// signed step at a time (core/trust/root_walk.h); a root that it has seen is never given up for an
// older one, or for another of its version.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/trust/root_walk.h"

namespace dml {

/// A root with the envelope that it came in.
struct RememberedRoot {
  TrustedRoot trusted;
  std::string envelope;
};

/// Thread-safe. Several processes may share a file: it is replaced as a whole, by newer roots only.
class TrustMemory {
 public:
  /// `pinned`: an envelope, "" for none. `file` "": remembers only while it lives. The errors of
  /// OpenPinnedRoot; DATA_LOSS (ROOT_FORKED) where the file's root is another of the pinned
  /// version; the errors of core/os/file.h.
  static absl::StatusOr<std::unique_ptr<TrustMemory>> Create(const std::string& pinned,
                                                             std::filesystem::path file);

  /// The newest root that is trusted; FAILED_PRECONDITION (ROOT_REQUIRED) where nothing is pinned.
  absl::StatusOr<RememberedRoot> Newest();

  /// Walks on through envelopes of consecutive versions. The errors of WalkRoots.
  absl::StatusOr<RememberedRoot> Walk(std::span<const std::string> envelopes, Timestamp now);

 private:
  explicit TrustMemory(std::filesystem::path file) : file_(std::move(file)) {}

  const std::filesystem::path file_;
  absl::Mutex mutex_;
  std::optional<RememberedRoot> root_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
