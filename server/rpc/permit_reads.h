// Reading content by a permit: machines, and tools that deploy for them, read what an open permit
// names and nothing else.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/package/names.h"
#include "server/rpc/call_guard.h"
#include "storage/library/library.h"

namespace dml {

/// Thread-safe.
class PermitReads {
 public:
  /// That the caller may read the files of a variant: by a role that reads its namespace, or by a
  /// permit (its resource name) which is open, names the variant, and is for the node that calls or
  /// of an environment where the caller is a deployer. PERMISSION_DENIED: PERMIT_REQUIRED, the same
  /// whether there is such a permit or variant.
  absl::Status MayRead(Library& library, const Reader& state, const Caller& caller,
                       const VariantName& variant, const std::string& permit) const;

  static constexpr size_t kMaxReleases = 64;

 private:
  using Names = std::set<VariantName>;
  absl::StatusOr<bool> IsNamed(Library& library, const Reader& state, const Caller& caller,
                               const VariantName& variant, const std::string& permit) const;
  // What a release installs; documents never change.
  absl::StatusOr<std::shared_ptr<const Names>> InstalledBy(const Reader& state,
                                                           const Digest& release) const;

  mutable absl::Mutex mutex_;
  mutable std::map<Digest, std::shared_ptr<const Names>> installed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
