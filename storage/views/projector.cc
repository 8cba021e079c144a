#include "storage/views/projector.h"

#include "core/crypto/sha256.h"
#include "core/package/package_spec.h"
#include "core/rules/command.h"
#include "core/trust/dsse.h"
#include "core/wire/entry.h"
#include "storage/views/index_rows.h"
#include "storage/views/library_view.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

constexpr std::string_view kCursorKey = "views.cursor";
constexpr std::string_view kVersionKey = "views.version";
// Rows that one entry may expire: bounds the work of an entry after a long silence.
constexpr int kMaxExpiredPerEntry = 64;

absl::StatusOr<uint64_t> ReadU64(const Reader& reader, std::string_view key) {
  DML_ASSIGN_OR_RETURN(auto value, reader.Get(Table::kMeta, key));
  if (!value.has_value()) return 0;
  return KeyReader(*value).U64();
}

class Application {
 public:
  Application(const Entry& entry, const Reader& metadata, Batch& views)
      : entry_(entry), metadata_(metadata), views_(views), state_(views) {}

  absl::Status operator()(const LibraryCreated&) { return absl::OkStatus(); }

  absl::Status operator()(const NamespaceCreated& p) {
    NamespaceRecord record{p.name, p.description, p.labels, entry_.index, entry_.time};
    Put(view_keys::Namespace(p.name), wire::Encode(record));
    return absl::OkStatus();
  }

  absl::Status operator()(const KeyRegistered& p) {
    KeyRecord record;
    record.spki = p.spki;
    record.owner = p.owner;
    record.roles = p.roles;
    record.namespaces = p.namespaces;
    record.registered_index = entry_.index;
    record.registered_time = entry_.time;
    Put(view_keys::Key(Sha256(p.spki)), wire::Encode(record));
    Stamp(kKeysStamp);
    return absl::OkStatus();
  }

  absl::Status operator()(const KeyRevoked& p) {
    DML_ASSIGN_OR_RETURN(auto record, state_.FindKey(p.key_id));
    if (!record.has_value()) return Broken("a key that is not registered");
    record->revoked = true;
    record->revoked_index = entry_.index;
    record->revoke_reason = p.reason;
    Put(view_keys::Key(p.key_id), wire::Encode(*record));
    Stamp(kKeysStamp);
    return absl::OkStatus();
  }

  absl::Status operator()(const VersionPublished& p);
  absl::Status operator()(const VersionWithdrawn& p);
  absl::Status operator()(const PayloadCollected& p);

  absl::Status operator()(const AttestationAttached& p) {
    DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
    DML_RETURN_IF_ERROR(PutAttestation(p.attestation, record));
    DML_RETURN_IF_ERROR(PutVariant(record));
    Stamp(PackageStamp(p.variant.package));
    return absl::OkStatus();
  }

  absl::Status operator()(const EnvironmentCreated& p) {
    EnvironmentRecord record{p.name, p.description, p.labels, entry_.index, entry_.time};
    Put(view_keys::Environment(p.name), wire::Encode(record));
    Stamp(EnvironmentStamp(p.name));
    return absl::OkStatus();
  }

  absl::Status operator()(const NodeCreated& p) {
    NodeRecord record{p.environment, p.name, p.labels, entry_.index, entry_.time};
    Put(view_keys::Node(p.environment, p.name), wire::Encode(record));
    Stamp(EnvironmentStamp(p.environment));
    return absl::OkStatus();
  }

  absl::Status operator()(const PolicySet& p) {
    DML_ASSIGN_OR_RETURN(auto before, state_.FindPolicy(p.environment));
    uint64_t revision = before.has_value() ? before->revision + 1 : 1;
    PolicyRecord record{p.environment, revision,    p.document,
                        entry_.index,  entry_.time, entry_.author};
    std::string bytes = wire::Encode(record);
    Put(view_keys::Policy(p.environment), bytes);
    Put(view_keys::PolicyRevision(p.environment, revision), bytes);
    Stamp(EnvironmentStamp(p.environment));
    return absl::OkStatus();
  }

  absl::Status operator()(const NamespaceRetentionSet& p) {
    RetentionRecord record{p.name, p.policy, entry_.index, entry_.time, entry_.author};
    Put(view_keys::Retention(p.name), wire::Encode(record));
    return absl::OkStatus();
  }

