#include "core/filter/variant_filter.h"

namespace dml {
namespace {

constexpr std::string_view kStates[] = {"PUBLISHED", "WITHDRAWN", "QUARANTINED", "REJECTED"};

// A field of a record: its place in the schema, and its value. `label` matters to labels alone.
template <typename Record>
struct RecordField {
  FilterField field;
  FilterValue (*value)(const Record& record, std::string_view label);
};

FilterValue VersionOf(VersionScheme scheme, const std::string& text) {
  absl::StatusOr<Version> version = Version::Parse(scheme, text);
  if (!version.ok()) return {};
  return *std::move(version);
}

FilterValue LabelOf(const Labels& labels, std::string_view key) {
  auto found = labels.find(std::string(key));
  if (found == labels.end()) return {};
  return found->second;
}

constexpr RecordField<VariantRecord> kVariantFields[] = {
    {{"namespace"},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.name.package.ns); }},
    {{"name"},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.name.package.name); }},
    {{"package"},
     [](const VariantRecord& r, std::string_view) {
       return FilterValue(r.name.package.ToString());
     }},
    {{"version", FilterType::kVersion},
     [](const VariantRecord& r, std::string_view) { return VersionOf(r.scheme, r.name.version); }},
    {{"platform"},
     [](const VariantRecord& r, std::string_view) {
       return FilterValue(r.name.platform.VariantId());
     }},
    {{"state", FilterType::kEnum, kStates},
     [](const VariantRecord& r, std::string_view) {
       return FilterValue(std::string(VariantStateName(r.state)));
     }},
    {{"license", FilterType::kExpression},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.declared_license); }},
    {{"title"}, [](const VariantRecord& r, std::string_view) { return FilterValue(r.title); }},
    {{"purl"}, [](const VariantRecord& r, std::string_view) { return FilterValue(r.purl); }},
    {{"publisher"},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.publisher); }},
    {{"labels", FilterType::kLabels},
     [](const VariantRecord& r, std::string_view label) { return LabelOf(r.labels, label); }},
    {{"published", FilterType::kTime},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.published_time); }},
    {{"files", FilterType::kUnsigned},
     [](const VariantRecord& r, std::string_view) { return FilterValue(uint64_t{r.file_count}); }},
    {{"size", FilterType::kUnsigned},
     [](const VariantRecord& r, std::string_view) { return FilterValue(r.payload_size); }},
};

constexpr RecordField<PackageRecord> kPackageFields[] = {
    {{"namespace"},
     [](const PackageRecord& r, std::string_view) { return FilterValue(r.name.ns); }},
    {{"name"}, [](const PackageRecord& r, std::string_view) { return FilterValue(r.name.name); }},
    {{"package"},
     [](const PackageRecord& r, std::string_view) { return FilterValue(r.name.ToString()); }},
    {{"title"}, [](const PackageRecord& r, std::string_view) { return FilterValue(r.title); }},
    {{"latest", FilterType::kVersion},
     [](const PackageRecord& r, std::string_view) { return VersionOf(r.scheme, r.latest); }},
    {{"versions", FilterType::kUnsigned},
     [](const PackageRecord& r, std::string_view) { return FilterValue(r.version_count); }},
};

template <typename Record>
FilterSchema SchemaOf(std::span<const RecordField<Record>> fields) {
  FilterSchema schema;
  for (const RecordField<Record>& field : fields) schema.push_back(field.field);
  return schema;
}

template <typename Record>
bool MatchesRecord(const Filter& filter, const Record& record,
                   std::span<const RecordField<Record>> fields) {
  return filter.Matches([&](std::string_view name, std::string_view label) -> FilterValue {
    for (const RecordField<Record>& field : fields) {
      if (field.field.name == name) return field.value(record, label);
    }
    return {};
  });
}

}  // namespace

const FilterSchema& VariantFilterSchema() {
  static const FilterSchema schema = SchemaOf<VariantRecord>(kVariantFields);
  return schema;
}

bool Matches(const Filter& filter, const VariantRecord& record) {
  return MatchesRecord<VariantRecord>(filter, record, kVariantFields);
}

const FilterSchema& PackageFilterSchema() {
  static const FilterSchema schema = SchemaOf<PackageRecord>(kPackageFields);
  return schema;
}

bool Matches(const Filter& filter, const PackageRecord& record) {
  return MatchesRecord<PackageRecord>(filter, record, kPackageFields);
}

}  // namespace dml
