#include "storage/library/overrides.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/override_claim.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr SigningRole kReleasers[] = {SigningRole::kRelease};
constexpr SigningRole kInPlace[] = {SigningRole::kDeployer, SigningRole::kApprover};
constexpr SigningRole kApprovers[] = {SigningRole::kApprover};

// Who holds the keys of a role over a subject.
void AddHolders(const TrustDomain& trust, SigningRole role, std::string_view subject,
                std::map<Digest, std::string>& out) {
  for (const Authority& authority : trust.AuthoritiesFor(role, subject)) {
    for (const TrustKey& key : authority.keys) {
      if (key.person) out.emplace(key.key.id(), key.holder);
    }
  }
}

}  // namespace

absl::StatusOr<Command> PrepareOverride(const Reader& state, const TrustDomain& trust,
                                        const Digest& release, std::string text) {
  const absl::StatusOr<ClaimEnvelope> claim = ReadClaimAbout(text, kOverridePredicate, release);
  if (!claim.ok()) return AtField(claim.status(), "envelope");
  absl::StatusOr<OverrideClaim> says = ParseOverrideClaim(claim->predicate_json);
  if (!says.ok()) return AtField(says.status(), "envelope");
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&claim->envelope, 1), kInTotoPayloadType));
  DML_ASSIGN_OR_RETURN(const std::vector<Digest> releasers,
                       trust.Signers(signatures, kReleasers, ""));
  DML_ASSIGN_OR_RETURN(const std::vector<Digest> in_place,
                       trust.Signers(signatures, kInPlace, says->environment));
  DML_ASSIGN_OR_RETURN(const std::vector<Digest> approvers,
                       trust.Signers(signatures, kApprovers, says->environment));
  std::vector<Digest> all;
  std::ranges::set_union(releasers, in_place, std::back_inserter(all));
  const bool is_asked = std::ranges::binary_search(all, says->requester);
  const bool is_agreed =
      std::ranges::any_of(approvers, [&](const Digest& key) { return key != says->requester; });
  if (!is_asked || !is_agreed) {
    return AtField(
        PermissionDenied(
            ErrorReason("SIGNATURE_MISSING"),
            "{}: no good signature of an unrevoked key that trust root {} names as {}",
            is_asked ? "nobody agrees to it" : "nobody asks for it", trust.root().version,
            is_asked ? fmt::format("approver for {}", says->environment)
                     : fmt::format("release, or deployer or approver for {}", says->environment)),
        "envelope");
  }
  Command command;
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  command.payload = ReleaseOverridden{
      release,
      std::move(says->environment),
      {{Sha256(text), text.size()}, std::string(kOverridePredicate), std::move(all)},
      says->requester,
      std::move(says->rules),
      std::move(says->reason),
      says->expires};
  command.metadata = {std::move(text)};
  return command;
}

OverrideFact OverrideFactOf(const ReleaseEnvelopeRecord& record, const TrustDomain* trust) {
  OverrideFact out;
  out.id = record.envelope.envelope.digest.hex().substr(0, 16);
  out.rules = record.rules;
  out.reason = record.reason;
  out.given = record.time;
  out.expires = record.expires;
  if (trust == nullptr) return out;
  std::map<Digest, std::string> approvers;
  AddHolders(*trust, SigningRole::kApprover, record.environment, approvers);
  std::map<Digest, std::string> holders = approvers;
  AddHolders(*trust, SigningRole::kDeployer, record.environment, holders);
  AddHolders(*trust, SigningRole::kRelease, "", holders);
  if (const auto asks = holders.find(record.requester); asks != holders.end()) {
    out.requester = asks->second;
  }
  for (const Digest& key : record.envelope.key_ids) {
    const auto agrees = approvers.find(key);
    if (agrees != approvers.end() && key != record.requester) out.approvers.insert(agrees->second);
  }
  return out;
}

}  // namespace dml
