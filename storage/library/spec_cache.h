// Package specs as read, so that a question over many packages does not parse them again.
#pragma once

#include <list>
#include <memory>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "core/base/digest.h"
#include "core/package/package_spec.h"
#include "storage/engine/engine.h"

namespace dml {

/// The specs used last, by the digests of their documents: a document's meaning depends on nothing
/// else, so that nothing in it is ever stale. Thread-safe.
class SpecCache {
 public:
  /// Keeps specs whose documents have at most so many bytes together.
  explicit SpecCache(uint64_t max_document_bytes = kDefaultBytes)
      : max_bytes_(max_document_bytes) {}

  /// The errors of ReadMetadata and ParsePackageSpec.
  absl::StatusOr<std::shared_ptr<const PackageSpec>> Get(const Reader& state,
                                                         const BlobRef& document);

  size_t size() const;
  uint64_t document_bytes() const;

  static constexpr uint64_t kDefaultBytes = 64 << 20;

 private:
  struct Kept {
    BlobRef document;
    std::shared_ptr<const PackageSpec> spec;
  };

  std::shared_ptr<const PackageSpec> Find(const Digest& digest);
  void Keep(const BlobRef& document, std::shared_ptr<const PackageSpec> spec);

  const uint64_t max_bytes_;

  mutable absl::Mutex mutex_;
  std::list<Kept> by_use_ ABSL_GUARDED_BY(mutex_);  // Used last first.
  absl::flat_hash_map<Digest, std::list<Kept>::iterator> kept_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dml
