#include <nlohmann/json.hpp>

#include "core/package/package_spec.h"

namespace dml {
namespace {

using nlohmann::ordered_json;

void AddText(ordered_json& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

void AddTarget(ordered_json& out, const RelationTarget& target) {
  if (target.kind != RelationKind::kPackage) out["kind"] = RelationKindName(target.kind);
  out["name"] = target.name;
  if (!target.range.IsAll()) out["range"] = target.range.ToVers();
}

void AddScopeAndSource(ordered_json& out, RelationScope scope, const std::string& source) {
  if (scope != RelationScope::kNode) out["scope"] = RelationScopeName(scope);
  AddText(out, "source", source);
}

ordered_json FormatProvision(const Provision& provision, VersionScheme own_scheme) {
  ordered_json out;
  if (provision.kind != RelationKind::kPackage) out["kind"] = RelationKindName(provision.kind);
  out["name"] = provision.name;
  if (provision.version.has_value()) {
    out["version"] = provision.version->text();
    if (provision.version->scheme() != own_scheme) {
      out["versionScheme"] = VersionSchemeName(provision.version->scheme());
    }
  }
  return out;
}

ordered_json FormatRequirement(const Requirement& requirement) {
  ordered_json out;
  for (const RelationTarget& target : requirement.any_of) {
    AddTarget(out["anyOf"].emplace_back(ordered_json::object()), target);
  }
  AddScopeAndSource(out, requirement.scope, requirement.source);
  return out;
}

void AddRelations(ordered_json& out, const char* key, const std::vector<Relation>& relations) {
  for (const Relation& relation : relations) {
    ordered_json& item = out[key].emplace_back(ordered_json::object());
    AddTarget(item, relation.target);
    AddScopeAndSource(item, relation.scope, relation.source);
  }
}

void AddCoexists(ordered_json& out, const std::vector<Coexistence>& coexists) {
  for (const Coexistence& item : coexists) {
    ordered_json& json = out["coexists"].emplace_back(ordered_json::object());
    json["service"] = item.service;
    json["unit"] = VersionUnitName(item.unit);
    if (item.older > 0) json["older"] = item.older;
    if (item.newer > 0) json["newer"] = item.newer;
    if (item.scope != RelationScope::kEnvironment) json["scope"] = RelationScopeName(item.scope);
    AddText(json, "source", item.source);
  }
}

ordered_json FormatUpgrade(const UpgradeRules& rules) {
  ordered_json out = ordered_json::object();
  if (!rules.from.IsAll()) out["from"] = rules.from.ToVers();
  if (rules.no_skip.has_value()) out["noSkip"] = VersionUnitName(*rules.no_skip);
  for (const UpgradeAfter& after : rules.after) {
    ordered_json& item = out["after"].emplace_back(ordered_json::object());
    AddTarget(item, after.target);
    AddText(item, "source", after.source);
  }
  if (!rules.rollback_to.IsAll()) out["rollbackTo"] = rules.rollback_to.ToVers();
  AddText(out, "pointOfNoReturn", rules.point_of_no_return);
  AddText(out, "source", rules.source);
  return out;
}

}  // namespace

std::string FormatPackageSpec(const PackageSpec& spec) {
  VersionScheme scheme = spec.version.scheme();
  ordered_json out = {{"schema", kPackageSpecSchema},
                      {"package", spec.package.ToString()},
                      {"version", spec.version.text()},
                      {"versionScheme", VersionSchemeName(scheme)}};
  if (spec.is_reference) out["kind"] = "REFERENCE";
  if (spec.platform != Platform{}) {
    out["platform"] = {{"os", spec.platform.os}, {"arch", spec.platform.arch}};
    AddText(out["platform"], "variant", spec.platform.variant);
  }
  AddText(out, "title", spec.title);
  AddText(out, "description", spec.description);
  AddText(out, "homepage", spec.homepage);
  AddText(out, "purl", spec.purl);
  out["license"]["declared"] = spec.declared_license;
  if (!spec.unmapped_licenses.empty()) out["license"]["unmapped"] = spec.unmapped_licenses;
  if (!spec.labels.empty()) out["labels"] = spec.labels;
  for (const Provision& provision : spec.provides) {
    out["provides"].push_back(FormatProvision(provision, scheme));
  }
  for (const Requirement& requirement : spec.requires_all) {
    out["requires"].push_back(FormatRequirement(requirement));
  }
  AddRelations(out, "conflicts", spec.conflicts);
  AddRelations(out, "breaks", spec.breaks);
  AddRelations(out, "replaces", spec.replaces);
  AddCoexists(out, spec.coexists);
  if (spec.upgrade.has_value()) out["upgrade"] = FormatUpgrade(*spec.upgrade);
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace dml
