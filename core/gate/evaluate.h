// The gate's decision: may exactly this set of package variants go to this environment now?
//
// A pure function of its input: the same input gives the same findings, byte for byte, whatever the
// order of the items. It never stops at the first reason.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/finding.h"
#include "core/base/time.h"
#include "core/gate/policy.h"
#include "core/license/evidence.h"
#include "core/license/license_list.h"
#include "core/package/names.h"
#include "core/package/package_spec.h"

namespace dml {

enum class ItemState { kNotFound, kPublished, kWithdrawn, kQuarantined, kRejected };

/// A key whose signature over the publication of the item was verified and that holds the role
/// publisher for the item's package, and the person whom the trust root says it belongs to.
struct PublisherSignature {
  Digest key_id;
  std::string person;
};

struct GateItem {
  VariantName name;
  ItemState state = ItemState::kNotFound;
  std::string withdrawal_reason;      // Where withdrawn, quarantined or rejected.
  const PackageSpec* spec = nullptr;  // Of `name`. Borrowed; null only where not found.
  std::vector<PublisherSignature> signatures;
  std::vector<Digest> revoked_keys;  // Would be in `signatures`, but were revoked.
  std::string trust_fault;     // Why the trust root does not let it be published; "": it does.
  LicenseEvidence evidence{};  // What is declared is in `spec`.
  ContentFacts facts{};        // What the policy's content rules ask about.
};

struct GateInput {
  std::string environment;
  const Policy* policy = nullptr;  // Borrowed; null where the environment has none.
  std::vector<GateItem> items;
  const LicenseList* license_list = &BundledLicenseList();  // Borrowed.
  Timestamp time{};                                         // That waivers are judged by.
  std::string root_fault{};  // Why the trust root judges nothing now; "": it does.
};

enum class Decision { kAllow, kDeny };
std::string_view DecisionName(Decision decision);  // "ALLOW", "DENY".

struct GateResult {
  Decision decision = Decision::kDeny;
  std::vector<Finding> findings;  // In the order of Finding, so by rule first; none twice.
};

/// Denies where any finding is an error. Subjects are resource names of variants, or
/// "environments/NAME" for the first two rules and for what concerns the set as a whole. Rules:
///   policy.missing       the environment has no policy (the rules that need none still run)
///   content.empty        there is nothing to decide on
///   content.not-found    the library has no such variant, or not its package spec
///   content.withdrawn    it was withdrawn
///   content.quarantined  it waits for a decision in quarantine
///   content.rejected     it was rejected
///   content.namespace    no pattern of the policy allows its namespace
///   content.denied       the policy denies the package
///   content.platform, .scan, .sbom, signature.builder
///                        see core/gate/content_rules.h
///   trust.root-expired   clients judge nothing by the trust root any more
///   signature.trust      the trust root demands more signatures, whatever the policy does
///   signature.threshold  fewer distinct persons signed than the policy demands; a signature whose
///                        key has no person, or more than one, does not count; names the first
///                        few revoked keys that would have counted
///   license.denied, license.review
///                        the policy's verdict on the license that EffectiveLicense makes of what
///                        is declared, observed and concluded, in the context that the policy gives
///                        the package there; review denies too, as unknown is never allowed; info
///                        where a branch that is not taken would be
///   license.observation-unread, .observed-undeclared, .ambiguous-list, .declared-not-observed,
///   .concluded           warnings and info; see core/license/evidence.h
///   license.waived, .waiver-expired
///                        warnings: a waiver lets the license pass, or would have in its time
///   license.chosen, .deprecated-id
///                        info; see core/license/findings.h
///   compatibility.requirement-missing, .wrong-version, .platform-mismatch, .conflict, .breaks,
///   .two-versions, .not-proven
///                        from CheckClosedSet over all items that have a spec; not-proven is a
///                        warning where the policy says so
GateResult EvaluateSet(const GateInput& input);

}  // namespace dml
