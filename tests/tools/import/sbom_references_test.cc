// The components of SBOMs as references.
#include "tools/import/sbom_references.h"

#include <gmock/gmock.h>

#include "core/package/package_spec.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

NamespaceMap Map() { return {{{"npm", "npm"}, {"deb/debian", "debian"}}, ""}; }

constexpr std::string_view kCycloneDx = R"({
  "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": "urn:uuid:1", "version": 1,
  "metadata": {"component": {"bom-ref": "app", "type": "application", "name": "payments",
    "version": "2.4.1", "purl": "pkg:npm/%40acme/payments@2.4.1", "licenses": [{"license": {"id": "MIT"}}]}},
  "components": [
    {"bom-ref": "lodash", "name": "lodash", "version": "4.17.21", "purl": "pkg:npm/lodash@4.17.21",
     "components": [{"bom-ref": "inner", "name": "inner", "version": "1", "purl": "pkg:npm/inner@1.0.0"}]},
    {"bom-ref": "curl", "name": "curl", "version": "7.88.1-10", "purl": "pkg:deb/debian/curl@7.88.1-10"},
    {"bom-ref": "gem", "name": "rails", "version": "7", "purl": "pkg:gem/rails@7.0.0"},
    {"bom-ref": "bare", "name": "bare", "version": "1"}],
  "dependencies": [{"ref": "app", "dependsOn": ["lodash", "curl", "gem"]}]})";

std::vector<PackageSpec> All(const SbomReferences& read) {
  std::vector<PackageSpec> out;
  for (const auto& [scheme, documents] : read.specs) {
    for (const std::string& document : documents) {
      out.push_back(ParsePackageSpec(document).value());
    }
  }
  return out;
}

const PackageSpec* Find(const std::vector<PackageSpec>& specs, const std::string& package) {
  for (const PackageSpec& spec : specs) {
    if (spec.package.ToString() == package) return &spec;
  }
  return nullptr;
}

TEST(SbomReferencesTest, OfCycloneDx) {
  const auto read = ReadSbomReferences(kCycloneDx, SbomFormat::kCycloneDx, Map());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->components, 6u);
  const std::vector<PackageSpec> specs = All(*read);
  EXPECT_THAT(specs, SizeIs(4));
  EXPECT_THAT(read->specs, SizeIs(2)) << "npm and deb apart";
  const PackageSpec* app = Find(specs, "npm/acme+payments");
  ASSERT_NE(app, nullptr);
  EXPECT_TRUE(app->is_reference);
  EXPECT_EQ(app->declared_license, "MIT");
  ASSERT_THAT(app->requires_all, SizeIs(3));
  EXPECT_EQ(app->requires_all[0].any_of[0].name, "npm/lodash");
  EXPECT_EQ(app->requires_all[0].any_of[0].range.ToVers(), "vers:npm/4.17.21");
  EXPECT_EQ(app->requires_all[0].source, "SBOM: depends on lodash");
  EXPECT_EQ(app->requires_all[1].any_of[0].name, "debian/curl");
  const RelationTarget& unmet = app->requires_all[2].any_of[0];
  EXPECT_TRUE(unmet.range.IsEmpty()) << "what is no package here is not proven to be there";
  const PackageSpec* lodash = Find(specs, "npm/lodash");
  ASSERT_NE(lodash, nullptr);
  EXPECT_THAT(lodash->requires_all, SizeIs(0)) << "what is inside need not be around";
  EXPECT_EQ(lodash->declared_license, "NOASSERTION");
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("1 parts: what a component contains")));
  EXPECT_THAT(read->unmapped, Contains("gem: no scheme here orders versions of gem"));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("bare: it has no package URL")));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("it depends on rails, which is no package here")));
}

TEST(SbomReferencesTest, OfSpdx) {
  constexpr std::string_view kSpdx = R"({
    "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "dataLicense": "CC0-1.0",
    "packages": [
      {"SPDXID": "SPDXRef-a", "name": "curl", "versionInfo": "7.88.1-10", "licenseConcluded": "curl",
       "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                         "referenceLocator": "pkg:deb/debian/curl@7.88.1-10?arch=amd64"}]},
      {"SPDXID": "SPDXRef-b", "name": "zlib", "versionInfo": "1:1.2.13-1",
       "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/zlib1g"}]},
      {"SPDXID": "SPDXRef-c", "name": "zlib", "versionInfo": "1:1.2.13-1",
       "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/zlib1g"}]}],
    "relationships": [
      {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-b"},
      {"spdxElementId": "SPDXRef-a", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-c"}]})";
  const auto read = ReadSbomReferences(kSpdx, SbomFormat::kSpdx, Map());
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<PackageSpec> specs = All(*read);
  ASSERT_THAT(specs, SizeIs(2));
  EXPECT_EQ(specs[0].declared_license, "curl");
  ASSERT_THAT(specs[0].requires_all, SizeIs(1));
  EXPECT_EQ(specs[0].requires_all[0].any_of[0].range.ToVers(), "vers:deb/1:1.2.13-1");
  EXPECT_THAT(read->unmapped, Contains("SPDXRef-c: another component is the same version"));
}

TEST(SbomReferencesTest, SaysWhatIsWrong) {
  EXPECT_THAT(
      std::string(ReadSbomReferences(kCycloneDx, SbomFormat::kSpdx, Map()).status().message()),
      HasSubstr("it is CycloneDX"));
  EXPECT_EQ(Reason(ReadSbomReferences("{}", SbomFormat::kSpdx, Map()).status()), "SBOM_INVALID");
  const auto nowhere = ReadSbomReferences(kCycloneDx, SbomFormat::kCycloneDx, {});
  ASSERT_TRUE(nowhere.ok());
  EXPECT_THAT(nowhere->specs, SizeIs(0));
  EXPECT_THAT(nowhere->unmapped, Contains("lodash: no namespace is given for npm"));
}

}  // namespace
}  // namespace dml
