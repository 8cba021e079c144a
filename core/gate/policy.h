// The policy of an environment: which releases may go there.
//
// A document that people write, in YAML or JSON (core/base/strict_yaml.h says how strictly):
//   schema: dml.policy/v1
//   content:
//     allowedNamespaces: ["acme", "team-*"]   # at least one pattern
//     deniedPackages: ["acme/old-*"]          # optional
//   signatures:
//     threshold: 2        # distinct persons whose keys hold the role publisher; 1 to 16
//   licenses:             # each optional; a license in none of them is under review
//     allow: ["MIT"]
//     deny: ["SSPL-1.0"]
//     review: ["LicenseRef-acme-*"]
//   compatibility:        # optional
//     onNotProven: DENY   # or WARN
// What is not known is refused, in the document too: an unknown member, a family that is missing, a
// license that is not on the list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/license/license_list.h"
#include "core/license/policy.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kPolicySchema = "dml.policy/v1";
inline constexpr size_t kMaxPolicyBytes = 256 << 10;
inline constexpr size_t kMaxPolicyPatterns = 4096;  // In each list.
/// As many as an envelope may carry signatures.
inline constexpr uint32_t kMaxSignatureThreshold = 16;

enum class NotProvenAction { kDeny, kWarn };

/// A policy as read; a value. The default allows nothing.
struct Policy {
  Digest digest;  // Of the document's exact bytes.
  std::vector<std::string> allowed_namespaces;
  std::vector<std::string> denied_packages;
  uint32_t signature_threshold = kMaxSignatureThreshold;
  LicensePolicy licenses;  // Its rules are named "allow", "deny" and "review".
  NotProvenAction on_not_proven = NotProvenAction::kDeny;
};

/// INVALID_ARGUMENT (POLICY_INVALID); the message starts with the line ("policy: line 7: ...").
/// Licenses are checked against `list`.
absl::StatusOr<Policy> ParsePolicy(std::string_view text,
                                   const LicenseList& list = BundledLicenseList());

/// A starting policy with comments, in YAML; what `dml policy init` writes. ParsePolicy reads it.
std::string_view DefaultPolicyDocument();

/// The one kind of pattern in policies: the text itself, or a prefix followed by '*' at the end,
/// which stands for any characters (none too). Nothing else is special.
bool MatchesPattern(std::string_view pattern, std::string_view text);

bool IsNamespaceAllowed(const Policy& policy, const PackageName& package);
/// The pattern of deniedPackages ("namespace/name", '*' at the end of the name) that names it, ""
/// where none does. Valid while the policy lives.
std::string_view DenyingPattern(const Policy& policy, const PackageName& package);

}  // namespace dml
