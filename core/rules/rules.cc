#include "core/rules/rules.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/crypto/keys.h"
#include "core/rules/retention.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

constexpr size_t kMaxDescription = 4096;
constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxAttestations = 16;
constexpr size_t kMaxReason = 1024;

absl::Status CheckText(std::string_view text, size_t max, std::string_view field) {
  if (text.size() > max) {
    return AtField(InvalidArgument(ErrorReason("TEXT_TOO_LONG"), "{} has {} bytes; at most {}",
                                   field, text.size(), max),
                   field);
  }
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return AtField(InvalidArgument(ErrorReason("TEXT_NOT_UTF8"), "{} is {}", field, fault), field);
  }
  return absl::OkStatus();
}

absl::Status CheckReason(std::string_view reason) {
  if (reason.empty()) {
    return AtField(InvalidArgument(ErrorReason("REASON_REQUIRED"), "say why: a reason is required"),
                   "reason");
  }
  return CheckText(reason, kMaxReason, "reason");
}

absl::Status CheckLabels(const Labels& labels) {
  if (labels.size() > kMaxLabels) {
    return InvalidArgument(ErrorReason("TOO_MANY_LABELS"), "{} labels; at most {}", labels.size(),
                           kMaxLabels);
  }
  for (const auto& [key, value] : labels) {
    DML_RETURN_IF_ERROR(AtField(ValidateLabel(key, value), "labels"));
  }
  return absl::OkStatus();
}

class Decider {
 public:
  Decider(const LibraryState& state, Timestamp now) : state_(state), now_(now) {}

  absl::Status operator()(const LibraryCreated&) const {
    return FailedPrecondition(ErrorReason("LIBRARY_EXISTS"), "the library is created only once");
  }

  absl::Status operator()(const NamespaceCreated& p) const {
    DML_RETURN_IF_ERROR(AtField(ValidateNamespace(p.name), "namespace"));
    DML_RETURN_IF_ERROR(CheckText(p.description, kMaxDescription, "description"));
    DML_RETURN_IF_ERROR(CheckLabels(p.labels));
    DML_ASSIGN_OR_RETURN(auto found, state_.FindNamespace(p.name));
    if (found.has_value()) {
      return AlreadyExists(ErrorReason("NAMESPACE_EXISTS"), "namespace {} exists", p.name);
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const KeyRegistered& p) const;
  absl::Status operator()(const KeyRevoked& p) const;
  absl::Status operator()(const VersionPublished& p) const;
  absl::Status operator()(const AttestationAttached& p) const;
  absl::Status operator()(const VersionWithdrawn& p) const;
  absl::Status operator()(const PayloadCollected& p) const;
  absl::Status operator()(const EnvironmentCreated& p) const;
  absl::Status operator()(const NodeCreated& p) const;
  absl::Status operator()(const PolicySet& p) const;

  absl::Status operator()(const NamespaceRetentionSet& p) const;

 private:
  absl::Status CheckNamespaceExists(std::string_view name) const;
  absl::StatusOr<VariantRecord> ExistingVariant(const VariantName& name) const;
  absl::Status CheckSignedByPublisher(const VersionPublished& p) const;
  absl::Status CheckVersionIsFree(const VersionPublished& p) const;
  absl::StatusOr<bool> MayVouch(const AttestationRef& ref, std::string_view ns) const;
  absl::Status CheckMayBeCollected(const VariantRecord& variant) const;
  absl::StatusOr<bool> AmongHighest(const VariantRecord& variant, uint32_t count) const;

  const LibraryState& state_;
  const Timestamp now_;
};

absl::Status Decider::CheckNamespaceExists(std::string_view name) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindNamespace(name));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                  "no namespace {}; create it with: dml namespace create {}", name, name);
}

absl::Status Decider::operator()(const KeyRegistered& p) const {
  DML_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpkiDer(AsBytes(p.spki)));
  if (p.owner.empty()) {
    return AtField(InvalidArgument(ErrorReason("OWNER_REQUIRED"),
                                   "say who holds the key: thresholds count persons, not keys"),
                   "owner");
  }
  DML_RETURN_IF_ERROR(CheckText(p.owner, 256, "owner"));
  if (p.roles.empty()) {
    return AtField(InvalidArgument(ErrorReason("ROLE_REQUIRED"), "name at least one signing role"),
                   "roles");
  }
  for (const std::string& role : p.roles) {
    if (std::find(std::begin(kSigningRoles), std::end(kSigningRoles), role) ==
        std::end(kSigningRoles)) {
      return AtField(
          InvalidArgument(ErrorReason("ROLE_UNKNOWN"), "'{}' is no signing role; there are: {}",
                          role, fmt::join(kSigningRoles, ", ")),
          "roles");
    }
  }
  if (p.namespaces.empty() || p.namespaces.size() > 256) {
    return AtField(InvalidArgument(ErrorReason("NAMESPACES_REQUIRED"),
                                   "name 1 to 256 namespaces that the key covers, or '*'"),
                   "namespaces");
  }
  for (const std::string& ns : p.namespaces) {
    if (ns == "*") continue;
    DML_RETURN_IF_ERROR(AtField(ValidateNamespace(ns), "namespaces"));
    DML_RETURN_IF_ERROR(AtField(CheckNamespaceExists(ns), "namespaces"));
  }
  DML_ASSIGN_OR_RETURN(auto found, state_.FindKey(key.id()));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("KEY_EXISTS"), "key {} is registered{}", key.id().hex(),
                         found->revoked ? " and was revoked; a revoked key never comes back" : "");
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const KeyRevoked& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindKey(p.key_id));
  if (!found.has_value()) {
    return NotFound(ErrorReason("KEY_NOT_FOUND"), "no key {}", p.key_id.hex());
  }
  if (found->revoked) {
    return FailedPrecondition(ErrorReason("KEY_REVOKED"), "key {} was revoked at index {}",
                              p.key_id.hex(), found->revoked_index);
  }
  return absl::OkStatus();
}

