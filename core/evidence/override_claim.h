// What signers of an override claim: in an emergency, findings of some rules are set aside for a
// while. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/time.h"

namespace dml {

inline constexpr std::string_view kOverridePredicate = "https://dml.dev/override/v1";
inline constexpr size_t kMaxOverrideRules = 64;
inline constexpr size_t kMaxOverrideReasonBytes = 1024;

/// The subject is a release document. Signed by whoever asks for it, and by others, approvers over
/// the environment, who agree.
struct OverrideClaim {
  std::string environment;
  std::vector<std::string> rules;  // Patterns of findings' rules, ascending, distinct.
  Digest requester;                // Key of who asks for it.
  std::string reason;
  Timestamp expires;  // Within a day of its entry.
  bool operator==(const OverrideClaim&) const = default;
};

/// INVALID_ARGUMENT (CLAIM_INVALID, or the reason of the name that is wrong) with the place; for
/// rules that nobody may override, too.
absl::StatusOr<OverrideClaim> ParseOverrideClaim(std::string_view json);
/// The document, compact, members in alphabetical order.
std::string FormatOverrideClaim(const OverrideClaim& claim);

}  // namespace dml
