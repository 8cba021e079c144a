// Rules of variants: what enters, what is held, what goes.
#include "core/rules/decider.h"
#include "core/rules/retention.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

constexpr size_t kMaxAttestations = 16;
constexpr size_t kMaxScanText = 1024;

absl::Status CheckScan(const ScanReport& scan) {
  DML_RETURN_IF_ERROR(CheckText(scan.scanner, kMaxScanText, "scan.scanner"));
  DML_RETURN_IF_ERROR(CheckText(scan.signatures, kMaxScanText, "scan.signatures"));
  return CheckText(scan.finding, kMaxScanText, "scan.finding");
}

}  // namespace

// Whether an unrevoked key signed that the documents in force name for such a claim. Preparation
// judged by the documents themselves; this is what can be seen in the state.
absl::StatusOr<bool> Decider::IsVouchedFor(const AttestationRef& ref,
                                           const PackageName& package) const {
  const bool publication = ref.predicate_type == kPublicationPredicate;
  for (const Digest& id : ref.key_ids) {
    DML_ASSIGN_OR_RETURN(auto key, state_.FindKey(id));
    if (key.has_value() && MayVouch(*key, publication ? "publisher" : "", package.ToString())) {
      return true;
    }
  }
  return false;
}

absl::Status Decider::CheckSignedByPublisher(const VersionPublished& p) const {
  for (const AttestationRef& ref : p.attestations) {
    if (ref.subject != p.manifest.digest) {
      return InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                             "an attestation is about {}, not about the manifest {}",
                             ref.subject.ToString(), p.manifest.digest.ToString());
    }
  }
  for (const AttestationRef& ref : p.attestations) {
    // attack 16: the signer and the claim must meet in the same envelope.
    if (ref.predicate_type != kPublicationPredicate) continue;
    DML_ASSIGN_OR_RETURN(bool vouched, IsVouchedFor(ref, p.variant.package));
    if (vouched) return absl::OkStatus();
  }
  return PermissionDenied(
      ErrorReason("PUBLISHER_SIGNATURE_MISSING"),
      "no signature of an unrevoked publisher key that the trust root names for "
      "{}; see dml key register",
      p.variant.package.ToString());
}

absl::Status Decider::CheckSchemeIsFixed(const VersionPublished& p) const {
  DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(p.variant.package));
  if (!package.has_value() || package->scheme == p.scheme) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("VERSION_SCHEME_FIXED"),
                            "versions of {} follow the scheme {}, not {}",
                            p.variant.package.ToString(), VersionSchemeName(package->scheme),
                            VersionSchemeName(p.scheme));
}

