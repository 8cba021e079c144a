#include "client/publication.h"

#include <algorithm>
#include <map>
#include <set>

#include "client/calls.h"
#include "client/download.h"
#include "client/signing_keys.h"
#include "core/trust/authority.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "core/wire/entry.h"

namespace dml {
namespace {

absl::Status Wrong(std::string_view what) {
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "{}", what);
}

// The commit of an entry of earlier, which must name this blob.
absl::StatusOr<Commit> ProveCommit(Client& client, uint64_t index, const BlobRef& blob) {
  DML_ASSIGN_OR_RETURN(ProvenEntry proven, client.ProveEntry(index));
  DML_ASSIGN_OR_RETURN(Entry entry, wire::DecodeEntry(proven.leaf));
  if (std::ranges::count(MetadataBlobs(entry.payload), blob) == 0) {
    return BadAnswer(fmt::format("entry {}, a {}, does not name {}", index,
                                 EntryKind(entry.payload), blob.digest.ToString()));
  }
  return Commit{index, entry.time, std::move(proven.checkpoint), /*replayed=*/true};
}

// That the documents which the library holds describe this variant.
absl::Status CheckDocuments(const VariantDetails& details, const VariantName& name) {
  DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(details.spec));
  if (manifest.config != details.record.spec) return Wrong("its manifest names another spec");
  const VariantName named{spec.package, spec.version.text(), spec.platform};
  if (named != name) return Wrong(fmt::format("its spec describes {}", named.ResourceName()));
  return absl::OkStatus();
}

// Of the attestations of a variant, the first by which each of the keys published it.
std::map<Digest, size_t> FindSignatures(const VariantDetails& details,
                                        std::span<const TrustKey> keys) {
  std::map<Digest, size_t> out;
  for (size_t i = 0; i < details.envelopes.size(); ++i) {
    absl::StatusOr<DsseEnvelope> publication =
        ReadPublication(details.envelopes[i], details.record.name, details.record.manifest.digest);
    if (!publication.ok()) continue;
    absl::StatusOr<SignatureSet> signatures =
        SignatureSet::Create(std::span(&*publication, 1), kInTotoPayloadType);
    if (!signatures.ok()) continue;
    for (const TrustKey& key : keys) {
      if (signatures->IsSignedBy(key)) out.emplace(key.key.id(), i);
    }
  }
  return out;
}

}  // namespace

absl::Status CheckFileNames(const std::vector<LocalFile>& files) {
  std::set<std::string> names;
  for (const LocalFile& file : files) {
    DML_RETURN_IF_ERROR(CheckFileName(file.name));
    if (!names.insert(file.name).second) {
      return InvalidArgument(ErrorReason("FILE_NAME_REPEATED"),
                             "two files are called {} in the package; give each its own name",
                             file.name);
    }
  }
  for (const std::string& name : names) {
    for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
      if (!names.contains(name.substr(0, end))) continue;
      return InvalidArgument(ErrorReason("FILE_NAME_CONFLICT"),
                             "{} would be a file and, for {}, a folder; rename one of them",
                             name.substr(0, end), name);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakeManifest(const std::string& spec_json,
                                         const std::vector<LocalFile>& files,
                                         std::span<const BlobRef> blobs) {
  Manifest manifest;
  manifest.config = {Sha256(spec_json), spec_json.size()};
  for (size_t i = 0; i < blobs.size(); ++i) {
    manifest.files.push_back({files[i].name, blobs[i], files[i].media_type});
  }
  std::string out = FormatManifest(manifest);
  DML_RETURN_IF_ERROR(ParseManifest(out).status());
  return out;
}

absl::StatusOr<std::string> PublicationStatement(const VariantName& variant,
                                                 const Digest& manifest) {
  Statement statement;
  statement.subjects = {{variant.ResourceName(), manifest}};
  statement.predicate_type = std::string(kPublicationPredicate);
  statement.predicate_json = FormatPublicationPredicate({variant, std::string(kManifestMediaType)});
  return FormatStatement(statement);
}

absl::StatusOr<std::string> SignPublication(const VariantName& variant, const Digest& manifest,
                                            std::span<const Signer* const> keys) {
  DML_ASSIGN_OR_RETURN(std::string payload, PublicationStatement(variant, manifest));
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, SignEnvelope(kInTotoPayloadType, payload, keys));
  return FormatEnvelope(envelope);
}

absl::StatusOr<DsseEnvelope> ReadPublication(std::string_view envelope, const VariantName& variant,
                                             const Digest& manifest) {
  DML_ASSIGN_OR_RETURN(DsseEnvelope parsed, ParseEnvelope(envelope));
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(parsed.payload));
  if (statement.predicate_type != kPublicationPredicate) return Wrong("it is no publication");
  const bool about = std::ranges::any_of(
      statement.subjects, [&](const Subject& subject) { return subject.sha256 == manifest; });
  if (!about) return Wrong("it is about another manifest");
  DML_ASSIGN_OR_RETURN(PublicationPredicate predicate,
                       ParsePublicationPredicate(statement.predicate_json));
  if (predicate.variant != variant) {
    return Wrong(fmt::format("it publishes {}", predicate.variant.ResourceName()));
  }
  if (predicate.manifest_media_type != kManifestMediaType) {
    return Wrong("it names another media type");
  }
  return parsed;
}

