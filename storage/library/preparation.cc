#include "storage/library/preparation.h"

#include <algorithm>
#include <set>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/license/expression.h"
#include "core/package/references.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr SigningRole kPublishers[] = {SigningRole::kPublisher};
constexpr SigningRole kConcluders[] = {SigningRole::kLicenseData};

// Who may make such a claim about a package.
std::span<const SigningRole> RolesFor(std::string_view predicate_type) {
  if (predicate_type == kPublicationPredicate) return kPublishers;
  if (predicate_type == kLicenseConclusionPredicate) return kConcluders;
  return kPackageRoles;
}

std::string_view NameOfRoles(std::string_view predicate_type) {
  if (predicate_type == kPublicationPredicate) return "publisher key";
  if (predicate_type == kLicenseConclusionPredicate) return "license-data key";
  return "key";
}

BlobRef RefOf(const std::string& bytes) { return {Sha256(bytes), bytes.size()}; }

absl::Status CheckFiles(const Manifest& manifest, std::string_view ns, ContentStore& content) {
  for (size_t i = 0; i < manifest.files.size(); ++i) {
    const ManifestFile& file = manifest.files[i];
    DML_ASSIGN_OR_RETURN(bool there, content.HasBlob(ns, file.blob));
    if (!there) {
      return AtField(NotFound(ErrorReason("BLOB_NOT_FOUND"),
                              "file {} names blob {} of {} bytes, which was not uploaded to "
                              "namespace {}",
                              file.path, file.blob.digest.ToString(), file.blob.size, ns),
                     fmt::format("manifest.layers[{}]", i));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPublication(const CheckedEnvelope& envelope, const VariantName& variant) {
  DML_ASSIGN_OR_RETURN(PublicationPredicate publication,
                       ParsePublicationPredicate(envelope.predicate));
  if (publication.variant != variant || publication.manifest_media_type != kManifestMediaType) {
    return InvalidArgument(ErrorReason("PUBLICATION_MISMATCH"),
                           "the signed publication is of {} ({}), not of {} ({})",
                           publication.variant.ResourceName(), publication.manifest_media_type,
                           variant.ResourceName(), kManifestMediaType);
  }
  return absl::OkStatus();
}

absl::Status CheckConclusion(const CheckedEnvelope& envelope, const LicenseList& list) {
  DML_ASSIGN_OR_RETURN(const LicenseConclusion conclusion,
                       ParseLicenseConclusion(envelope.predicate));
  return AtField(LicenseExpression::Parse(conclusion.license, list).status(), "license");
}

// Whoever can read an envelope can write its statement and signatures into others: those would fill
// a variant's places without any key.
absl::Status CheckAddsASigner(const Reader& state, const VariantName& name,
                              const CheckedEnvelope& envelope) {
  std::set<Digest> added(envelope.ref.key_ids.begin(), envelope.ref.key_ids.end());
  bool same_bytes = false;
  DML_RETURN_IF_ERROR(
      LibraryView(state).ScanAttestations(name, [&](const AttestationRecord& record) {
        same_bytes = record.ref.envelope == envelope.ref.envelope;
        if (record.statement == envelope.statement) {
          for (const Digest& id : record.ref.key_ids) added.erase(id);
        }
        return !same_bytes;
      }));
  if (same_bytes || !added.empty()) return absl::OkStatus();  // A retry is the rules' to judge.
  return AlreadyExists(ErrorReason("ATTESTATION_EXISTS"),
                       "an attestation with this very statement, signed by the same keys, is "
                       "attached to {} already",
                       name.ResourceName());
}

// `declared` is as specs are read: with ids that the built-in list does not have as written.
absl::Status CheckDeclared(const std::string& declared, const LicenseList& list) {
  const auto in_force = LicenseExpression::Parse(declared, list);
  if (!in_force.ok()) {
    if (LicenseExpression::Parse(declared, BundledLicenseList()).ok()) return absl::OkStatus();
    return AtField(in_force.status(), "license.declared");
  }
  if (in_force->ToString() == declared) return absl::OkStatus();
  return AtField(InvalidArgument(ErrorReason("LICENSE_NOT_CANONICAL"),
                                 "license list {} writes '{}': declare it so, not as '{}'",
                                 list.version(), in_force->ToString(), declared),
                 "license.declared");
}

}  // namespace

absl::StatusOr<CheckedEnvelope> CheckEnvelope(const TrustDomain& trust, const std::string& bytes,
                                              const Digest& subject, const PackageName& package) {
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&envelope, 1), kInTotoPayloadType));
  // Which role may say so is decided by what is said; it is believed only once that role signed it.
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(envelope.payload));
  if (statement.predicate_type == kReferencesPredicate) {
    return InvalidArgument(ErrorReason("PREDICATE_RESERVED"),
                           "no statement is of type {}: references come in batches",
                           kReferencesPredicate);
  }
  DML_ASSIGN_OR_RETURN(
      std::vector<Digest> signers,
      trust.Signers(signatures, RolesFor(statement.predicate_type), package.ToString()));
  if (signers.empty()) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "no good signature of an unrevoked {} that trust root {} names for {} "
                            "(see: dml key register)",
                            NameOfRoles(statement.predicate_type), trust.root().version,
                            package.ToString());
  }
  bool about = std::any_of(statement.subjects.begin(), statement.subjects.end(),
                           [&](const Subject& s) { return s.sha256 == subject; });
  if (!about) {
    return InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                           "the statement is about {}, not about {}",
                           statement.subjects[0].sha256.ToString(), subject.ToString());
  }
  return CheckedEnvelope{{RefOf(bytes), statement.predicate_type, subject, std::move(signers)},
                         statement.predicate_json,
                         Sha256(envelope.payload)};
}