absl::Status Decider::CheckVersionIsFree(const VersionPublished& p) const {
  DML_ASSIGN_OR_RETURN(auto variant, state_.FindVariant(p.variant));
  if (variant.has_value()) {
    bool same = variant->manifest.digest == p.manifest.digest;
    return AlreadyExists(
        ErrorReason(same ? "VERSION_EXISTS" : "VERSION_BOUND"),
        "{} {} at index {}, bound to manifest {}; a version never changes: publish "
        "another one",
        p.variant.ResourceName(),
        variant->state == VariantState::kPublished
            ? "was published"
            : fmt::format("is {}, published", VariantStateName(variant->state)),
        variant->published_index, variant->manifest.digest.ToString());
  }
  DML_ASSIGN_OR_RETURN(Version version, Version::Parse(p.scheme, p.variant.version));
  DML_ASSIGN_OR_RETURN(auto equal, state_.FindEqualVersion(p.variant.package, version));
  if (equal.has_value() && equal->name.version != p.variant.version) {
    return AlreadyExists(ErrorReason("VERSION_EQUAL_EXISTS"),
                         "version {} has the same precedence as {}, which is published; no order "
                         "between them exists, so only one can be",
                         p.variant.version, equal->name.version);
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const VersionPublished& p) const {
  DML_RETURN_IF_ERROR(CheckNamespaceExists(p.variant.package.ns));
  if (p.attestations.size() > kMaxAttestations) {
    return InvalidArgument(ErrorReason("TOO_MANY_ATTESTATIONS"), "{} attestations; at most {}",
                           p.attestations.size(), kMaxAttestations);
  }
  DML_RETURN_IF_ERROR(CheckSignedByPublisher(p));
  if (p.admission == AdmissionState::kRejected) {
    return InvalidArgument(ErrorReason("ADMISSION_INVALID"), "what is rejected is not published");
  }
  if (p.admission == AdmissionState::kQuarantined)
    DML_RETURN_IF_ERROR(CheckReason(p.quarantine_reason));
  DML_RETURN_IF_ERROR(CheckSchemeIsFixed(p));
  return CheckVersionIsFree(p);
}

absl::StatusOr<VariantRecord> Decider::ExistingVariant(const VariantName& name) const {
  DML_ASSIGN_OR_RETURN(auto variant, state_.FindVariant(name));
  if (!variant.has_value()) {
    return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
  }
  return *std::move(variant);
}

absl::Status Decider::operator()(const AttestationAttached& p) const {
  DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(p.variant));
  if (p.attestation.subject != variant.manifest.digest) {
    return InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                           "the attestation is about {}, not about the manifest {}",
                           p.attestation.subject.ToString(), variant.manifest.digest.ToString());
  }
  const bool publication = p.attestation.predicate_type == kPublicationPredicate;
  DML_ASSIGN_OR_RETURN(bool vouched, IsVouchedFor(p.attestation, p.variant.package));
  if (!vouched) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "no signature of an unrevoked {} that the trust root names for {}; see "
                            "dml key register",
                            publication ? "publisher key" : "key", p.variant.package.ToString());
  }
  DML_ASSIGN_OR_RETURN(auto found,
                       state_.FindAttestation(p.variant, p.attestation.envelope.digest));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("ATTESTATION_EXISTS"), "attestation {} is attached already",
                         p.attestation.envelope.digest.ToString());
  }
  const uint32_t limit = kMaxVariantAttestations - (publication ? 0 : kPlacesForPublications);
  if (variant.attestation_count >= limit) {
    return FailedPrecondition(ErrorReason("ATTESTATION_LIMIT"),
                              "{} has {} attestations; at most {}{}: gather results in one "
                              "attestation, or publish another version",
                              p.variant.ResourceName(), variant.attestation_count, limit,
                              publication ? "" : ", the places for publications left out");
  }
  return absl::OkStatus();
}

absl::Status Decider::CheckMayGo(const VariantRecord& variant) const {
  if (variant.state == VariantState::kWithdrawn) {
    return FailedPrecondition(ErrorReason("VERSION_WITHDRAWN"), "{} was withdrawn at index {}: {}",
                              variant.name.ResourceName(), variant.withdrawn_index,
                              variant.withdraw_reason);
  }
  if (variant.state == VariantState::kRejected) {
    return FailedPrecondition(ErrorReason("VERSION_REJECTED"), "{} was rejected at index {}: {}",
                              variant.name.ResourceName(), variant.admission_index,
                              variant.admission_reason);
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const VersionWithdrawn& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(p.variant));
  // What is withdrawn is read by whoever insists: what waits in quarantine must not get there.
  if (variant.state == VariantState::kQuarantined) {
    return FailedPrecondition(ErrorReason("VERSION_QUARANTINED"),
                              "{} is in quarantine ({}): nobody may read it, and rejecting it "
                              "leaves it so for ever; ask who decides on quarantine",
                              p.variant.ResourceName(), variant.admission_reason);
  }
  return CheckMayGo(variant);
}

