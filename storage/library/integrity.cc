#include "storage/library/integrity.h"

#include <map>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "core/package/manifest.h"
#include "core/trust/authority.h"
#include "core/trust/root_walk.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr uint64_t kEntriesPerStep = 256;

class Verifier {
 public:
  Verifier(Library& library, const IntegrityOptions& options)
      : library_(library), options_(options) {}

  absl::StatusOr<IntegrityReport> Run() {
    // The signed checkpoint first: what it covers, the state has.
    const auto signed_checkpoint = library_.checkpoint();
    state_ = library_.Read();
    DML_RETURN_IF_ERROR(VerifyJournal(signed_checkpoint->checkpoint));
    DML_RETURN_IF_ERROR(VerifyViews());
    DML_RETURN_IF_ERROR(VerifyVariants());
    DML_RETURN_IF_ERROR(VerifyReleases());
    return std::move(report_);
  }

 private:
  absl::Status VerifyJournal(const Checkpoint& checkpoint);
  absl::Status VerifyEntry(uint64_t index, TreeAppender& tree);
  void VerifyMetadata(uint64_t index, const EntryPayload& payload);
  void TakeKeys(uint64_t index, const EntryPayload& payload);
  absl::Status VerifyViews();
  absl::Status VerifyVariants();
  absl::Status VerifyContent(const VariantRecord& variant, const Manifest& manifest);
  absl::Status VerifyChunk(const ChunkRef& chunk);
  void MissingContent(const VariantRecord& variant, const std::string& path,
                      const absl::Status& status);
  void VerifySigned(const std::string& subject, const BlobRef& ref,
                    const std::vector<Digest>& key_ids, const Digest* statement);
  absl::Status VerifyReleases();

  absl::Status Step(std::string_view part, uint64_t done, uint64_t all) const {
    return options_.step ? options_.step(part, done, all) : absl::OkStatus();
  }
  void Wrong(std::string part, std::string subject, std::string message) {
    if (++report_.finding_count > kMaxIntegrityFindings) return;
    report_.findings.push_back({std::move(part), std::move(subject), std::move(message)});
  }

  Library& library_;
  const IntegrityOptions& options_;
  std::unique_ptr<Snapshot> state_;
  std::map<Digest, TrustKey> keys_;  // Of all roots and delegations there ever were.
  IntegrityReport report_;
};

std::string EntryName(uint64_t index) { return fmt::format("entries/{}", index); }

absl::Status Verifier::VerifyJournal(const Checkpoint& checkpoint) {
  const JournalView journal(*state_);
  DML_ASSIGN_OR_RETURN(report_.entries, journal.Size());
  TreeAppender tree;
  if (report_.entries < checkpoint.size) {
    Wrong(
        "journal", EntryName(report_.entries),
        fmt::format("{} entries were signed, and {} are there", checkpoint.size, report_.entries));
  }
  while (tree.size() < report_.entries) {
    if (tree.size() % kEntriesPerStep == 0) {
      DML_RETURN_IF_ERROR(Step("journal", tree.size(), report_.entries));
    }
    const uint64_t index = tree.size();
    DML_RETURN_IF_ERROR(VerifyEntry(index, tree));
    if (tree.size() == index) return absl::OkStatus();  // Nothing after it can be placed.
    if (tree.size() == checkpoint.size && tree.Root() != checkpoint.root) {
      Wrong("journal", EntryName(index),
            fmt::format("the first {} entries have the root {}, and {} was signed: restore a "
                        "backup",
                        checkpoint.size, tree.Root().ToString(), checkpoint.root.ToString()));
    }
  }
  return Step("journal", report_.entries, report_.entries);
}

absl::Status Verifier::VerifyEntry(uint64_t index, TreeAppender& tree) {
  const JournalView journal(*state_);
  const absl::StatusOr<std::string> leaf = journal.Leaf(index);
  if (!leaf.ok()) {
    Wrong("journal", EntryName(index),
          fmt::format("cannot be read ({}): restore a backup", Message(leaf.status())));
    return absl::OkStatus();
  }
  const NodeReader nodes = journal.Nodes();
  tree.Append(LeafHash(AsBytes(*leaf)), [&](NodeId id, const Digest& hash) {
    const absl::StatusOr<Digest> stored = nodes(id);
    if (stored.ok() && *stored == hash) return;
    Wrong("journal", fmt::format("nodes/{}/{}", id.level, id.index),
          stored.ok() ? "the stored node is not that of the entries: proofs by it fail"
                      : std::string(Message(stored.status())));
  });
  const absl::StatusOr<StoredEntry> entry = journal.At(index);
  if (!entry.ok()) {
    Wrong("journal", EntryName(index), std::string(Message(entry.status())));
    return absl::OkStatus();
  }
  VerifyMetadata(index, entry->entry.payload);
  TakeKeys(index, entry->entry.payload);
  return absl::OkStatus();
}

