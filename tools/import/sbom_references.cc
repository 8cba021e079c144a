#include "tools/import/sbom_references.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/package/package_spec.h"
#include "tools/import/package_import.h"

namespace dml {
namespace {

class Mapper {
 public:
  Mapper(const Sbom& sbom, const NamespaceMap& map) : sbom_(sbom), map_(map) {}

  SbomReferences Run() {
    out_.components = sbom_.components.size();
    for (const SbomComponent& component : sbom_.components) {
      specs_.push_back(SpecOf(component));
    }
    size_t inside = 0;
    for (const SbomEdge& edge : sbom_.edges) {
      if (edge.inside) {
        ++inside;
      } else if (specs_[edge.from].has_value()) {
        AddRequirement(edge);
      }
    }
    if (inside > 0) {
      out_.unmapped.push_back(
          fmt::format("{} parts: what a component contains is no relation of it", inside));
    }
    Write();
    return std::move(out_);
  }

 private:
  void Note(const SbomComponent& component, std::string_view why) {
    out_.unmapped.push_back(fmt::format(
        "{}: {}", Excerpt(component.ref.empty() ? component.name : component.ref, 128), why));
  }

  std::optional<PackageSpec> SpecOf(const SbomComponent& component) {
    absl::StatusOr<PackageSpec> spec = ReadSpec(component);
    if (spec.ok()) return *std::move(spec);
    Note(component, Message(spec.status()));
    return std::nullopt;
  }

  absl::StatusOr<PackageSpec> ReadSpec(const SbomComponent& component) {
    constexpr ErrorReason kUnmapped("SBOM_COMPONENT_UNMAPPED");
    if (component.purl.empty()) {
      return InvalidArgument(kUnmapped,
                             "it has no package URL, so nobody can tell which package "
                             "it is");
    }
    DML_ASSIGN_OR_RETURN(const Purl purl, Purl::Parse(component.purl));
    const std::string& text = purl.version.empty() ? component.version : purl.version;
    const std::optional<VersionScheme> scheme = purl.version_scheme();
    if (!scheme.has_value()) {
      return InvalidArgument(kUnmapped, "no scheme here orders versions of {}", purl.type);
    }
    PackageSpec out;
    DML_ASSIGN_OR_RETURN(out.package, PackageOfPurl(purl, map_));
    DML_ASSIGN_OR_RETURN(out.version, Version::Parse(*scheme, text));
    DML_RETURN_IF_ERROR(ValidateVersionText(text));
    out.is_reference = true;
    out.purl = component.purl;
    out.title = CutText(component.name, kMaxSpecTitleBytes);
    if (HasControlCharacters(out.title)) out.title.clear();
    out.declared_license = component.license.ToString();
    for (const std::string& name : component.unread) {
      if (!name.empty() && name.size() <= kMaxSpecTitleBytes && !HasControlCharacters(name)) {
        out.unmapped_licenses.push_back(name);
      }
    }
    DML_RETURN_IF_ERROR(ParsePackageSpec(FormatPackageSpec(out)).status());
    return out;
  }

  void AddRequirement(const SbomEdge& edge) {
    const SbomComponent& to = sbom_.components[edge.to];
    Requirement requirement;
    requirement.source = "SBOM: depends on " + Excerpt(to.ref.empty() ? to.name : to.ref, 256);
    const std::optional<PackageSpec>& target = specs_[edge.to];
    if (target.has_value()) {
      const VersionComparator exactly{VersionOp::kEqual, target->version};
      const auto range = VersionRange::FromComparators(target->version.scheme(), {&exactly, 1});
      requirement.any_of.push_back({RelationKind::kPackage, target->package.ToString(),
                                    range.ok() ? *range : VersionRange()});
    } else {
      // Which component it is the source says; nothing provides it.
      requirement.any_of.push_back(
          UnmetTarget(RelationKind::kCapability, fmt::format("sbom:{}", edge.to)));
      Note(sbom_.components[edge.from],
           fmt::format("it depends on {}, which is no package here, and nothing meets that",
                       Excerpt(to.name)));
    }
    specs_[edge.from]->requires_all.push_back(std::move(requirement));
  }

  void Write() {
    std::map<VariantName, const PackageSpec*> sorted;
    for (size_t i = 0; i < specs_.size(); ++i) {
      if (!specs_[i].has_value()) continue;
      const PackageSpec& spec = *specs_[i];
      const bool is_new =
          sorted.emplace(VariantName{spec.package, spec.version.text(), spec.platform}, &spec)
              .second;
      if (!is_new) Note(sbom_.components[i], "another component is the same version");
    }
    for (const auto& [name, spec] : sorted) {
      std::string document = FormatPackageSpec(*spec);
      const absl::Status valid = ParsePackageSpec(document).status();
      if (valid.ok()) {
        out_.specs[spec->version.scheme()].push_back(std::move(document));
      } else {
        out_.unmapped.push_back(fmt::format("{}: {}", name.ResourceName(), Message(valid)));
      }
    }
  }

  const Sbom& sbom_;
  const NamespaceMap& map_;
  SbomReferences out_;
  std::vector<std::optional<PackageSpec>> specs_;  // By component.
};

}  // namespace

absl::StatusOr<SbomReferences> ReadSbomReferences(std::string_view text, SbomFormat format,
                                                  const NamespaceMap& map) {
  DML_ASSIGN_OR_RETURN(const Sbom sbom, ReadSbom(text, BundledLicenseList()));
  if (sbom.format != format) {
    return InvalidArgument(ErrorReason("SBOM_INVALID"), "it is {}; import it as such",
                           sbom.format == SbomFormat::kSpdx ? "SPDX" : "CycloneDX");
  }
  return Mapper(sbom, map).Run();
}

}  // namespace dml