// Whether a key of the namespace signed that may make this type of claim.
absl::StatusOr<bool> Decider::MayVouch(const AttestationRef& ref, std::string_view ns) const {
  for (const Digest& id : ref.key_ids) {
    DML_ASSIGN_OR_RETURN(auto key, state_.FindKey(id));
    if (!key.has_value()) continue;
    const bool may = ref.predicate_type == kPublicationPredicate ? KeyCovers(*key, "publisher", ns)
                                                                 : KeyCovers(*key, ns);
    if (may) return true;
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
    for (const Digest& id : ref.key_ids) {
      DML_ASSIGN_OR_RETURN(auto key, state_.FindKey(id));
      if (key.has_value() && KeyCovers(*key, "publisher", p.variant.package.ns)) {
        return absl::OkStatus();
      }
    }
  }
  return PermissionDenied(ErrorReason("PUBLISHER_SIGNATURE_MISSING"),
                          "no signature of a registered, unrevoked publisher key for namespace {}; "
                          "register one with: dml key register",
                          p.variant.package.ns);
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
        variant->state == VariantState::kWithdrawn ? "was withdrawn, published" : "was published",
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
  DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(p.variant.package));
  if (package.has_value() && package->scheme != p.scheme) {
    return FailedPrecondition(ErrorReason("VERSION_SCHEME_FIXED"),
                              "versions of {} follow the scheme {}, not {}",
                              p.variant.package.ToString(), VersionSchemeName(package->scheme),
                              VersionSchemeName(p.scheme));
  }
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
  DML_ASSIGN_OR_RETURN(bool vouched, MayVouch(p.attestation, p.variant.package.ns));
  if (!vouched) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "no signature of a registered, unrevoked {} for namespace {}; register "
                            "one with: dml key register",
                            publication ? "publisher key" : "key", p.variant.package.ns);
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

absl::Status Decider::operator()(const VersionWithdrawn& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(VariantRecord variant, ExistingVariant(p.variant));
  if (variant.state == VariantState::kWithdrawn) {
    return FailedPrecondition(ErrorReason("VERSION_WITHDRAWN"), "{} was withdrawn at index {}: {}",
                              p.variant.ResourceName(), variant.withdrawn_index,
                              variant.withdraw_reason);
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const NamespaceRetentionSet& p) const {
  DML_RETURN_IF_ERROR(CheckNamespaceExists(p.name));
  DML_RETURN_IF_ERROR(AtField(ValidateRetention(p.policy), "retention"));
  DML_ASSIGN_OR_RETURN(auto record, state_.FindRetention(p.name));
  const std::string current = record.has_value() ? record->Etag() : "";
  if (p.replaces_etag == current) return absl::OkStatus();
  return Aborted(
      ErrorReason("ETAG_MISMATCH"),
      "the retention of namespace {} is at etag '{}', not '{}': read it again and decide "
      "anew",
      p.name, current, p.replaces_etag);
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

absl::Status Decider::operator()(const EnvironmentCreated& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateEnvironmentName(p.name), "environment"));
  DML_RETURN_IF_ERROR(CheckText(p.description, kMaxDescription, "description"));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindEnvironment(p.name));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("ENVIRONMENT_EXISTS"), "environment {} exists", p.name);
  }
  if (size_t slash = p.name.rfind('/'); slash != std::string::npos) {
    std::string parent = p.name.substr(0, slash);
    DML_ASSIGN_OR_RETURN(auto above, state_.FindEnvironment(parent));
    if (!above.has_value()) {
      return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"),
                      "no environment {}; create it before {}", parent, p.name);
    }
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const NodeCreated& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateNodeName(p.name), "node"));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_ASSIGN_OR_RETURN(auto environment, state_.FindEnvironment(p.environment));
  if (!environment.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", p.environment);
  }
  DML_ASSIGN_OR_RETURN(auto found, state_.FindNode(p.environment, p.name));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("NODE_EXISTS"), "node {} exists in {}", p.name, p.environment);
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const PolicySet& p) const {
  DML_ASSIGN_OR_RETURN(auto environment, state_.FindEnvironment(p.environment));
  if (!environment.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", p.environment);
  }
  DML_ASSIGN_OR_RETURN(auto policy, state_.FindPolicy(p.environment));
  std::string current = policy.has_value() ? policy->Etag() : "";
  if (p.replaces_etag != current) {
    return Aborted(ErrorReason("ETAG_MISMATCH"),
                   "the policy of {} is at etag '{}', not '{}': read it again and decide anew",
                   p.environment, current, p.replaces_etag);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Decide(const EntryPayload& payload, const LibraryState& state, Timestamp now) {
  return std::visit(Decider(state, now), payload);
}

}  // namespace dml