void Verifier::VerifyMetadata(uint64_t index, const EntryPayload& payload) {
  for (const BlobRef& ref : MetadataBlobs(payload)) {
    ++report_.metadata_blobs;
    if (absl::Status status = ReadMetadata(*state_, ref).status(); !status.ok()) {
      Wrong("journal", EntryName(index), fmt::format("{}: restore a backup", Message(status)));
    }
  }
}

// What roots and delegations name, so that signatures of keys that are gone can be checked too.
void Verifier::TakeKeys(uint64_t index, const EntryPayload& payload) {
  if (const auto* registered = std::get_if<KeyRegistered>(&payload)) {
    absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(registered->spki));
    if (!key.ok()) return Wrong("roots", EntryName(index), std::string(Message(key.status())));
    const Digest id = key->id();
    const SignatureScheme scheme = key->algorithm() == KeyAlgorithm::kEd25519
                                       ? SignatureScheme::kEd25519
                                       : SignatureScheme::kEcdsaP256Der;
    keys_.insert_or_assign(id, TrustKey{*std::move(key), scheme, registered->owner, true});
    return;
  }
  const auto* root = std::get_if<RootSet>(&payload);
  const auto* delegation = std::get_if<DelegationSet>(&payload);
  if (root == nullptr && delegation == nullptr) return;
  const absl::StatusOr<std::string> bytes =
      ReadMetadata(*state_, root != nullptr ? root->envelope : delegation->envelope);
  if (!bytes.ok()) return;  // Told by VerifyMetadata.
  std::vector<TrustKey> keys;
  absl::Status status;
  if (root != nullptr) {
    const absl::StatusOr<TrustedRoot> opened = OpenPinnedRoot(*bytes);
    status = opened.status();
    if (opened.ok()) keys = opened->root.keys;
  } else {
    const absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(*bytes);
    status = envelope.status();
    if (envelope.ok()) {
      const absl::StatusOr<DelegationDocument> document =
          ParseDelegationDocument(envelope->payload);
      status = document.status();
      if (document.ok()) keys = document->keys;
    }
  }
  if (!status.ok()) Wrong("roots", EntryName(index), std::string(Message(status)));
  for (TrustKey& key : keys) {
    const Digest id = key.key.id();
    keys_.insert_or_assign(id, std::move(key));
  }
}

absl::Status Verifier::VerifyViews() {
  DML_ASSIGN_OR_RETURN(const ViewComparison compared,
                       library_.VerifyViews([this](uint64_t done, uint64_t all) {
                         return Step("views", done, all);
                       }));
  report_.rows = compared.rows;
  for (const std::string& key : compared.differing_keys) {
    Wrong("views", key,
          "this row is not what the journal says: stop the daemon and run dmld rebuild-views");
  }
  return absl::OkStatus();
}