absl::StatusOr<Command> PreparePublish(const Reader& state, const TrustDomain& trust,
                                       const LicenseList& list, ContentStore& content,
                                       std::string manifest_bytes, std::string spec_bytes,
                                       std::span<const std::string> envelopes) {
  if (manifest_bytes.size() + spec_bytes.size() > kMaxDocumentBytes) {
    return AtField(InvalidArgument(ErrorReason("DOCUMENTS_TOO_LARGE"),
                                   "manifest and spec have {} bytes together; at most {}: put many "
                                   "small files into an archive",
                                   manifest_bytes.size() + spec_bytes.size(), kMaxDocumentBytes),
                   "manifest");
  }
  absl::StatusOr<Manifest> manifest = ParseManifest(manifest_bytes);
  if (!manifest.ok()) return AtField(manifest.status(), "manifest");
  absl::StatusOr<PackageSpec> spec = ParsePackageSpec(spec_bytes);
  if (!spec.ok()) return AtField(spec.status(), "spec");
  if (spec->is_reference) {
    return AtField(InvalidArgument(ErrorReason("REFERENCE_ALONE"),
                                   "a spec of kind REFERENCE is for planning and has no files; "
                                   "publish references in batches (dml import debian-index)"),
                   "spec.kind");
  }
  DML_RETURN_IF_ERROR(AtField(CheckDeclared(spec->declared_license, list), "spec"));
  if (manifest->config != RefOf(spec_bytes)) {
    return AtField(
        InvalidArgument(ErrorReason("MANIFEST_SPEC_MISMATCH"),
                        "the manifest's config is {}, but the spec sent is {}",
                        manifest->config.digest.ToString(), Sha256(spec_bytes).ToString()),
        "manifest.config");
  }
  DML_ASSIGN_OR_RETURN(auto ns, LibraryView(state).FindNamespace(spec->package.ns));
  if (!ns.has_value()) {
    return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                    "no namespace {}; create it with: dml namespace create {}", spec->package.ns,
                    spec->package.ns);
  }
  DML_RETURN_IF_ERROR(CheckFiles(*manifest, spec->package.ns, content));

  VersionPublished published;
  published.variant = {spec->package, spec->version.text(), spec->platform};
  published.scheme = spec->version.scheme();
  published.manifest = RefOf(manifest_bytes);
  published.spec = manifest->config;
  published.file_count = static_cast<uint32_t>(manifest->files.size());
  for (const ManifestFile& file : manifest->files) published.payload_size += file.blob.size;

  Command command;
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  std::set<Digest> publishers;
  for (size_t i = 0; i < envelopes.size(); ++i) {
    std::string field = fmt::format("envelopes[{}]", i);
    absl::StatusOr<CheckedEnvelope> checked =
        CheckEnvelope(trust, envelopes[i], published.manifest.digest, published.variant.package);
    if (!checked.ok()) return AtField(checked.status(), field);
    if (checked->ref.predicate_type == kPublicationPredicate) {
      DML_RETURN_IF_ERROR(AtField(CheckPublication(*checked, published.variant), field));
      publishers.insert(checked->ref.key_ids.begin(), checked->ref.key_ids.end());
    }
    published.attestations.push_back(checked->ref);
    command.metadata.push_back(envelopes[i]);
  }
  if (publishers.empty()) {
    return AtField(
        PermissionDenied(ErrorReason("PUBLICATION_MISSING"),
                         "no envelope holds a signed publication ({})", kPublicationPredicate),
        "envelopes");
  }
  DML_RETURN_IF_ERROR(AtField(
      trust.CountSigners(publishers, SigningRole::kPublisher, published.variant.package.ToString())
          .status(),
      "envelopes"));
  command.payload = std::move(published);
  command.metadata.push_back(std::move(manifest_bytes));
  command.metadata.push_back(std::move(spec_bytes));
  return command;
}

absl::StatusOr<Command> PrepareAttach(const Reader& state, const TrustDomain& trust,
                                      const LicenseList& list, const VariantName& name,
                                      std::string envelope) {
  DML_ASSIGN_OR_RETURN(auto variant, LibraryView(state).FindVariant(name));
  if (!variant.has_value()) {
    return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
  }
  absl::StatusOr<CheckedEnvelope> checked =
      CheckEnvelope(trust, envelope, variant->manifest.digest, name.package);
  if (!checked.ok()) return AtField(checked.status(), "envelope");
  if (checked->ref.predicate_type == kPublicationPredicate) {
    // The gate counts publications: one of something else must never come in later either.
    DML_RETURN_IF_ERROR(AtField(CheckPublication(*checked, name), "envelope"));
  }
  if (checked->ref.predicate_type == kLicenseConclusionPredicate) {
    DML_RETURN_IF_ERROR(AtField(CheckConclusion(*checked, list), "envelope"));
  }
  DML_RETURN_IF_ERROR(AtField(CheckAddsASigner(state, name, *checked), "envelope"));
  Command command;
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on.push_back(std::move(seen));
  command.payload = AttestationAttached{name, checked->ref};
  command.metadata.push_back(std::move(envelope));
  return command;
}

}  // namespace dml