  absl::Status RememberRequest();

 private:
  void Put(std::string_view key, std::string_view value) { views_.Put(Table::kViews, key, value); }
  void Stamp(std::string_view name) {
    Put(view_keys::Stamp(name), KeyBuilder().U64(entry_.index).Build());
  }
  absl::Status Broken(std::string_view what) const {
    return DataLoss(ErrorReason("JOURNAL_INCONSISTENT"), "entry {} names {}", entry_.index, what);
  }
  // Counts it in `variant`, unless an equal envelope is there; the caller puts that.
  absl::Status PutAttestation(const AttestationRef& ref, VariantRecord& variant) {
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(metadata_, ref.envelope));
    DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
    DML_ASSIGN_OR_RETURN(auto found, state_.FindAttestation(variant.name, ref.envelope.digest));
    if (!found.has_value()) ++variant.attestation_count;
    AttestationRecord record{ref, entry_.index, entry_.time, entry_.author,
                             Sha256(envelope.payload)};
    Put(view_keys::Attestation(variant.name, ref.envelope.digest), wire::Encode(record));
    return absl::OkStatus();
  }
  absl::Status PutVariant(const VariantRecord& record) {
    DML_ASSIGN_OR_RETURN(Version version, Version::Parse(record.scheme, record.name.version));
    Put(view_keys::Variant(record.name.package, version, record.name.platform),
        wire::Encode(record));
    return absl::OkStatus();
  }
  absl::StatusOr<PackageSpec> ReadSpec(const BlobRef& ref) const {
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(metadata_, ref));
    return ParsePackageSpec(bytes);
  }
  absl::StatusOr<VariantRecord> ExistingVariant(const VariantName& name) const {
    DML_ASSIGN_OR_RETURN(auto found, state_.FindVariant(name));
    if (!found.has_value()) return Broken("a variant that is not published");
    return *std::move(found);
  }
  absl::Status RefreshPackage(PackageRecord record);

  const Entry& entry_;
  const Reader& metadata_;
  Batch& views_;
  LibraryView state_;
};

// Highest version that is not withdrawn, and its title.
absl::Status Application::RefreshPackage(PackageRecord record) {
  record.latest.clear();
  record.title.clear();
  record.updated_index = entry_.index;
  DML_RETURN_IF_ERROR(state_.ScanVariants(record.name, [&](const VariantRecord& variant) {
    if (variant.state == VariantState::kWithdrawn) return true;
    record.latest = variant.name.version;
    record.title = variant.title;
    return false;
  }));
  Put(view_keys::Package(record.name), wire::Encode(record));
  Stamp(PackageStamp(record.name));
  return absl::OkStatus();
}

absl::Status Application::operator()(const VersionPublished& p) {
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ReadSpec(p.spec));
  VariantRecord record;
  record.name = p.variant;
  record.scheme = p.scheme;
  record.manifest = p.manifest;
  record.spec = p.spec;
  record.payload_size = p.payload_size;
  record.file_count = p.file_count;
  record.title = spec.title;
  record.declared_license = spec.declared_license;
  record.purl = spec.purl;
  record.labels = spec.labels;
  record.publisher = entry_.author;
  record.published_index = entry_.index;
  record.published_time = entry_.time;

  DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(p.variant.package));
  if (!package.has_value()) {
    package.emplace();
    package->name = p.variant.package;
    package->scheme = p.scheme;
    package->created_index = entry_.index;
  }
  DML_ASSIGN_OR_RETURN(auto sibling, state_.FindEqualVersion(p.variant.package, spec.version));
  if (!sibling.has_value()) ++package->version_count;
  for (const AttestationRef& ref : p.attestations) {
    DML_RETURN_IF_ERROR(PutAttestation(ref, record));
  }
  DML_RETURN_IF_ERROR(PutVariant(record));
  DML_ASSIGN_OR_RETURN(std::vector<IndexRow> rows, IndexRows(p.variant, spec));
  for (const IndexRow& row : rows) Put(row.key, row.value);
  return RefreshPackage(*std::move(package));
}

