// Retention: whether a variant's payload is kept under its namespace's policy.
//
// The one judgment that the collector plans by and that the rule of PayloadCollected decides by.
// Pure functions; any thread.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/journal/records.h"

namespace dml {

/// Both bound the work of a decision, which looks at that many versions of a package.
inline constexpr uint32_t kMaxKeepVersions = 1000;
inline constexpr std::chrono::seconds kMaxRetentionTime = std::chrono::years(100);

/// INVALID_ARGUMENT (RETENTION_INVALID) with the field: a number out of range, one that its `keep`
/// or collect_withdrawn does not use, or kMatching with nothing to match by.
absl::Status ValidateRetention(const RetentionPolicy& policy);

struct RetentionVerdict {
  bool keep = true;
  std::string reason;  // For people: "among the 5 highest live versions".
};

/// `among_highest`: whether the variant's version is one of the policy's keep_versions highest live
/// versions of its package; not looked at where the variant is withdrawn. Times are journal times.
RetentionVerdict JudgeRetention(const RetentionPolicy& policy, const VariantRecord& variant,
                                bool among_highest, Timestamp now);

/// "90 days", "36 hours", "90 seconds": the largest unit of these that divides it.
std::string FormatRetentionTime(std::chrono::seconds time);

}  // namespace dml
