// How references become rows.
#include "core/package/references.h"
#include "storage/views/application.h"
#include "storage/views/index_rows.h"

namespace dml {

absl::Status Application::operator()(const ReferencesPublished& p) {
  DML_ASSIGN_OR_RETURN(const std::string statement, EnvelopePayload(p.envelope));
  const Digest signed_bytes = Sha256(statement);
  for (const PublishedReference& reference : p.references) {
    DML_ASSIGN_OR_RETURN(const PackageSpec spec, ReadSpec(reference.spec));
    VariantRecord record;
    record.name = reference.variant;
    record.scheme = p.scheme;
    record.manifest = reference.manifest();
    record.spec = reference.spec;
    record.title = spec.title;
    record.declared_license = spec.declared_license;
    record.purl = spec.purl;
    record.labels = spec.labels;
    record.publisher = entry_.author;
    record.published_index = entry_.index;
    record.published_time = entry_.time;
    record.admission_index = entry_.index;
    record.attestation_count = 1;
    DML_ASSIGN_OR_RETURN(auto package, state_.FindPackage(record.name.package));
    if (!package.has_value()) {
      package.emplace();
      package->name = record.name.package;
      package->scheme = p.scheme;
      package->created_index = entry_.index;
    }
    DML_ASSIGN_OR_RETURN(const auto sibling,
                         state_.FindEqualVersion(record.name.package, spec.version));
    if (!sibling.has_value()) ++package->version_count;
    Put(view_keys::Attestation(record.name, p.envelope.digest),
        wire::Encode(AttestationRecord{
            {p.envelope, std::string(kReferencesPredicate), record.manifest.digest, p.key_ids},
            entry_.index,
            entry_.time,
            entry_.author,
            signed_bytes}));
    Put(view_keys::Variant(record.name.package, spec.version, record.name.platform),
        wire::Encode(record));
    DML_ASSIGN_OR_RETURN(const std::vector<IndexRow> rows, IndexRows(record.name, spec));
    for (const IndexRow& row : rows) Put(row.key, row.value);
    DML_RETURN_IF_ERROR(RefreshPackage(*std::move(package)));
  }
  // One signature, of the batch; the first of it stands for all.
  for (const Digest& key : p.key_ids) {
    Put(view_keys::Signature(key, entry_.index, p.envelope.digest),
        p.references.front().variant.ResourceName());
  }
  return absl::OkStatus();
}

}  // namespace dml
