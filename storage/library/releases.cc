#include "storage/library/releases.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/override_claim.h"
#include "core/release/secret_scan.h"
#include "core/trust/statement.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr SigningRole kApprovers[] = {SigningRole::kApprover};
// Predicates that mean something by themselves; none of them is evidence about a release.
constexpr std::array<std::string_view, 7> kOthers = {
    kReleasePredicate,     kPolicyPredicate,   kLicenseDataPredicate,        kApprovalPredicate,
    kPublicationPredicate, kOverridePredicate, kVerificationSummaryPredicate};

BlobRef RefOf(const std::string& bytes) { return {Sha256(bytes), bytes.size()}; }

absl::Status NotSealed(const Digest& release) {
  return AtField(
      NotFound(ErrorReason("RELEASE_NOT_FOUND"), "no release {} was sealed", release.ToString()),
      "release");
}

absl::Status NobodySigned(std::string_view role, const TrustDomain& trust) {
  return AtField(PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                                  "no good signature of an unrevoked key that trust root {} names "
                                  "as {}",
                                  trust.root().version, role),
                 "envelope");
}

absl::Status CheckItem(const LibraryView& view, const ReleaseItem& item) {
  DML_ASSIGN_OR_RETURN(const auto variant, view.FindVariant(item.variant));
  if (!variant.has_value()) {
    return AtField(NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", item.variant.ResourceName()),
                   "variant");
  }
  if (variant->manifest != item.manifest) {
    return AtField(InvalidArgument(ErrorReason("MANIFEST_MISMATCH"),
                                   "{} has the manifest {}, and the release says {}",
                                   item.variant.ResourceName(), variant->manifest.digest.ToString(),
                                   item.manifest.digest.ToString()),
                   "manifest");
  }
  if (item.action == ReleaseAction::kRemove || variant->state == VariantState::kPublished) {
    return absl::OkStatus();
  }
  return AtField(
      FailedPrecondition(ErrorReason("VARIANT_NOT_PUBLISHED"), "{} is {}{}{}",
                         item.variant.ResourceName(), VariantStateName(variant->state),
                         variant->withdraw_reason.empty() ? "" : ": ", variant->withdraw_reason),
      "variant");
}

// Looks at all items, and notes what must not change before the command is decided.
absl::Status CheckItems(const LibraryView& view, const Release& release, Command& command) {
  std::set<std::string> stamps;
  for (size_t i = 0; i < release.items.size(); ++i) {
    DML_RETURN_IF_ERROR(
        AtField(CheckItem(view, release.items[i]), fmt::format("document.items[{}]", i)));
    stamps.insert(PackageStamp(release.items[i].variant.package));
  }
  for (const std::string& stamp : stamps) {
    DML_ASSIGN_OR_RETURN(const uint64_t index, view.Stamp(stamp));
    command.decided_on.push_back({stamp, index});
  }
  if (!release.back_out.has_value()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const auto before, view.FindRelease(*release.back_out));
  if (before.has_value()) return absl::OkStatus();
  return AtField(NotSealed(*release.back_out), "document.backOut");
}

// What items name is what was given, each once, and nothing that should not be kept for ever.
absl::StatusOr<std::vector<BlobRef>> CheckConfigurations(
    const Release& release, const std::vector<std::string>& configurations) {
  std::map<Digest, uint64_t> given;
  size_t bytes = 0;
  for (const std::string& one : configurations) bytes += one.size();
  if (bytes > kMaxConfigurationBytes) {
    return AtField(InvalidArgument(ErrorReason("CONFIGURATION_TOO_LARGE"),
                                   "the configurations have {} bytes; at most {}", bytes,
                                   kMaxConfigurationBytes),
                   "configurations");
  }
  for (size_t i = 0; i < configurations.size(); ++i) {
    const std::string field = fmt::format("configurations[{}]", i);
    DML_RETURN_IF_ERROR(AtField(RequireNoSecrets(configurations[i]), field));
    const BlobRef ref = RefOf(configurations[i]);
    if (given.emplace(ref.digest, ref.size).second) continue;
    return AtField(InvalidArgument(ErrorReason("CONFIGURATION_UNEXPECTED"),
                                   "configuration {} is given twice", ref.digest.ToString()),
                   field);
  }
  std::map<Digest, uint64_t> named;
  for (size_t i = 0; i < release.items.size(); ++i) {
    const std::optional<BlobRef>& wanted = release.items[i].configuration;
    if (!wanted.has_value()) continue;
    const auto found = given.find(wanted->digest);
    if (found == given.end() || found->second != wanted->size) {
      return AtField(InvalidArgument(ErrorReason("CONFIGURATION_MISSING"),
                                     "the configuration {} of {} bytes is not given",
                                     wanted->digest.ToString(), wanted->size),
                     fmt::format("document.items[{}].configuration", i));
    }
    named.insert(*found);
  }
  for (const auto& [digest, size] : given) {
    if (named.contains(digest)) continue;
    return AtField(InvalidArgument(ErrorReason("CONFIGURATION_UNEXPECTED"),
                                   "no item names the configuration {}", digest.ToString()),
                   "configurations");
  }
  std::vector<BlobRef> out;
  for (const auto& [digest, size] : named) out.push_back({digest, size});
  return out;
}

