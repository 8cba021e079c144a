#include "core/compat/explain.h"

#include <algorithm>
#include <compare>

namespace dml {
namespace {

std::string_view ScopeInWords(RelationScope scope) {
  switch (scope) {
    case RelationScope::kNode:
      return "on the same node";
    case RelationScope::kEnvironment:
      return "in the same environment";
    case RelationScope::kEveryPeer:
      return "at every peer";
  }
  return "";
}

std::string AlternativesInWords(const Requirement& requirement) {
  std::string out;
  for (const RelationTarget& target : requirement.any_of) {
    if (!out.empty()) out += " or ";
    out += TargetInWords(target);
  }
  return out;
}

std::string_view OfferedText(const FoundProvider& provider) {
  return provider.version ? std::string_view(provider.version->text()) : "";
}

std::strong_ordering Order(const FoundProvider& a, const FoundProvider& b) {
  if (a.spec == b.spec) return OfferedText(a) <=> OfferedText(b);
  if (auto order = a.spec->package <=> b.spec->package; order != 0) return order;
  if (auto order = a.spec->version.text() <=> b.spec->version.text(); order != 0) return order;
  if (auto order = a.spec->platform <=> b.spec->platform; order != 0) return order;
  return OfferedText(a) <=> OfferedText(b);
}

/// Lists the first kMaxCandidates in order, and counts the rest.
void SetFound(std::vector<FoundProvider> found, Violation& violation) {
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return Order(a, b) < 0; });
  auto same = [](const auto& a, const auto& b) { return Order(a, b) == 0; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  violation.found_count = found.size();
  if (found.size() > kMaxCandidates) found.resize(kMaxCandidates);
  for (const FoundProvider& provider : found) {
    violation.found.push_back(
        {VariantResourceName(*provider.spec), std::string(OfferedText(provider))});
  }
}

/// The packages found, each once: "packages/a/b/versions/1/variants/any, ... and 3 more".
std::string FoundInWords(const Violation& violation) {
  std::string out;
  std::string_view last;
  for (const Candidate& candidate : violation.found) {
    if (candidate.package == last) continue;
    if (!out.empty()) out += ", ";
    out += candidate.package;
    last = candidate.package;
  }
  if (violation.found_count > violation.found.size()) {
    out += fmt::format(" and {} more", violation.found_count - violation.found.size());
  }
  return out;
}

std::string RequirementRemedy(const PackageSpec& spec, const Requirement& requirement,
                              const Violation& violation) {
  std::string wanted = AlternativesInWords(requirement);
  switch (violation.kind) {
    case ViolationKind::kWrongVersion:
      return fmt::format("replace {} with {}", FoundInWords(violation), wanted);
    case ViolationKind::kPlatformMismatch:
      return fmt::format("add {} for platform {}", wanted, spec.platform.VariantId());
    case ViolationKind::kNotProven:
      return fmt::format("provide {} with a version of the scheme that the range is written in",
                         wanted);
    default:
      return fmt::format("add {} to the set", wanted);
  }
}

}  // namespace

std::string VariantResourceName(const PackageSpec& spec) {
  return VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName();
}

std::string TargetInWords(const RelationTarget& target) {
  std::string out = fmt::format("{} {}", RelationKindName(target.kind), target.name);
  if (!target.range.IsAll()) out += " " + target.range.ToWords();
  return out;
}

Violation ExplainRequirement(const PackageSpec& spec, size_t index, ViolationKind kind,
                             std::vector<FoundProvider> found) {
  const Requirement& requirement = spec.requires_all[index];
  Violation out;
  out.package = VariantResourceName(spec);
  out.list = RelationList::kRequires;
  out.index = index;
  out.kind = kind;
  out.scope = requirement.scope;
  out.source = requirement.source;
  if (requirement.any_of.empty()) {  // See core/compat/amend.h.
    out.kind = ViolationKind::kDenied;
    out.requirement = "may not be used";
    out.remedy = "take a version that the advisory does not affect";
    return out;
  }
  out.requirement = fmt::format("requires {} {}", AlternativesInWords(requirement),
                                ScopeInWords(requirement.scope));
  SetFound(std::move(found), out);
  out.remedy = RequirementRemedy(spec, requirement, out);
  return out;
}

