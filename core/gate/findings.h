// Findings as bytes: what a digest of findings is over, and what is kept of a decision. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/finding.h"
#include "core/base/status.h"

namespace dml {

/// More of one decision are not kept.
inline constexpr size_t kMaxFindingsBytes = 4 << 20;

/// Rule, severity ("1" info, "2" warning, "3" error), subject, message and remedy of each, in their
/// order, each text as its length in decimal, ':' and its bytes.
std::string FormatFindings(const std::vector<Finding>& findings);
/// DATA_LOSS (FINDINGS_INVALID) for anything that FormatFindings does not write.
absl::StatusOr<std::vector<Finding>> ParseFindings(std::string_view bytes);

/// SHA-256 of FormatFindings.
Digest FindingsDigest(const std::vector<Finding>& findings);

}  // namespace dml
