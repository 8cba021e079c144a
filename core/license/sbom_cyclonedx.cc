// CycloneDX 1.5 and later, JSON (https://cyclonedx.org/docs/1.6/json): components and dependencies.
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/sbom_reader.h"

namespace dml {
namespace {

using nlohmann::json;

// {"license": {"id": ...}}, {"license": {"name": ...}} or {"expression": ...}.
absl::StatusOr<std::string> LicenseText(const json& choice) {
  if (!choice.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  DML_ASSIGN_OR_RETURN(std::string expression, SbomText(choice, "expression"));
  const auto license = choice.find("license");
  if ((license != choice.end()) == !expression.empty()) {
    return InvalidArgument(kSbomInvalid, "expected either a license or an expression");
  }
  if (license == choice.end()) return expression;
  if (!license->is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  DML_ASSIGN_OR_RETURN(std::string id, SbomText(*license, "id"));
  DML_ASSIGN_OR_RETURN(std::string name, SbomText(*license, "name"));
  if (id.empty() == name.empty()) {
    return InvalidArgument(kSbomInvalid, "expected either an id or a name of a license");
  }
  return id.empty() ? name : id;
}

absl::Status ReadLicenses(const json& object, const SbomBuilder& builder,
                          SbomComponent& component) {
  DML_ASSIGN_OR_RETURN(const json* licenses, SbomArray(object, "licenses", kMaxSbomLicenses));
  std::vector<std::string> texts;
  for (size_t i = 0; i < licenses->size(); ++i) {
    absl::StatusOr<std::string> text = LicenseText((*licenses)[i]);
    if (!text.ok()) return AtField(text.status(), fmt::format("licenses[{}]", i));
    texts.push_back(*std::move(text));
  }
  if (!texts.empty()) builder.SetLicenses(texts, "licenses", component);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ReadOne(const json& object, SbomBuilder& builder) {
  if (!object.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  SbomComponent component;
  DML_ASSIGN_OR_RETURN(component.ref, SbomText(object, "bom-ref"));
  DML_ASSIGN_OR_RETURN(component.name, SbomText(object, "name"));
  DML_ASSIGN_OR_RETURN(component.version, SbomText(object, "version"));
  DML_ASSIGN_OR_RETURN(component.purl, SbomText(object, "purl"));
  if (component.name.empty()) return InvalidArgument(kSbomInvalid, "a component needs a name");
  DML_RETURN_IF_ERROR(ReadLicenses(object, builder, component));
  return builder.AddComponent(std::move(component));
}

// A component with those inside it. The depth of a document is limited, and so is this recursion.
absl::StatusOr<uint32_t> ReadNested(const json& object, SbomBuilder& builder) {
  DML_ASSIGN_OR_RETURN(const uint32_t index, ReadOne(object, builder));
  DML_ASSIGN_OR_RETURN(const json* inside, SbomArray(object, "components", kMaxSbomComponents));
  for (size_t i = 0; i < inside->size(); ++i) {
    absl::StatusOr<uint32_t> part = ReadNested((*inside)[i], builder);
    if (!part.ok()) return AtField(part.status(), fmt::format("components[{}]", i));
    DML_RETURN_IF_ERROR(builder.AddEdge(index, *part, LicenseCombination::kMerged, true));
  }
  return index;
}

absl::Status ReadDependency(const json& dependency, SbomBuilder& builder) {
  if (!dependency.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  DML_ASSIGN_OR_RETURN(const std::string ref, SbomText(dependency, "ref"));
  DML_ASSIGN_OR_RETURN(const json* on, SbomArray(dependency, "dependsOn", kMaxSbomComponents));
  for (const json& item : *on) {
    DML_ASSIGN_OR_RETURN(const std::string to, JsonText(item, kMaxSbomTextBytes, kSbomInvalid));
    DML_RETURN_IF_ERROR(builder.AddEdge(ref, to, LicenseCombination::kMerged));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadCycloneDx(const json& document, SbomBuilder& builder) {
  if (const auto metadata = document.find("metadata"); metadata != document.end()) {
    if (!metadata->is_object()) {
      return AtField(InvalidArgument(kSbomInvalid, "expected an object"), "metadata");
    }
    if (const auto subject = metadata->find("component"); subject != metadata->end()) {
      absl::StatusOr<uint32_t> index = ReadNested(*subject, builder);
      if (!index.ok()) return AtField(index.status(), "metadata.component");
      builder.AddSubject(*index);
    }
  }
  DML_ASSIGN_OR_RETURN(const json* components,
                       SbomArray(document, "components", kMaxSbomComponents));
  for (size_t i = 0; i < components->size(); ++i) {
    DML_RETURN_IF_ERROR(
        AtField(ReadNested((*components)[i], builder).status(), fmt::format("components[{}]", i)));
  }
  DML_ASSIGN_OR_RETURN(const json* dependencies,
                       SbomArray(document, "dependencies", kMaxSbomComponents));
  for (size_t i = 0; i < dependencies->size(); ++i) {
    DML_RETURN_IF_ERROR(
        AtField(ReadDependency((*dependencies)[i], builder), fmt::format("dependencies[{}]", i)));
  }
  return absl::OkStatus();
}

}  // namespace dml