// Keys with a good signature that may vouch for every item's package.
absl::StatusOr<std::vector<Digest>> AttestersOf(const TrustDomain& trust, const Release& release,
                                                const DsseEnvelope& envelope) {
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&envelope, 1), kInTotoPayloadType));
  std::set<std::string> packages;
  for (const ReleaseItem& item : release.items) packages.insert(item.variant.package.ToString());
  std::vector<Digest> out;
  bool is_first = true;
  for (const std::string& package : packages) {
    DML_ASSIGN_OR_RETURN(std::vector<Digest> signers,
                         trust.Signers(signatures, kPackageRoles, package));
    if (!is_first) {
      std::vector<Digest> both;
      std::ranges::set_intersection(out, signers, std::back_inserter(both));
      signers = std::move(both);
    }
    is_first = false;
    out = std::move(signers);
  }
  return out;
}

absl::StatusOr<Command> WithTrust(const Reader& state) {
  Command command;
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  return command;
}

}  // namespace

absl::StatusOr<Release> LoadRelease(const Reader& state, const Digest& document) {
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindRelease(document));
  if (!record.has_value()) return NotSealed(document);
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(state, record->document));
  return ParseRelease(bytes);
}

absl::StatusOr<Command> PrepareSeal(const Reader& state, const TrustDomain& trust,
                                    std::string document, std::string envelope,
                                    std::vector<std::string> configurations) {
  const absl::StatusOr<Release> release = ParseSealedRelease(document);
  if (!release.ok()) return AtField(release.status(), "document");
  const BlobRef ref = RefOf(document);
  absl::StatusOr<ClaimEnvelope> claim = ReadClaimAbout(envelope, kReleasePredicate, ref.digest);
  if (!claim.ok()) return AtField(claim.status(), "envelope");
  const absl::StatusOr<ReleaseClaim> says = ParseReleaseClaim(claim->predicate_json);
  if (!says.ok()) return AtField(says.status(), "envelope");
  if (*says != ReleaseClaim{release->name, release->version}) {
    return AtField(InvalidArgument(ErrorReason("RELEASE_UNEXPECTED"),
                                   "the envelope seals {} {}, and the document is of {} {}",
                                   says->name, says->version, release->name, release->version),
                   "envelope");
  }
  absl::StatusOr<Vouchers> vouchers =
      trust.Verify(claim->envelope, kInTotoPayloadType, SigningRole::kRelease, "");
  if (!vouchers.ok()) return AtField(vouchers.status(), "envelope");

  DML_ASSIGN_OR_RETURN(Command command, WithTrust(state));
  DML_RETURN_IF_ERROR(CheckItems(LibraryView(state), *release, command));
  ReleaseSealed sealed;
  sealed.name = release->name;
  sealed.version = release->version;
  sealed.environments = release->environments;
  sealed.document = ref;
  sealed.seal = {RefOf(envelope), std::string(kReleasePredicate), vouchers->key_ids};
  DML_ASSIGN_OR_RETURN(sealed.configurations, CheckConfigurations(*release, configurations));
  command.payload = std::move(sealed);
  command.metadata = std::move(configurations);
  command.metadata.push_back(std::move(document));
  command.metadata.push_back(std::move(envelope));
  return command;
}

absl::StatusOr<Command> PrepareReleaseAttestation(const Reader& state, const TrustDomain& trust,
                                                  const Digest& release, std::string text) {
  DML_ASSIGN_OR_RETURN(const Release document, LoadRelease(state, release));
  const absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
  if (!envelope.ok()) return AtField(envelope.status(), "envelope");
  absl::StatusOr<std::vector<Digest>> signers = AttestersOf(trust, document, *envelope);
  if (!signers.ok()) return AtField(signers.status(), "envelope");
  const absl::StatusOr<Statement> statement = ParseStatement(envelope->payload);
  if (!statement.ok()) return AtField(statement.status(), "envelope");
  if (std::ranges::count(kOthers, statement->predicate_type) > 0) {
    return AtField(InvalidArgument(ErrorReason("PREDICATE_UNEXPECTED"),
                                   "{} is no evidence about a release", statement->predicate_type),
                   "envelope");
  }
  if (std::ranges::count(statement->subjects, release, &Subject::sha256) == 0) {
    return AtField(InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                                   "the statement is about {}, not about {}",
                                   statement->subjects[0].sha256.ToString(), release.ToString()),
                   "envelope");
  }
  if (signers->empty()) return NobodySigned("publisher or tester of all its packages", trust);
  DML_ASSIGN_OR_RETURN(Command command, WithTrust(state));
  command.payload =
      ReleaseAttested{release, {RefOf(text), statement->predicate_type, *std::move(signers)}};
  command.metadata = {std::move(text)};
  return command;
}

absl::StatusOr<Command> PrepareApproval(const Reader& state, const TrustDomain& trust,
                                        const Digest& release, std::string text) {
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindRelease(release));
  if (!record.has_value()) return NotSealed(release);
  absl::StatusOr<ClaimEnvelope> claim = ReadClaimAbout(text, kApprovalPredicate, release);
  if (!claim.ok()) return AtField(claim.status(), "envelope");
  absl::StatusOr<ApprovalClaim> says = ParseApprovalClaim(claim->predicate_json);
  if (!says.ok()) return AtField(says.status(), "envelope");
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&claim->envelope, 1), kInTotoPayloadType));
  absl::StatusOr<std::vector<Digest>> signers =
      trust.Signers(signatures, kApprovers, says->environment);
  if (!signers.ok()) return AtField(signers.status(), "envelope");
  if (signers->empty()) {
    return NobodySigned(fmt::format("approver for {}", says->environment), trust);
  }
  DML_ASSIGN_OR_RETURN(Command command, WithTrust(state));
  command.payload =
      ReleaseApproved{release,
                      says->environment,
                      {RefOf(text), std::string(kApprovalPredicate), *std::move(signers)},
                      says->findings,
                      says->expires};
  command.metadata = {std::move(text)};
  return command;
}

}  // namespace dml
