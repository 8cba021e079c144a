// Rules of entitlements and leases: beside those of the ledger (seats.h), what else must be there.
#include "core/rules/decider.h"

namespace dml {

absl::Status Decider::CheckTerms(const Entitlement& terms, uint64_t revision,
                                 const BlobRef& envelope) const {
  DML_RETURN_IF_ERROR(AtField(ValidateEntitlement(terms), "entitlement"));
  if (envelope.size == 0 || revision == 0) {
    return AtField(InvalidArgument(ErrorReason("ENTITLEMENT_NOT_SIGNED"),
                                   "terms are entered with a claim that someone signed who may, "
                                   "of revision 1 or higher: give a key of the role entitlement"),
                   "envelope");
  }
  for (const std::string& environment : terms.environments) {
    DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(environment), "entitlement.environments"));
  }
  DML_ASSIGN_OR_RETURN(Digest contract, Digest::Parse(terms.contract_digest));
  DML_ASSIGN_OR_RETURN(bool there, state_.HasDocument(contract));
  if (there) return absl::OkStatus();
  return AtField(
      FailedPrecondition(ErrorReason("CONTRACT_NOT_FOUND"),
                         "the library has no document {}: register the contract with its content's "
                         "digest (dml media register --kind document --content {}), or publish it "
                         "and name the manifest's digest",
                         contract.ToString(), contract.ToString()),
      "entitlement.contract");
}

absl::Status Decider::operator()(const EntitlementGranted& p) const {
  DML_RETURN_IF_ERROR(CheckTerms(p.terms, p.revision, p.envelope));
  return CarryOut(p, state_, now_).status();
}

absl::Status Decider::operator()(const EntitlementAmended& p) const {
  DML_RETURN_IF_ERROR(CheckTerms(p.terms, p.revision, p.envelope));
  DML_RETURN_IF_ERROR(CarryOut(p, state_, now_).status());
  DML_ASSIGN_OR_RETURN(auto record, state_.FindEntitlement(p.terms.id));
  if (!record.has_value() || p.revision > record->revision) return absl::OkStatus();
  return AtField(FailedPrecondition(ErrorReason("ENTITLEMENT_REVISION_UNEXPECTED"),
                                    "'{}' is at revision {}; other terms have a higher revision "
                                    "than that, not {}: sign them anew",
                                    p.terms.id, record->revision, p.revision),
                 "envelope");
}

absl::Status Decider::operator()(const SeatsReserved& p) const {
  DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(p.environment), "environment"));
  return CarryOut(p, state_, now_).status();
}

absl::Status Decider::operator()(const LeaseCommitted& p) const {
  return CarryOut(p, state_, now_).status();
}

absl::Status Decider::operator()(const LeaseExtended& p) const {
  return CarryOut(p, state_, now_).status();
}

absl::Status Decider::operator()(const LeaseReleased& p) const {
  DML_RETURN_IF_ERROR(CheckText(p.reason, kMaxEntryReason, "reason"));
  return CarryOut(p, state_, now_).status();
}

absl::Status Decider::operator()(const LeaseBorrowed& p) const {
  DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(p.environment), "environment"));
  return CarryOut(p, state_, now_).status();
}

}  // namespace dml
