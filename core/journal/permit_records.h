// Records of permits; see core/journal/records.h.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/journal/permit_entries.h"

namespace dml {

/// What has become of a request for a permit.
enum class PermitState { kDenied = 1, kPending, kOpen, kExpired, kRevoked };
std::string_view PermitStateName(PermitState state);  // "DENIED", ...

struct PermitRecord {
  PermitDecided decided;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool revoked = false;
  uint64_t revoked_index = 0;
  Timestamp revoked_time;
  std::string revoke_reason;
  uint32_t use_count = 0;  // Nodes that have begun to act on it.

  PermitState StateAt(Timestamp now) const;
  /// That somebody may act on it, now or once its time has come. FAILED_PRECONDITION:
  /// PERMIT_DENIED, PERMIT_REVOKED, PERMIT_EXPIRED.
  absl::Status CheckValid(Timestamp now) const;
  /// Whether it names the node, which is in its environment.
  bool IsFor(std::string_view node) const;
  bool operator==(const PermitRecord&) const = default;
};

/// That a node has begun to act on a permit.
struct PermitUseRecord {
  PermitUsed used;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const PermitUseRecord&) const = default;
};

}  // namespace dml
