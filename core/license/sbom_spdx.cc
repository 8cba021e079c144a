// SPDX 2.3, JSON (https://spdx.github.io/spdx-spec/v2.3): packages and their relationships.
#include <optional>

#include "core/base/strict_json.h"
#include "core/license/sbom_reader.h"

namespace dml {
namespace {

using nlohmann::json;

bool States(const std::string& text) {
  return !text.empty() && text != "NOASSERTION" && text != "NONE";
}

absl::StatusOr<std::string> PurlOf(const json& package) {
  DML_ASSIGN_OR_RETURN(const json* refs, SbomArray(package, "externalRefs", kMaxSbomLicenses));
  for (const json& ref : *refs) {
    if (!ref.is_object()) return InvalidArgument(kSbomInvalid, "externalRefs: expected objects");
    DML_ASSIGN_OR_RETURN(const std::string type, SbomText(ref, "referenceType"));
    if (type == "purl") return SbomText(ref, "referenceLocator");
  }
  return std::string();
}

// What the document's author concluded, else what its scanner found in the files, else what the
// package says of itself.
absl::Status ReadLicenses(const json& package, const SbomBuilder& builder,
                          SbomComponent& component) {
  DML_ASSIGN_OR_RETURN(const std::string concluded, SbomText(package, "licenseConcluded"));
  if (States(concluded)) {
    builder.SetLicenses({concluded}, "licenseConcluded", component);
    return absl::OkStatus();
  }
  DML_ASSIGN_OR_RETURN(const json* found,
                       SbomArray(package, "licenseInfoFromFiles", kMaxSbomLicenses));
  std::vector<std::string> texts;
  for (const json& item : *found) {
    DML_ASSIGN_OR_RETURN(std::string text, JsonText(item, kMaxSbomTextBytes, kSbomInvalid));
    if (States(text)) texts.push_back(std::move(text));
  }
  if (!texts.empty()) {
    builder.SetLicenses(texts, "licenseInfoFromFiles", component);
    return absl::OkStatus();
  }
  DML_ASSIGN_OR_RETURN(const std::string declared, SbomText(package, "licenseDeclared"));
  if (States(declared)) builder.SetLicenses({declared}, "licenseDeclared", component);
  return absl::OkStatus();
}

absl::Status ReadPackage(const json& package, SbomBuilder& builder) {
  if (!package.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  SbomComponent component;
  DML_ASSIGN_OR_RETURN(component.ref, SbomText(package, "SPDXID"));
  DML_ASSIGN_OR_RETURN(component.name, SbomText(package, "name"));
  DML_ASSIGN_OR_RETURN(component.version, SbomText(package, "versionInfo"));
  if (component.ref.empty() || component.name.empty()) {
    return InvalidArgument(kSbomInvalid, "a package needs SPDXID and name");
  }
  DML_ASSIGN_OR_RETURN(component.purl, PurlOf(package));
  DML_RETURN_IF_ERROR(ReadLicenses(package, builder, component));
  return builder.AddComponent(std::move(component)).status();
}

// What a relationship type says of two packages.
struct Meaning {
  LicenseCombination combination = LicenseCombination::kMerged;
  bool reversed = false;
  bool inside = false;
};

std::optional<Meaning> MeaningOf(std::string_view type) {
  if (type == "STATIC_LINK") return Meaning{LicenseCombination::kLinkedStatic};
  if (type == "DYNAMIC_LINK") return Meaning{LicenseCombination::kLinkedDynamic};
  if (type == "DEPENDS_ON") return Meaning{};
  if (type == "CONTAINS") return Meaning{LicenseCombination::kMerged, false, true};
  if (type == "CONTAINED_BY") return Meaning{LicenseCombination::kMerged, true, true};
  if (type == "DEPENDENCY_OF" || type == "RUNTIME_DEPENDENCY_OF" ||
      type == "OPTIONAL_DEPENDENCY_OF" || type == "PROVIDED_DEPENDENCY_OF") {
    return Meaning{LicenseCombination::kMerged, true};
  }
  // Tools that made or tested a package are used beside it.
  if (type == "BUILD_DEPENDENCY_OF" || type == "DEV_DEPENDENCY_OF" ||
      type == "TEST_DEPENDENCY_OF") {
    return Meaning{LicenseCombination::kSeparate, true};
  }
  return std::nullopt;
}

absl::Status ReadRelationship(const json& relationship, SbomBuilder& builder) {
  if (!relationship.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  DML_ASSIGN_OR_RETURN(std::string from, SbomText(relationship, "spdxElementId"));
  DML_ASSIGN_OR_RETURN(std::string to, SbomText(relationship, "relatedSpdxElement"));
  DML_ASSIGN_OR_RETURN(const std::string type, SbomText(relationship, "relationshipType"));
  if (type == "DESCRIBES") builder.AddSubject(to);
  if (type == "DESCRIBED_BY") builder.AddSubject(from);
  const std::optional<Meaning> meaning = MeaningOf(type);
  if (!meaning.has_value()) return absl::OkStatus();
  if (meaning->reversed) std::swap(from, to);
  return builder.AddEdge(from, to, meaning->combination, meaning->inside);
}

}  // namespace

absl::Status ReadSpdx(const json& document, SbomBuilder& builder) {
  DML_ASSIGN_OR_RETURN(const json* packages, SbomArray(document, "packages", kMaxSbomComponents));
  for (size_t i = 0; i < packages->size(); ++i) {
    DML_RETURN_IF_ERROR(
        AtField(ReadPackage((*packages)[i], builder), fmt::format("packages[{}]", i)));
  }
  DML_ASSIGN_OR_RETURN(const json* described,
                       SbomArray(document, "documentDescribes", kMaxSbomSubjects));
  for (const json& item : *described) {
    absl::StatusOr<std::string> ref = JsonText(item, kMaxSbomTextBytes, kSbomInvalid);
    if (!ref.ok()) return AtField(ref.status(), "documentDescribes");
    builder.AddSubject(*ref);
  }
  DML_ASSIGN_OR_RETURN(const json* relationships,
                       SbomArray(document, "relationships", kMaxSbomEdges));
  for (size_t i = 0; i < relationships->size(); ++i) {
    DML_RETURN_IF_ERROR(AtField(ReadRelationship((*relationships)[i], builder),
                                fmt::format("relationships[{}]", i)));
  }
  return absl::OkStatus();
}

}  // namespace dml