absl::StatusOr<CommittedOnce<VariantRecord>> FindPublished(Client& client,
                                                           const VariantName& variant,
                                                           const BlobRef& manifest,
                                                           const absl::Status& refusal) {
  DML_ASSIGN_OR_RETURN(VariantDetails details, client.GetVariant(variant));
  if (details.record.manifest != manifest) {
    return BadAnswer(
        fmt::format("{} is said to be published with this content, but has manifest "
                    "{}, not {}",
                    variant.ResourceName(), details.record.manifest.digest.ToString(),
                    manifest.digest.ToString()));
  }
  if (details.record.state != VariantState::kPublished) return refusal;
  DML_ASSIGN_OR_RETURN(Commit commit,
                       ProveCommit(client, details.record.published_index, manifest));
  return CommittedOnce<VariantRecord>{{std::move(details.record), std::move(commit)}, true};
}

absl::StatusOr<CommittedOnce<AttestationRecord>> SignVariant(Client& client,
                                                             const VariantName& name,
                                                             std::span<const Signer* const> keys) {
  DML_ASSIGN_OR_RETURN(VariantDetails details, client.GetVariant(name));
  absl::Status documents = CheckDocuments(details, name);
  if (!documents.ok()) {
    return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"),
                    "{} is not what it should be, nothing was signed: {}; ask its publisher and "
                    "the library's operator",
                    name.ResourceName(), Message(documents));
  }
  DML_RETURN_IF_ERROR(CheckNotRevoked(client, keys));
  DML_ASSIGN_OR_RETURN(const SchemedSigners signers, SignersFor(client, keys));
  const std::map<Digest, size_t> before = FindSignatures(details, signers.keys());
  std::vector<const Signer*> missing;
  for (const Signer* key : signers.get()) {
    if (!before.contains(key->public_key().id())) missing.push_back(key);
  }
  if (missing.empty() && !before.empty()) {
    const AttestationRecord& first = details.attestations[before.begin()->second];
    DML_ASSIGN_OR_RETURN(Commit commit, ProveCommit(client, first.index, first.ref.envelope));
    return CommittedOnce<AttestationRecord>{{first, std::move(commit)}, true};
  }
  DML_ASSIGN_OR_RETURN(std::string envelope,
                       SignPublication(name, details.record.manifest.digest, missing));
  DML_ASSIGN_OR_RETURN(Committed<AttestationRecord> done, client.Attach(name, envelope));
  return CommittedOnce<AttestationRecord>{std::move(done), false};
}

}  // namespace dml
