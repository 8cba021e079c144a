#include "storage/views/projector.h"

#include "storage/views/application.h"
#include "storage/views/index_rows.h"

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

}  // namespace

// Highest version that is there for deployment, and its title.
absl::Status Application::RefreshPackage(PackageRecord record) {
  record.latest.clear();
  record.title.clear();
  record.updated_index = entry_.index;
  DML_RETURN_IF_ERROR(state_.ScanVariants(record.name, [&](const VariantRecord& variant) {
    if (variant.state != VariantState::kPublished) return true;
    record.latest = variant.name.version;
    record.title = variant.title;
    return false;
  }));
  Put(view_keys::Package(record.name), wire::Encode(record));
  Stamp(PackageStamp(record.name));
  return absl::OkStatus();
}

absl::Status Application::PutAttestation(const AttestationRef& ref, VariantRecord& variant) {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(metadata_, ref.envelope));
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(bytes));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindAttestation(variant.name, ref.envelope.digest));
  if (!found.has_value()) ++variant.attestation_count;
  AttestationRecord record{ref, entry_.index, entry_.time, entry_.author, Sha256(envelope.payload)};
  Put(view_keys::Attestation(variant.name, ref.envelope.digest), wire::Encode(record));
  for (const Digest& key : ref.key_ids) {
    Put(view_keys::Signature(key, entry_.index, ref.envelope.digest), variant.name.ResourceName());
  }
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
  record.admission_index = entry_.index;
  record.admission_reason = p.quarantine_reason;
  if (p.admission == AdmissionState::kQuarantined) record.state = VariantState::kQuarantined;
  if (p.scan.has_value()) SetScan(*p.scan, record);

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
  DML_RETURN_IF_ERROR(SetIndexRows(record, record.state == VariantState::kPublished));
  return RefreshPackage(*std::move(package));
}

absl::Status Application::operator()(const VersionWithdrawn& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  record.state = VariantState::kWithdrawn;
  record.withdraw_reason = p.reason;
  record.withdrawn_index = entry_.index;
  record.withdrawn_time = entry_.time;
  return PutChanged(std::move(record));
}

absl::Status Application::SetIndexRows(const VariantRecord& record, bool there) {
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ReadSpec(record.spec));
  DML_ASSIGN_OR_RETURN(std::vector<IndexRow> rows, IndexRows(record.name, spec));
  for (const IndexRow& row : rows) {
    if (there) {
      Put(row.key, row.value);
    } else if (!row.stays) {
      views_.Delete(Table::kViews, row.key);
    }
  }
  return absl::OkStatus();
}

absl::Status Application::PutChanged(VariantRecord record) {
  DML_RETURN_IF_ERROR(PutVariant(record));
  DML_RETURN_IF_ERROR(SetIndexRows(record, record.state == VariantState::kPublished));
  DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(record.name.package));
  if (!package.has_value()) return Broken("a package that is not there");
  return RefreshPackage(*std::move(package));
}

void Application::SetScan(const ScanReport& scan, VariantRecord& record) const {
  record.scan = scan;
  record.scan_index = entry_.index;
  record.scan_time = entry_.time;
}

absl::Status Application::operator()(const AdmissionDecided& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  record.admission_index = entry_.index;
  record.admission_reason = p.reason;
  if (p.scan.has_value()) SetScan(*p.scan, record);
  switch (p.admission) {
    case AdmissionState::kAccepted:
      record.state = VariantState::kPublished;
      break;
    case AdmissionState::kQuarantined:
      record.state = VariantState::kQuarantined;
      break;
    case AdmissionState::kRejected:
      record.state = VariantState::kRejected;
      record.withdraw_reason = p.reason;
      record.withdrawn_index = entry_.index;
      record.withdrawn_time = entry_.time;
      break;
  }
  return PutChanged(std::move(record));
}

absl::Status Application::operator()(const VariantScanned& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  SetScan(p.scan, record);
  return PutVariant(record);
}

absl::Status Application::operator()(const HoldPlaced& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  ++record.hold_count;
  DML_RETURN_IF_ERROR(PutVariant(record));
  Put(view_keys::Hold(p.variant, p.name),
      wire::Encode(HoldRecord{p, entry_.index, entry_.time, entry_.author}));
  return absl::OkStatus();
}

absl::Status Application::operator()(const HoldReleased& p) {
  DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
  --record.hold_count;
  DML_RETURN_IF_ERROR(PutVariant(record));
  views_.Delete(Table::kViews, view_keys::Hold(p.variant, p.name));
  return absl::OkStatus();
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
