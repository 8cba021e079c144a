#include "storage/views/index_rows.h"

#include <set>

#include "core/wire/entry.h"
#include "storage/views/license_keys.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

using view_keys::Row;

// The license ids, exceptions and LicenseRefs in an expression's canonical text; "X+" counts as X
// too.
std::set<std::string> LicenseWords(std::string_view expression) {
  std::set<std::string> words;
  std::string word;
  auto finish = [&] {
    if (!word.empty() && word != "AND" && word != "OR" && word != "WITH") {
      words.insert(word);
      if (word.back() == '+') words.insert(word.substr(0, word.size() - 1));
    }
    word.clear();
  };
  for (char c : expression) {
    if (c == ' ' || c == '(' || c == ')') {
      finish();
    } else {
      word.push_back(c);
    }
  }
  finish();
  return words;
}

class RowMaker {
 public:
  RowMaker(const VariantName& name, std::vector<IndexRow>& rows) : name_(name), rows_(rows) {}

  void AddRelation(Row row, const RelationTarget& target, RelationRecord record) {
    record.range = row == Row::kProvides ? record.range : target.range.ToVers();
    rows_.push_back({view_keys::Relation(row, target.kind, target.name, name_, ordinal_++),
                     wire::Encode(record)});
  }

  void AddRelations(std::string_view relation, const std::vector<Relation>& list) {
    for (const Relation& item : list) {
      AddRelation(
          Row::kRelation, item.target,
          {std::string(relation), "", std::string(RelationScopeName(item.scope)), item.source});
    }
  }

 private:
  const VariantName& name_;
  std::vector<IndexRow>& rows_;
  uint64_t ordinal_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<IndexRow>> IndexRows(const VariantName& name, const PackageSpec& spec) {
  std::vector<IndexRow> rows;
  for (const std::string& word : LicenseWords(spec.declared_license)) {
    rows.push_back({view_keys::License(word, name), spec.declared_license});
  }
  RowMaker maker(name, rows);
  for (const Requirement& requirement : spec.requires_all) {
    for (const RelationTarget& target : requirement.any_of) {
      maker.AddRelation(
          Row::kRelation, target,
          {"requires", "", std::string(RelationScopeName(requirement.scope)), requirement.source});
    }
  }
  maker.AddRelations("conflicts", spec.conflicts);
  maker.AddRelations("breaks", spec.breaks);
  maker.AddRelations("replaces", spec.replaces);
  for (const Provision& provision : spec.provides) {
    RelationTarget target{provision.kind, provision.name, VersionRange::All()};
    maker.AddRelation(Row::kProvides, target,
                      {"provides", provision.version ? provision.version->text() : "", "", ""});
  }
  return rows;
}

}  // namespace dml