absl::Status Application::operator()(const VersionWithdrawn& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  record.state = VariantState::kWithdrawn;
  record.withdraw_reason = p.reason;
  record.withdrawn_index = entry_.index;
  record.withdrawn_time = entry_.time;
  DML_RETURN_IF_ERROR(PutVariant(record));
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ReadSpec(record.spec));
  DML_ASSIGN_OR_RETURN(std::vector<IndexRow> rows, IndexRows(p.variant, spec));
  for (const IndexRow& row : rows) views_.Delete(Table::kViews, row.key);
  DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(p.variant.package));
  if (!package.has_value()) return Broken("a package that is not there");
  return RefreshPackage(*std::move(package));
}

absl::Status Application::operator()(const PayloadCollected& p) {
  for (const VariantName& name : p.variants) {
    DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(name));
    record.payload_collected = true;
    DML_RETURN_IF_ERROR(PutVariant(record));
    Stamp(PackageStamp(name.package));
  }
  return absl::OkStatus();
}

absl::Status Application::RememberRequest() {
  uint64_t now = static_cast<uint64_t>(ToMicros(entry_.time));
  uint64_t memory = std::chrono::microseconds(kRequestMemory).count();
  if (now > memory) {
    std::string from = view_keys::Start(view_keys::Row::kRequestByTime).Build();
    std::string to = view_keys::Start(view_keys::Row::kRequestByTime).U64(now - memory).Build();
    std::vector<std::string> expired;
    auto cursor = views_.NewCursor(Table::kViews, KeyRange{from, to});
    int left = kMaxExpiredPerEntry;
    for (cursor->SeekToFirst(); cursor->Valid() && left > 0; cursor->Next(), --left) {
      expired.emplace_back(cursor->key());
    }
    DML_RETURN_IF_ERROR(cursor->status());
    for (const std::string& key : expired) {
      KeyReader parts(key);
      DML_RETURN_IF_ERROR(parts.U8().status());
      DML_RETURN_IF_ERROR(parts.U64().status());
      DML_ASSIGN_OR_RETURN(std::string author, parts.String());
      DML_ASSIGN_OR_RETURN(std::string request_id, parts.String());
      views_.Delete(Table::kViews, key);
      views_.Delete(Table::kViews, view_keys::Request(author, request_id));
    }
  }
  if (entry_.request_id.empty()) return absl::OkStatus();
  RequestRecord record{entry_.index, entry_.time, wire::PayloadDigest(entry_.payload)};
  Put(view_keys::Request(entry_.author, entry_.request_id), wire::Encode(record));
  Put(view_keys::RequestByTime(now, entry_.author, entry_.request_id), "");
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyEntry(const Entry& entry, const Reader& metadata, Batch& views) {
  Application application(entry, metadata, views);
  DML_RETURN_IF_ERROR(
      Annotate(std::visit(application, entry.payload), fmt::format("entry {}", entry.index)));
  DML_RETURN_IF_ERROR(application.RememberRequest());
  SetViewCursor(entry.index + 1, views);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadMetadata(const Reader& reader, const Digest& digest) {
  DML_ASSIGN_OR_RETURN(auto bytes, reader.Get(Table::kMetadata, digest.raw()));
  if (!bytes.has_value()) {
    return NotFound(ErrorReason("METADATA_NOT_FOUND"), "no metadata blob {}", digest.ToString());
  }
  if (Sha256(*bytes) != digest) {
    return DataLoss(ErrorReason("METADATA_CORRUPT"), "metadata blob {} does not match its digest",
                    digest.ToString());
  }
  return *std::move(bytes);
}

absl::StatusOr<std::string> ReadMetadata(const Reader& reader, const BlobRef& ref) {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(reader, ref.digest));
  if (bytes.size() != ref.size) {
    return DataLoss(ErrorReason("METADATA_CORRUPT"), "metadata blob {} has {} bytes, not {}",
                    ref.digest.ToString(), bytes.size(), ref.size);
  }
  return bytes;
}

absl::StatusOr<uint64_t> ViewCursor(const Reader& reader) {
  DML_ASSIGN_OR_RETURN(uint64_t version, ReadU64(reader, kVersionKey));
  if (version != view_keys::kViewVersion) return 0;
  return ReadU64(reader, kCursorKey);
}

void SetViewCursor(uint64_t cursor, Batch& batch) {
  batch.Put(Table::kMeta, kVersionKey, KeyBuilder().U64(view_keys::kViewVersion).Build());
  batch.Put(Table::kMeta, kCursorKey, KeyBuilder().U64(cursor).Build());
}

}  // namespace dml
