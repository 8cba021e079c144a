#include "core/evidence/policy_claim.h"

#include <algorithm>

#include "core/base/text.h"

namespace dml {
namespace {

template <typename... Args>
absl::Status Unexpected(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("POLICY_CLAIM_UNEXPECTED"), format,
                         std::forward<Args>(args)...);
}

}  // namespace

PolicyClaim ClaimOf(const Policy& policy, std::string_view environment, uint64_t revision) {
  PolicyClaim out;
  out.environment = environment;
  out.revision = revision;
  out.publishers = policy.signature_threshold;
  // Where no rule of the family holds, the default does.
  bool holds_everywhere = false;
  ApprovalRule least;
  least.approvers = kMaxSignatureThreshold;
  for (const ScopedRule<ApprovalRule>& scoped : policy.release_rules.approvals) {
    const RuleScope& scope = scoped.scope;
    holds_everywhere |= scope.types.empty() && (scope.environment.empty() ||
                                                CoversEnvironment(scope.environment, environment));
    least.approvers = std::min(least.approvers, scoped.rule.approvers);
    least.separate_publishers &= scoped.rule.separate_publishers;
  }
  const ApprovalRule otherwise;
  if (!holds_everywhere) {
    least.approvers = std::min(least.approvers, otherwise.approvers);
    least.separate_publishers &= otherwise.separate_publishers;
  }
  out.approvers = least.approvers;
  out.separate_publishers = least.separate_publishers;
  return out;
}

absl::Status CheckPolicyClaim(const Policy& policy, std::string_view environment, uint64_t revision,
                              const PolicyClaim& claim) {
  const PolicyClaim expected = ClaimOf(policy, environment, revision);
  if (claim.environment != environment) {
    return Unexpected("the envelope is for environment {}, not for {}", Excerpt(claim.environment),
                      environment);
  }
  if (claim.revision != revision) {
    return Unexpected("the envelope signs revision {}, and the next one is {}: sign it again",
                      claim.revision, revision);
  }
  if (claim.approvers != expected.approvers ||
      claim.separate_publishers != expected.separate_publishers) {
    return Unexpected(
        "the envelope demands {} approvers, publishers {}among them, and the document {}, {}among "
        "them: sign what the document says (dml policy set --key does)",
        claim.approvers, claim.separate_publishers ? "not " : "", expected.approvers,
        expected.separate_publishers ? "not " : "");
  }
  if (claim.publishers == expected.publishers) return absl::OkStatus();
  return Unexpected("the envelope demands {} publishers, and the document {}: sign what it says",
                    claim.publishers, expected.publishers);
}

}  // namespace dml
