#include "storage/library/entitlements.h"

#include "core/crypto/sha256.h"
#include "core/evidence/entitlement_claim.h"
#include "storage/library/trust.h"

namespace dml {
namespace {

absl::StatusOr<ReadEntitlement> ReadEnvelope(const std::string& envelope) {
  if (envelope.empty()) {
    return InvalidArgument(ErrorReason("ENTITLEMENT_NOT_SIGNED"),
                           "an entitlement is entered by a claim that someone signed who may: "
                           "give a key of the role entitlement");
  }
  if (envelope.size() > kMaxEntitlementEnvelopeBytes) {
    return InvalidArgument(ErrorReason("ENTITLEMENT_INVALID"),
                           "the envelope has {} bytes; at most {}", envelope.size(),
                           kMaxEntitlementEnvelopeBytes);
  }
  return ReadEntitlementClaim(envelope);
}

absl::StatusOr<ReadEntitlement> ReadLocated(const std::string& envelope) {
  absl::StatusOr<ReadEntitlement> out = ReadEnvelope(envelope);
  if (!out.ok()) return AtField(out.status(), "envelope");
  return out;
}

}  // namespace

absl::StatusOr<Entitlement> ClaimedTerms(const std::string& envelope) {
  DML_ASSIGN_OR_RETURN(ReadEntitlement read, ReadLocated(envelope));
  return std::move(read.claim.terms);
}

absl::StatusOr<Command> PrepareEntitlement(const Reader& state, const TrustDomain& trust,
                                           std::string envelope,
                                           std::optional<std::string> replaces_etag) {
  DML_ASSIGN_OR_RETURN(ReadEntitlement read, ReadLocated(envelope));
  absl::StatusOr<Vouchers> vouchers = trust.Verify(
      read.envelope, kInTotoPayloadType, SigningRole::kEntitlement, read.claim.terms.product);
  if (!vouchers.ok()) return AtField(vouchers.status(), "envelope");
  const BlobRef ref{Sha256(envelope), envelope.size()};
  Command out;
  DML_ASSIGN_OR_RETURN(StampSeen trusted, SeenTrust(state));
  out.decided_on = {std::move(trusted)};
  EntitlementClaim& claim = read.claim;
  if (replaces_etag.has_value()) {
    out.payload =
        EntitlementAmended{std::move(claim.terms), *std::move(replaces_etag), claim.revision, ref};
  } else {
    out.payload = EntitlementGranted{std::move(claim.terms), claim.revision, ref};
  }
  out.metadata = {std::move(envelope)};
  return out;
}

}  // namespace dml
