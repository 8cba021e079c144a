// The policy of an environment: which releases may go there.
//
// A document that people write, in YAML or JSON (core/base/strict_yaml.h says how strictly):
//   schema: dml.policy/v1
//   content:
//     allowedNamespaces: ["acme", "team-*"]   # at least one pattern
//     deniedPackages: ["acme/old-*"]          # optional, as what follows:
//     core/gate/content_rules.h platforms: ["linux-*", any] scannedWithinDays: 30 sbom: true
//   signatures:
//     threshold: 2        # distinct persons whose keys hold the role publisher; 1 to 16
//     builders: ["https://ci.example/*"]      # optional: one of them built it
//   licenses:             # each optional; a license that nothing names is under review
//     allow: ["MIT"]      # rules of these names; the worst of all that name a license holds
//     deny: ["SSPL-1.0"]
//     review: ["LicenseRef-acme-*"]
//     rules:              # core/license/policy.h says what licenses and categories may be
//       - {id: copyleft, outcome: ALLOW_WITH_OBLIGATIONS, licenses: [], categories: [copyleft],
//          obligations: [source-offer],
//          when: {provisions: [INTERNAL], combinations: [SEPARATE], modified: false}}
//     contexts:           # how a thing is used; the first that names the place holds
//       - {environment: staging, package: "acme/*", provision: INTERNAL,
//          combination: LINKED_DYNAMIC, modified: false}
//     waivers:            # core/license/waiver.h
//       - {id: legal-17, license: GPL-3.0-only, package: acme/tool, reason: replaced by March,
//          author: ann, expires: "2027-03-31T00:00:00Z", when: {}}
//   compatibility:        # optional
//     onNotProven: DENY   # or WARN
// and the families that judge a release as a whole, each optional: release_rules.h. One table has
// all members: policy_shape.h. What is not known is refused, in the document too: an unknown
// member, a family that is missing, a license that is not on the list, a category that the
// properties data does not have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/gate/content_rules.h"
#include "core/gate/release_rules.h"
#include "core/license/license_list.h"
#include "core/license/policy.h"
#include "core/license/waiver.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kPolicySchema = "dml.policy/v1";
inline constexpr size_t kMaxPolicyBytes = 256 << 10;
inline constexpr size_t kMaxPolicyPatterns = 4096;  // In each list.
/// As many as an envelope may carry signatures.
inline constexpr uint32_t kMaxSignatureThreshold = 16;

enum class NotProvenAction { kDeny, kWarn };

/// Where things are used in one way.
struct LicenseScope {
  std::string environment;  // It, and what is below it; "": any.
  std::string package;      // A pattern, "namespace/name"; "": any.
  LicenseContext context{};
};

/// A policy as read; a value. The default allows nothing.
struct Policy {
  Digest digest;  // Of the document's exact bytes.
  std::vector<std::string> allowed_namespaces;
  std::vector<std::string> denied_packages;
  ContentRules content;
  uint32_t signature_threshold = kMaxSignatureThreshold;
  LicensePolicy licenses;  // Its first rules are "allow", "deny" and "review", where not empty.
  LicenseWaivers waivers;
  std::vector<LicenseScope> license_scopes;
  NotProvenAction on_not_proven = NotProvenAction::kDeny;
  ReleaseRules release_rules;
};

/// INVALID_ARGUMENT (POLICY_INVALID); the message starts with the line ("policy: line 7: ...").
/// Licenses are checked against `list`, categories against `properties` (null: there are none).
absl::StatusOr<Policy> ParsePolicy(std::string_view text,
                                   const LicenseList& list = BundledLicenseList(),
                                   const LicenseProperties* properties = nullptr);

/// A starting policy with comments, in YAML; what `dml policy init` writes. ParsePolicy reads it.
std::string_view DefaultPolicyDocument();

/// The one kind of pattern in policies: the text itself, or a prefix followed by '*' at the end,
/// which stands for any characters (none too). Nothing else is special.
bool MatchesPattern(std::string_view pattern, std::string_view text);

/// POLICY_INVALID unless some "namespace/name" matches it, in one namespace only.
absl::Status ValidatePackagePattern(std::string_view pattern);

/// By the first scope that holds there; else the default, the use that licenses ask most of.
/// `package` is "namespace/name", or "" where there is none, which no pattern matches.
LicenseContext LicenseContextOf(const Policy& policy, std::string_view environment,
                                std::string_view package);

bool IsNamespaceAllowed(const Policy& policy, const PackageName& package);
/// The pattern of deniedPackages ("namespace/name", '*' at the end of the name) that names it, ""
/// where none does. Valid while the policy lives.
std::string_view DenyingPattern(const Policy& policy, const PackageName& package);

}  // namespace dml
