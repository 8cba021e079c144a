#include "storage/library/preparation.h"

#include <algorithm>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

// Keys tried for a signature whose key id says nothing: enough for envelopes of other tools.
constexpr size_t kMaxKeysTried = 256;

BlobRef RefOf(const std::string& bytes) { return {Sha256(bytes), bytes.size()}; }

void AddIfUsable(const KeyRecord& record, std::vector<PublicKey>& keys) {
  if (record.revoked || keys.size() >= kMaxKeysTried) return;
  absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(record.spki));
  if (key.ok()) keys.push_back(*std::move(key));
}

// The registered keys that the envelope's hints name; where a hint names none, all keys.
absl::StatusOr<std::vector<PublicKey>> CandidateKeys(const Reader& state,
                                                     const DsseEnvelope& envelope) {
  std::vector<PublicKey> keys;
  LibraryView view(state);
  for (const DsseSignature& signature : envelope.signatures) {
    absl::StatusOr<Digest> id = Digest::Parse("sha256:" + signature.key_id);
    if (!id.ok()) {
      DML_ASSIGN_OR_RETURN(Page<KeyRecord> all, ListView(state).Keys({.size = kMaxKeysTried}));
      keys.clear();
      for (const KeyRecord& record : all.items) AddIfUsable(record, keys);
      return keys;
    }
    DML_ASSIGN_OR_RETURN(auto record, view.FindKey(*id));
    if (record.has_value()) AddIfUsable(*record, keys);
  }
  return keys;
}

absl::Status CheckFiles(const Manifest& manifest, std::string_view ns,
                        const ContentStore& content) {
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

}  // namespace

absl::StatusOr<CheckedEnvelope> CheckEnvelope(const Reader& state, const std::string& bytes,
                                              const Digest& subject) {
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
  DML_ASSIGN_OR_RETURN(std::vector<PublicKey> keys, CandidateKeys(state, envelope));
  absl::StatusOr<std::vector<Digest>> signers = VerifyEnvelope(envelope, kInTotoPayloadType, keys);
  if (!signers.ok()) {
    return Annotate(signers.status(),
                    "no good signature of a registered, unrevoked key (see: dml key register)");
  }
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(envelope.payload));
  bool about = std::any_of(statement.subjects.begin(), statement.subjects.end(),
                           [&](const Subject& s) { return s.sha256 == subject; });
  if (!about) {
    return InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                           "the statement is about {}, not about {}",
                           statement.subjects[0].sha256.ToString(), subject.ToString());
  }
  return CheckedEnvelope{{RefOf(bytes), statement.predicate_type, subject, *std::move(signers)},
                         statement.predicate_json};
}

absl::StatusOr<Command> PreparePublish(const Reader& state, const ContentStore& content,
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
  if (manifest->config != RefOf(spec_bytes)) {
    return AtField(
        InvalidArgument(ErrorReason("MANIFEST_SPEC_MISMATCH"),
                        "the manifest's config is {}, but the spec sent is {}",
                        manifest->config.digest.ToString(), Sha256(spec_bytes).ToString()),
        "manifest.config");
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
  bool publication = false;
  for (size_t i = 0; i < envelopes.size(); ++i) {
    std::string field = fmt::format("envelopes[{}]", i);
    absl::StatusOr<CheckedEnvelope> checked =
        CheckEnvelope(state, envelopes[i], published.manifest.digest);
    if (!checked.ok()) return AtField(checked.status(), field);
    if (checked->ref.predicate_type == kPublicationPredicate) {
      DML_RETURN_IF_ERROR(AtField(CheckPublication(*checked, published.variant), field));
      publication = true;
    }
    published.attestations.push_back(checked->ref);
    command.metadata.push_back(envelopes[i]);
  }
  if (!publication) {
    return AtField(
        PermissionDenied(ErrorReason("PUBLICATION_MISSING"),
                         "no envelope holds a signed publication ({})", kPublicationPredicate),
        "envelopes");
  }
  command.payload = std::move(published);
  command.metadata.push_back(std::move(manifest_bytes));
  command.metadata.push_back(std::move(spec_bytes));
  return command;
}

absl::StatusOr<Command> PrepareAttach(const Reader& state, const VariantName& name,
                                      std::string envelope) {
  DML_ASSIGN_OR_RETURN(auto variant, LibraryView(state).FindVariant(name));
  if (!variant.has_value()) {
    return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
  }
  absl::StatusOr<CheckedEnvelope> checked =
      CheckEnvelope(state, envelope, variant->manifest.digest);
  if (!checked.ok()) return AtField(checked.status(), "envelope");
  if (checked->ref.predicate_type == kPublicationPredicate) {
    // The gate counts publications: one of something else must never come in later either.
    DML_RETURN_IF_ERROR(AtField(CheckPublication(*checked, name), "envelope"));
  }
  Command command;
  command.payload = AttestationAttached{name, checked->ref};
  command.metadata.push_back(std::move(envelope));
  return command;
}

}  // namespace dml
