#include "storage/library/preparation.h"

#include <algorithm>
#include <set>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

// Each costs a verification for each signature of an envelope.
constexpr size_t kMaxKeysTried = 256;

BlobRef RefOf(const std::string& bytes) { return {Sha256(bytes), bytes.size()}; }

// Keys that may have signed an envelope, in the order in which they are tried.
struct Candidates {
  std::vector<PublicKey> keys;
  bool complete = true;  // False where there were more than are tried.
};

absl::Status AddKey(const KeyRecord& record, std::vector<PublicKey>& keys) {
  DML_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpkiDer(AsBytes(record.spki)));
  keys.push_back(std::move(key));
  return absl::OkStatus();
}

// The unrevoked keys that cover the namespace: first those that name it, then those for all.
absl::Status AddKeysOfNamespace(const Reader& state, std::string_view ns, Candidates& out) {
  std::vector<KeyRecord> named, for_all;
  PageRequest request;
  do {
    DML_ASSIGN_OR_RETURN(Page<KeyRecord> page, ListView(state).Keys(request));
    for (KeyRecord& record : page.items) {
      if (!KeyCovers(record, ns)) continue;
      const auto& names = record.namespaces;
      auto& list = std::find(names.begin(), names.end(), ns) != names.end() ? named : for_all;
      if (list.size() <= kMaxKeysTried) list.push_back(std::move(record));
    }
    request.after_key = page.next_key;
  } while (!request.after_key.empty());
  named.insert(named.end(), for_all.begin(), for_all.end());
  out.complete = named.size() <= kMaxKeysTried;
  if (!out.complete) named.resize(kMaxKeysTried);
  for (const KeyRecord& record : named) DML_RETURN_IF_ERROR(AddKey(record, out.keys));
  return absl::OkStatus();
}

// The registered, unrevoked keys that the envelope's hints name; where a hint names no registered
// key, those of the namespace too.
absl::StatusOr<Candidates> CandidateKeys(const Reader& state, const DsseEnvelope& envelope,
                                         std::string_view ns) {
  Candidates out;
  bool hinted = true;
  for (const DsseSignature& signature : envelope.signatures) {
    std::optional<KeyRecord> record;
    if (auto id = Digest::Parse("sha256:" + signature.key_id); id.ok()) {
      DML_ASSIGN_OR_RETURN(record, LibraryView(state).FindKey(*id));
    }
    if (!record.has_value()) {
      hinted = false;
    } else if (!record->revoked) {
      DML_RETURN_IF_ERROR(AddKey(*record, out.keys));
    }
  }
  if (!hinted) DML_RETURN_IF_ERROR(AddKeysOfNamespace(state, ns, out));
  return out;
}

absl::Status KeyIdRequired(std::string_view ns) {
  return InvalidArgument(ErrorReason("KEY_ID_REQUIRED"),
                         "the envelope's signatures name no registered key, and none is of the {} "
                         "keys of namespace {} that were tried; there are more: put into each "
                         "\"keyid\" the hex SHA-256 of the key's SubjectPublicKeyInfo, or revoke "
                         "keys that are not in use",
                         kMaxKeysTried, ns);
}

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

}  // namespace

absl::StatusOr<CheckedEnvelope> CheckEnvelope(const Reader& state, const std::string& bytes,
                                              const Digest& subject, std::string_view ns) {
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
  DML_ASSIGN_OR_RETURN(Candidates candidates, CandidateKeys(state, envelope, ns));
  absl::StatusOr<std::vector<Digest>> signers =
      VerifyEnvelope(envelope, kInTotoPayloadType, candidates.keys);
  if (!signers.ok()) {
    if (!candidates.complete && Reason(signers.status()) == "SIGNATURE_MISSING") {
      return KeyIdRequired(ns);
    }
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
                         statement.predicate_json,
                         Sha256(envelope.payload)};
}

absl::StatusOr<Command> PreparePublish(const Reader& state, ContentStore& content,
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
        CheckEnvelope(state, envelopes[i], published.manifest.digest, published.variant.package.ns);
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
      CheckEnvelope(state, envelope, variant->manifest.digest, name.package.ns);
  if (!checked.ok()) return AtField(checked.status(), "envelope");
  if (checked->ref.predicate_type == kPublicationPredicate) {
    // The gate counts publications: one of something else must never come in later either.
    DML_RETURN_IF_ERROR(AtField(CheckPublication(*checked, name), "envelope"));
  }
  DML_RETURN_IF_ERROR(AtField(CheckAddsASigner(state, name, *checked), "envelope"));
  Command command;
  command.payload = AttestationAttached{name, checked->ref};
  command.metadata.push_back(std::move(envelope));
  return command;
}

}  // namespace dml
