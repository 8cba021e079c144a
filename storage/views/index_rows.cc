#include "storage/views/index_rows.h"

#include "core/wire/entry.h"
#include "storage/views/license_index.h"
#include "storage/views/license_keys.h"
#include "storage/views/relation_keys.h"

namespace dml {
namespace {

using view_keys::LicenseFacet;
using view_keys::Row;

// By names, licenses and parts of the declared license.
absl::Status AddLicenseRows(const VariantName& name, const std::string& license,
                            std::vector<IndexRow>& rows) {
  // As specs are read, so that the rows depend on nothing else.
  DML_ASSIGN_OR_RETURN(const LicenseExpression expression,
                       LicenseExpression::ParseOpen(license, BundledLicenseList()));
  const std::string value = license.size() <= kMaxIndexedLicenseBytes ? license : "";
  const LicenseTerms terms = TermsOf(expression);
  auto add = [&](LicenseFacet facet, const auto& groups) {
    for (const auto& group : groups) {
      rows.push_back({view_keys::License(facet, group, name), value});
    }
  };
  add(LicenseFacet::kName, terms.names);
  add(LicenseFacet::kLicense, terms.licenses);
  add(LicenseFacet::kPart, terms.parts);
  for (const std::string& each : terms.names) {
    rows.push_back({view_keys::EveryLicenseName(each), "", /*stays=*/true});
  }
  return absl::OkStatus();
}

class RowMaker {
 public:
  RowMaker(const VariantName& name, std::vector<IndexRow>& rows) : name_(name), rows_(rows) {}

  void AddRelation(std::string_view relation, const RelationTarget& target, RelationScope scope,
                   const std::string& source) {
    Add(view_keys::RelationRangePrefix(target.kind, target.name, target.range),
        {std::string(relation), target.range.ToVers(), std::string(RelationScopeName(scope)),
         source});
  }

  void AddRelations(std::string_view relation, const std::vector<Relation>& list) {
    for (const Relation& item : list) AddRelation(relation, item.target, item.scope, item.source);
  }

  void AddProvision(const Provision& item) {
    Add(view_keys::ProvisionPrefix(item.kind, item.name, item.version),
        {"provides", item.version.has_value() ? item.version->text() : "", "", ""});
  }

 private:
  void Add(const KeyBuilder& prefix, const RelationRecord& record) {
    rows_.push_back({view_keys::Declared(prefix, name_, ordinal_++), wire::Encode(record)});
  }

  const VariantName& name_;
  std::vector<IndexRow>& rows_;
  uint64_t ordinal_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<IndexRow>> IndexRows(const VariantName& name, const PackageSpec& spec) {
  std::vector<IndexRow> rows;
  DML_RETURN_IF_ERROR(AddLicenseRows(name, spec.declared_license, rows));
  RowMaker maker(name, rows);
  for (const Requirement& requirement : spec.requires_all) {
    for (const RelationTarget& target : requirement.any_of) {
      maker.AddRelation("requires", target, requirement.scope, requirement.source);
    }
  }
  maker.AddRelations("conflicts", spec.conflicts);
  maker.AddRelations("breaks", spec.breaks);
  maker.AddRelations("replaces", spec.replaces);
  for (const Provision& provision : spec.provides) maker.AddProvision(provision);
  return rows;
}

}  // namespace dml
