#include "storage/library/policy_signatures.h"

#include "core/crypto/sha256.h"
#include "core/evidence/policy_claim.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

absl::Status CheckEnvelope(const TrustDomain& trust, const Policy& policy, const PolicySet& set,
                           uint64_t revision, const std::string& envelope) {
  DML_ASSIGN_OR_RETURN(const ClaimEnvelope claim,
                       ReadClaimAbout(envelope, kPolicyPredicate, set.document.digest));
  DML_RETURN_IF_ERROR(
      trust.Verify(claim.envelope, kInTotoPayloadType, SigningRole::kPolicy, "").status());
  DML_ASSIGN_OR_RETURN(const PolicyClaim says, ParsePolicyClaim(claim.predicate_json));
  return CheckPolicyClaim(policy, set.environment, revision, says);
}

}  // namespace

absl::Status AddPolicySignature(const Reader& state, const TrustDomain& trust, const Policy& policy,
                                std::string envelope, Command& command) {
  auto& set = std::get<PolicySet>(command.payload);
  DML_ASSIGN_OR_RETURN(const auto before, LibraryView(state).FindPolicy(set.environment));
  const uint64_t revision = before.has_value() ? before->revision + 1 : 1;
  // What has been set is set again by a retry, for the sequencer to tell.
  const bool may_be_retry = before.has_value() && before->envelope.digest == Sha256(envelope) &&
                            before->Etag() != set.replaces_etag;
  if (!may_be_retry) {
    DML_RETURN_IF_ERROR(AtField(CheckEnvelope(trust, policy, set, revision, envelope), "envelope"));
  }
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  set.envelope = {Sha256(envelope), envelope.size()};
  command.metadata.push_back(std::move(envelope));
  return absl::OkStatus();
}

}  // namespace dml