absl::Status Verifier::VerifyVariants() {
  PageRequest page;
  do {
    DML_ASSIGN_OR_RETURN(const Page<VariantRecord> found, ListView(*state_).AllVariants("", page));
    for (const VariantRecord& variant : found.items) {
      ++report_.variants;
      const std::string subject = variant.name.ResourceName();
      DML_RETURN_IF_ERROR(
          LibraryView(*state_).ScanAttestations(variant.name, [&](const AttestationRecord& record) {
            VerifySigned(subject, record.ref.envelope, record.ref.key_ids, &record.statement);
            return true;
          }));
      const absl::StatusOr<std::string> bytes = ReadMetadata(*state_, variant.manifest);
      if (!bytes.ok()) continue;  // Told by VerifyMetadata.
      const absl::StatusOr<Manifest> manifest = ParseManifest(*bytes);
      if (!manifest.ok()) {
        Wrong("content", subject, std::string(Message(manifest.status())));
      } else if (!variant.payload_collected) {
        DML_RETURN_IF_ERROR(VerifyContent(variant, *manifest));
      }
    }
    DML_RETURN_IF_ERROR(Step("content", report_.variants, 0));
    page.after_key = found.next_key;
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

// Unless it was let go since the state was taken.
void Verifier::MissingContent(const VariantRecord& variant, const std::string& path,
                              const absl::Status& status) {
  const auto now = LibraryView(library_.engine()).FindVariant(variant.name);
  if (now.ok() && now->has_value() && (*now)->payload_collected) return;
  Wrong("content", variant.name.ResourceName(),
        fmt::format("{}: {}; upload the file again", path, Message(status)));
}

absl::Status Verifier::VerifyContent(const VariantRecord& variant, const Manifest& manifest) {
  for (const ManifestFile& file : manifest.files) {
    ++report_.files;
    absl::StatusOr<ChunkList> list = ChunkList::Open(library_.content(), file.blob.digest);
    if (!list.ok()) {
      MissingContent(variant, file.path, list.status());
      continue;
    }
    if (list->record().size != file.blob.size) {
      Wrong("content", variant.name.ResourceName(),
            fmt::format("{} has {} bytes, and the manifest says {}", file.path, list->record().size,
                        file.blob.size));
    }
    for (uint64_t i = 0; i < list->record().chunk_count; ++i) {
      if (i % kEntriesPerStep == 0) DML_RETURN_IF_ERROR(Step("content", report_.variants, 0));
      const absl::StatusOr<ChunkRef> chunk = list->At(i);
      ++report_.chunks;
      const absl::Status good = chunk.ok() ? VerifyChunk(*chunk) : chunk.status();
      if (good.ok()) continue;
      MissingContent(variant, file.path, good);
      break;  // The file must be uploaded again, whatever else of it is missing.
    }
  }
  return absl::OkStatus();
}

absl::Status Verifier::VerifyChunk(const ChunkRef& chunk) {
  ChunkStore& store = library_.content().chunks();
  if (options_.read_content) return store.LoadVerified(chunk).status();
  if (store.IsDamaged(chunk.digest)) {
    return DataLoss(ErrorReason("CHUNK_CORRUPT"), "chunk {} is known to be damaged",
                    chunk.digest.ToString());
  }
  DML_ASSIGN_OR_RETURN(const auto found, store.Find(store.engine(), chunk.digest));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("CHUNK_NOT_FOUND"), "chunk {} is not stored",
                  chunk.digest.ToString());
}

// That the keys which the journal says signed an envelope have; its statement, where that is known.
void Verifier::VerifySigned(const std::string& subject, const BlobRef& ref,
                            const std::vector<Digest>& key_ids, const Digest* statement) {
  ++report_.envelopes;
  auto wrong = [&](std::string_view message) {
    Wrong("signatures", subject, fmt::format("envelope {}: {}", ref.digest.ToString(), message));
  };
  const absl::StatusOr<std::string> bytes = ReadMetadata(*state_, ref);
  if (!bytes.ok()) return;  // Told by VerifyMetadata.
  const absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(*bytes);
  if (!envelope.ok()) return wrong(Message(envelope.status()));
  if (statement != nullptr && Sha256(envelope->payload) != *statement) {
    wrong("it is not the statement of its entry");
  }
  absl::StatusOr<SignatureSet> signatures =
      SignatureSet::Create({&*envelope, 1}, envelope->payload_type);
  if (!signatures.ok()) return wrong(Message(signatures.status()));
  for (const Digest& id : key_ids) {
    ++report_.signatures;
    const auto key = keys_.find(id);
    if (key == keys_.end()) {
      wrong(fmt::format("no root or delegation ever named the key {}", id.ToString()));
    } else if (!signatures->IsSignedBy(key->second)) {
      wrong(fmt::format("key {} has not signed it", id.ToString()));
    }
  }
}

absl::Status Verifier::VerifyReleases() {
  PageRequest page;
  do {
    DML_ASSIGN_OR_RETURN(const Page<ReleaseRecord> found, ListView(*state_).Releases(page));
    for (const ReleaseRecord& release : found.items) {
      ++report_.releases;
      DML_ASSIGN_OR_RETURN(const std::vector<ReleaseEnvelopeRecord> envelopes,
                           LibraryView(*state_).ReleaseEnvelopes(release.document.digest));
      for (const ReleaseEnvelopeRecord& record : envelopes) {
        VerifySigned(fmt::format("releases/{}/versions/{}", release.name, release.version),
                     record.envelope.envelope, record.envelope.key_ids, nullptr);
      }
    }
    DML_RETURN_IF_ERROR(Step("releases", report_.releases, 0));
    page.after_key = found.next_key;
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IntegrityReport> VerifyLibrary(Library& library, const IntegrityOptions& options) {
  return Verifier(library, options).Run();
}

}  // namespace dml