absl::Status Decider::operator()(const AdmissionDecided& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  if (p.scan.has_value()) DML_RETURN_IF_ERROR(CheckScan(*p.scan));
  DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(p.variant));
  DML_RETURN_IF_ERROR(CheckMayGo(variant));
  const bool quarantined = variant.state == VariantState::kQuarantined;
  const bool stays = quarantined ? p.admission == AdmissionState::kQuarantined
                                 : p.admission == AdmissionState::kAccepted;
  if (!stays) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("ADMISSION_UNCHANGED"), "{} is {} already{}{}",
                            p.variant.ResourceName(), VariantStateName(variant.state),
                            quarantined ? ": " : "", quarantined ? variant.admission_reason : "");
}

absl::Status Decider::operator()(const VariantScanned& p) const {
  DML_RETURN_IF_ERROR(CheckScan(p.scan));
  return ExistingVariant(p.variant).status();
}

absl::Status Decider::operator()(const HoldPlaced& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(p.name), "hold"));
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(p.variant));
  if (variant.payload_collected) {
    return FailedPrecondition(ErrorReason("PAYLOAD_COLLECTED"),
                              "the payload of {} is gone: there is nothing to hold",
                              p.variant.ResourceName());
  }
  DML_ASSIGN_OR_RETURN(auto found, state_.FindHold(p.variant, p.name));
  if (!found.has_value()) return absl::OkStatus();
  return AlreadyExists(ErrorReason("HOLD_EXISTS"), "{} is held for {} since entry {}",
                       p.variant.ResourceName(), p.name, found->index);
}

absl::Status Decider::operator()(const HoldReleased& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindHold(p.variant, p.name));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("HOLD_NOT_FOUND"), "{} is not held for {}", p.variant.ResourceName(),
                  p.name);
}

absl::StatusOr<bool> Decider::AmongHighest(const VariantRecord& variant, uint32_t count) const {
  if (count == 0) return false;
  DML_ASSIGN_OR_RETURN(auto lowest, state_.FindNthLiveVersion(variant.name.package, count));
  if (!lowest.has_value()) return true;
  DML_ASSIGN_OR_RETURN(Version own, Version::Parse(variant.scheme, variant.name.version));
  DML_ASSIGN_OR_RETURN(Version bound, Version::Parse(lowest->scheme, lowest->name.version));
  return Compare(own, bound) >= 0;
}

// attack 27: nothing deletes payload but what this lets go.
absl::Status Decider::CheckMayBeCollected(const VariantRecord& variant) const {
  DML_ASSIGN_OR_RETURN(auto record, state_.FindRetention(variant.name.package.ns));
  const RetentionPolicy policy = record.has_value() ? record->policy : RetentionPolicy();
  DML_ASSIGN_OR_RETURN(bool among_highest, AmongHighest(variant, policy.keep_versions));
  const RetentionVerdict verdict = JudgeRetention(policy, variant, among_highest, now_);
  if (!verdict.keep) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("PAYLOAD_IN_USE"), "the payload of {} stays: {}",
                            variant.name.ResourceName(), verdict.reason);
}

absl::Status Decider::operator()(const PayloadCollected& p) const {
  if (p.variants.empty()) {
    return InvalidArgument(ErrorReason("NOTHING_TO_COLLECT"), "no variant is named");
  }
  for (size_t i = 0; i < p.variants.size(); ++i) {
    const VariantName& name = p.variants[i];
    if (i > 0 && name <= p.variants[i - 1]) {
      return InvalidArgument(ErrorReason("VARIANTS_NOT_ASCENDING"),
                             "{} is named after {}: variants ascend, each once",
                             name.ResourceName(), p.variants[i - 1].ResourceName());
    }
    DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(name));
    if (variant.payload_collected) {
      return FailedPrecondition(ErrorReason("PAYLOAD_COLLECTED"), "{} is collected already",
                                name.ResourceName());
    }
    DML_RETURN_IF_ERROR(CheckMayBeCollected(variant));
  }
  return absl::OkStatus();
}

}  // namespace dml
