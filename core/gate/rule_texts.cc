#include "core/gate/rule_texts.h"

#include <algorithm>
#include <iterator>

namespace dml {
namespace {

struct RuleLine {
  std::string_view rule;
  std::string_view text;
};

// In the order of the rules (searched by halves).
constexpr RuleLine kRules[] = {
    {"approval.missing",
     "As many different persons approve as the policy says, each having seen "
     "the findings as they are now."},
    {"approval.not-counted",
     "An approval counts while it holds, of a person who has no other part "
     "in the release, for the findings as they are now."},
    {"compatibility.breaks", "No package of the set says that it breaks another one of it."},
    {"compatibility.conflict", "No package of the set conflicts with another one of it."},
    {"compatibility.denied", "Nothing is used that an advisory or relation forbids."},
    {"compatibility.not-proven",
     "What packages require of each other must be proven, or the policy "
     "say that a warning is enough."},
    {"compatibility.platform-mismatch", "What a package requires is there for its platform."},
    {"compatibility.requirement-missing", "What a package requires is in the set."},
    {"compatibility.skew",
     "Versions that run beside each other are no further apart than they say "
     "they may be."},
    {"compatibility.two-versions", "A package is there in one version."},
    {"compatibility.upgrade-path", "An upgrade goes by a way that the package allows."},
    {"compatibility.wrong-version", "What a package requires is there in a version of the range."},
    {"content.denied", "The policy does not deny the package."},
    {"content.empty", "There is something to decide on."},
    {"content.namespace", "The policy allows the package's namespace."},
    {"content.not-found", "Everything comes from the library."},
    {"content.quarantined", "Nothing is in quarantine."},
    {"content.rejected", "Nothing was rejected when it came in."},
    {"content.withdrawn", "Nothing was withdrawn."},
    {"frequency.too-many", "No more releases start in a span of time than the policy says."},
    {"frequency.too-soon",
     "The time that the policy says lies between the starts of two releases."},
    {"license.compatibility-unknown", "Licenses that are used together are known to go together."},
    {"license.denied", "The policy allows the license, as the thing is used there."},
    {"license.incompatible", "Licenses that are used together go together."},
    {"license.review", "Somebody has decided on the license: what nothing names is not allowed."},
    {"override.not-counted",
     "An override counts while it holds, for what the policy lets be "
     "overridden, with other persons who agree."},
    {"override.used", "What is overridden is reviewed afterwards."},
    {"permit.back-out", "The release to go back to may be permitted at the same time."},
    {"permit.policy-replaced", "The policy in force is the very one that was signed."},
    {"permit.policy-unsigned",
     "The role policy has signed the policy in force, so that nodes can "
     "believe a permit under it."},
    {"permit.release-unsigned", "The role release has sealed the release with a key that counts."},
    {"permit.seats", "There are as many seats free as are asked for."},
    {"policy.missing", "The environment, or one above it, has a policy."},
    {"release.environment", "The release names the environment, or one above it."},
    {"release.evidence",
     "The evidence that the release demands of itself is attached, by keys that "
     "are not revoked."},
    {"release.state", "The release is sealed, and not withdrawn."},
    {"risk.too-high",
     "The release's risk is no higher than the policy says, or somebody who may "
     "has accepted it."},
    {"scope.action", "Releases of this type may do this to packages."},
    {"scope.order",
     "The release was deployed where the policy wants it first, for the time that it "
     "says."},
    {"scope.package", "Releases of this type may touch this package."},
    {"scope.rollouts", "No more releases are on their way at the same time than the policy says."},
    {"scope.unauthorized", "Every item carries out a change that somebody authorized."},
    {"signature.threshold", "As many different persons as the policy says have published it."},
    {"signature.trust", "As many as the trust root says have published it."},
    {"size.bytes", "The release has no more bytes than the policy says."},
    {"size.changes", "The release has no more changes than the policy says."},
    {"size.items", "The release has no more items than the policy says."},
    {"size.nodes", "The release touches no more nodes than the policy says."},
    {"timing.closed", "A window of the policy is open."},
    {"timing.freeze", "The policy has no freeze now."},
    {"timing.planned", "It is the time for which the release is planned."},
    {"trust.root-expired", "The trust root has not expired."},
    {"vulnerability.severe",
     "No known vulnerability is more severe than the policy says, or older "
     "than the time in which it must be fixed."},
    {"vulnerability.unknown", "Somebody has looked for known vulnerabilities."},
};

static_assert(std::is_sorted(std::begin(kRules), std::end(kRules),
                             [](const RuleLine& a, const RuleLine& b) { return a.rule < b.rule; }));

}  // namespace

std::string_view RuleText(std::string_view rule) {
  const auto* found = std::lower_bound(
      std::begin(kRules), std::end(kRules), rule,
      [](const RuleLine& line, std::string_view wanted) { return line.rule < wanted; });
  return found != std::end(kRules) && found->rule == rule ? found->text : "";
}

bool GoesWithTime(std::string_view rule) {
  return rule.starts_with("timing.") || rule.starts_with("frequency.") || rule == "scope.order";
}

}  // namespace dml
