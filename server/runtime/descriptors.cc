#include "server/runtime/descriptors.h"

#include <cerrno>
#include <system_error>

#include <sys/resource.h>

namespace dml {

absl::Status RequireDescriptors(uint64_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Internal(ErrorReason("DESCRIPTOR_LIMIT_UNKNOWN"), "cannot read RLIMIT_NOFILE: {}",
                    std::generic_category().message(errno));
  }
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= needed) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("DESCRIPTOR_LIMIT_TOO_LOW"),
                            "the process may open {} files, and {} are needed; raise the limit "
                            "(LimitNOFILE= in the unit, ulimit -n) or lower limits.maxOpenFiles",
                            limit.rlim_cur, needed);
}

}  // namespace dml
