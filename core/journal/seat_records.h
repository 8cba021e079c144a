// Records of entitlements and leases; see core/journal/records.h.
#pragma once

#include <string>

#include "core/base/digest.h"
#include "core/license/lease.h"

namespace dml {

/// An entitlement by the terms in force.
struct EntitlementRecord {
  Entitlement terms;
  uint64_t index = 0;  // Of the entry that set the terms.
  Timestamp time;
  std::string author;
  uint64_t granted_index = 0;
  uint64_t revision = 0;  // Of the claim about the terms; 0: entered before terms were signed.
  BlobRef envelope;       // Of that claim; size 0 likewise.
  /// What a writer must have seen to replace the terms: the index of their entry.
  std::string Etag() const { return std::to_string(index); }
  bool operator==(const EntitlementRecord&) const = default;
};

/// As last changed by an entry; see Lease::AsOf.
struct LeaseRecord {
  Lease lease;
  uint64_t index = 0;  // Of the entry that made it.
  Timestamp time;
  std::string author;
  std::string force_reason;  // Where it was taken back.
  bool operator==(const LeaseRecord&) const = default;
};

}  // namespace dml