Violation ExplainExclusion(const PackageSpec& spec, RelationList list, size_t index,
                           ViolationKind kind, std::vector<FoundProvider> found) {
  bool breaks = list == RelationList::kBreaks;
  const Relation& relation = breaks ? spec.breaks[index] : spec.conflicts[index];
  Violation out;
  out.package = VariantResourceName(spec);
  out.list = list;
  out.index = index;
  out.kind = kind;
  out.scope = relation.scope;
  out.source = relation.source;
  out.requirement = fmt::format("{} {} {}", breaks ? "breaks" : "conflicts with",
                                TargetInWords(relation.target), ScopeInWords(relation.scope));
  SetFound(std::move(found), out);
  out.remedy = fmt::format("remove {}, or remove {}", FoundInWords(out), out.package);
  if (kind == ViolationKind::kNotProven) {
    out.remedy += ", or give the range in the scheme of the versions found";
  }
  return out;
}

Violation ExplainTwoVersions(const PackageName& package, std::vector<FoundProvider> found) {
  Violation out;
  out.package = package.ResourceName();
  out.kind = ViolationKind::kTwoVersions;
  out.requirement =
      fmt::format("one version of {} {}", package.ToString(), ScopeInWords(RelationScope::kNode));
  SetFound(std::move(found), out);
  out.remedy = fmt::format("keep one version of {}: {}", package.ToString(), FoundInWords(out));
  return out;
}

Violation ExplainSkew(const PackageSpec& spec, size_t index, ViolationKind kind,
                      std::vector<FoundProvider> found) {
  const Coexistence& rule = spec.coexists[index];
  Violation out;
  out.package = VariantResourceName(spec);
  out.list = RelationList::kCoexists;
  out.index = index;
  out.kind = kind;
  out.scope = rule.scope;
  out.source = rule.source;
  out.requirement =
      fmt::format("every SERVICE {} {} is at most {} older and {} newer than {}, in {} versions",
                  rule.service, ScopeInWords(rule.scope), rule.older, rule.newer,
                  spec.version.text(), VersionUnitName(rule.unit));
  SetFound(std::move(found), out);
  out.remedy = kind == ViolationKind::kNotProven
                   ? fmt::format("give {} and {} semver versions", FoundInWords(out), out.package)
                   : fmt::format("bring {} nearer to {}", FoundInWords(out), spec.version.text());
  return out;
}

Violation ExplainMisplaced(const PackageSpec& spec, const Platform& node) {
  Violation out;
  out.package = VariantResourceName(spec);
  out.kind = ViolationKind::kPlatformMismatch;
  out.requirement =
      fmt::format("runs on {}, and the node is {}", spec.platform.VariantId(), node.VariantId());
  out.remedy = fmt::format("take the variant for {}", node.VariantId());
  return out;
}

Violation ExplainUpgrade(const PackageSpec& spec, size_t index, std::string rule,
                         std::string source, std::vector<FoundProvider> found) {
  Violation out;
  out.package = VariantResourceName(spec);
  out.list = RelationList::kUpgrade;
  out.index = index;
  out.kind = ViolationKind::kUpgradePath;
  out.scope = index == 0 ? RelationScope::kNode : RelationScope::kEnvironment;
  out.source = std::move(source);
  out.requirement = std::move(rule);
  SetFound(std::move(found), out);
  out.remedy = index == 0 ? fmt::format("go by a version between: {} to {}", FoundInWords(out),
                                        spec.version.text())
                          : fmt::format("upgrade {} first", FoundInWords(out));
  return out;
}

Violation ExplainTooLarge(size_t max_steps) {
  Violation out;
  out.kind = ViolationKind::kNotProven;
  out.requirement = "every relation of every package in the set holds";
  out.remedy = fmt::format(
      "check a smaller set, or remove repeated relations: more than {} relations and providers "
      "would have to be looked at",
      max_steps);
  return out;
}

}  // namespace dml
