#include "client/publication.h"

#include <algorithm>
#include <map>

#include "client/calls.h"
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
                                        std::span<const PublicKey> keys) {
  std::map<Digest, size_t> out;
  for (size_t i = 0; i < details.envelopes.size(); ++i) {
    absl::StatusOr<DsseEnvelope> publication =
        ReadPublication(details.envelopes[i], details.record.name, details.record.manifest.digest);
    if (!publication.ok()) continue;
    absl::StatusOr<std::vector<Digest>> signers =
        VerifyEnvelope(*publication, kInTotoPayloadType, keys);
    if (!signers.ok()) continue;
    for (const Digest& id : *signers) out.emplace(id, i);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> SignPublication(const VariantName& variant, const Digest& manifest,
                                            std::span<const Signer* const> keys) {
  Statement statement;
  statement.subjects = {{variant.ResourceName(), manifest}};
  statement.predicate_type = std::string(kPublicationPredicate);
  statement.predicate_json = FormatPublicationPredicate({variant, std::string(kManifestMediaType)});
  DML_ASSIGN_OR_RETURN(std::string payload, FormatStatement(statement));
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
  std::vector<PublicKey> ours;
  for (const Signer* key : keys) ours.push_back(key->public_key());
  const std::map<Digest, size_t> before = FindSignatures(details, ours);
  std::vector<const Signer*> missing;
  for (const Signer* key : keys) {
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
