// An advisory as a document.
#include "core/base/strict_json.h"
#include "core/compat/advisory.h"

namespace dml {
namespace {

using nlohmann::ordered_json;

ordered_json AffectedJson(const AffectedPackage& item) {
  ordered_json out = {{"package", item.package.ToString()}};
  if (!item.range.IsAll()) out["range"] = item.range.ToVers();
  return out;
}

ordered_json NameJson(RelationKind kind, const std::string& name) {
  ordered_json out = ordered_json::object();
  if (kind != RelationKind::kPackage) out["kind"] = RelationKindName(kind);
  out["name"] = name;
  return out;
}

ordered_json RequirementJson(const Requirement& requirement) {
  ordered_json out = {{"anyOf", ordered_json::array()}};
  for (const RelationTarget& target : requirement.any_of) {
    ordered_json item = NameJson(target.kind, target.name);
    if (!target.range.IsAll()) item["range"] = target.range.ToVers();
    out["anyOf"].push_back(std::move(item));
  }
  if (requirement.scope != RelationScope::kNode) {
    out["scope"] = RelationScopeName(requirement.scope);
  }
  return out;
}

ordered_json RelaxationJson(const Relaxation& item) {
  if (item.kind == Relaxation::Kind::kAdvisory) return {{"advisory", item.advisory}};
  ordered_json out = {{"relation", item.kind == Relaxation::Kind::kRequires    ? "REQUIRES"
                                   : item.kind == Relaxation::Kind::kConflicts ? "CONFLICTS"
                                                                               : "BREAKS"}};
  out.update(NameJson(item.name_kind, item.name));
  return out;
}

void AddEffect(const Advisory& advisory, ordered_json& out) {
  for (const Requirement& requirement : advisory.requires_all) {
    out["requires"].push_back(RequirementJson(requirement));
  }
  for (const Relaxation& item : advisory.relaxes) out["relaxes"].push_back(RelaxationJson(item));
  if (advisory.superseded_by.has_value()) {
    out["supersededBy"] = AffectedJson(*advisory.superseded_by);
  }
}

}  // namespace

std::string FormatAdvisory(const Advisory& advisory) {
  ordered_json out = {{"schema", kAdvisorySchema},
                      {"id", advisory.id},
                      {"revision", advisory.revision},
                      {"authority", advisory.authority},
                      {"effect", AdvisoryEffectName(advisory.effect)},
                      {"affects", ordered_json::array()}};
  for (const AffectedPackage& item : advisory.affects) out["affects"].push_back(AffectedJson(item));
  if (advisory.published.has_value()) out["published"] = FormatTime(*advisory.published);
  if (advisory.valid_from.has_value()) out["validFrom"] = FormatTime(*advisory.valid_from);
  if (advisory.valid_until.has_value()) out["validUntil"] = FormatTime(*advisory.valid_until);
  if (advisory.severity != AdvisorySeverity::kUnknown) {
    out["severity"] = AdvisorySeverityName(advisory.severity);
  }
  if (!advisory.aliases.empty()) out["aliases"] = advisory.aliases;
  out["text"] = advisory.text;
  if (!advisory.references.empty()) out["references"] = advisory.references;
  AddEffect(advisory, out);
  if (!advisory.withdrawn.empty()) out["withdrawn"] = advisory.withdrawn;
  return out.dump(2) + "\n";
}

}  // namespace dml
