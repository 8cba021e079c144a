#include "storage/library/spec_cache.h"

#include "storage/views/projector.h"

namespace dml {

absl::StatusOr<std::shared_ptr<const PackageSpec>> SpecCache::Get(const Reader& state,
                                                                  const BlobRef& document) {
  if (auto spec = Find(document.digest)) return spec;
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(state, document));
  DML_ASSIGN_OR_RETURN(PackageSpec parsed, ParsePackageSpec(bytes));
  auto spec = std::make_shared<const PackageSpec>(std::move(parsed));
  Keep(document, spec);
  return spec;
}

size_t SpecCache::size() const {
  absl::MutexLock lock(&mutex_);
  return kept_.size();
}

uint64_t SpecCache::document_bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

std::shared_ptr<const PackageSpec> SpecCache::Find(const Digest& digest) {
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(digest);
  if (found == kept_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->spec;
}

void SpecCache::Keep(const BlobRef& document, std::shared_ptr<const PackageSpec> spec) {
  absl::MutexLock lock(&mutex_);
  if (document.size > max_bytes_ || kept_.contains(document.digest)) return;
  by_use_.push_front({document, std::move(spec)});
  kept_[document.digest] = by_use_.begin();
  bytes_ += document.size;
  while (bytes_ > max_bytes_) {
    bytes_ -= by_use_.back().document.size;
    kept_.erase(by_use_.back().document.digest);
    by_use_.pop_back();
  }
}

}  // namespace dml
