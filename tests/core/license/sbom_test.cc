#include "core/license/sbom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/license/evidence.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

absl::StatusOr<Sbom> Read(const Json& document) {
  return ReadSbom(document.dump(), BundledLicenseList());
}

LicenseExpression Parse(std::string_view text) {
  return LicenseExpression::Parse(text, BundledLicenseList()).value();
}

Json Spdx() {
  return Json::parse(R"json({
    "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "dataLicense": "CC0-1.0",
    "packages": [
      {"SPDXID": "SPDXRef-app", "name": "app", "versionInfo": "1",
       "licenseConcluded": "mit or GPL-2.0-only", "licenseDeclared": "MIT",
       "externalRefs": [{"referenceType": "cpe23Type", "referenceLocator": "cpe"},
                        {"referenceType": "purl", "referenceLocator": "pkg:npm/app@1"}]},
      {"SPDXID": "SPDXRef-a", "name": "a", "licenseConcluded": "NOASSERTION",
       "licenseInfoFromFiles": ["MIT", "NOASSERTION", "Zlib"], "licenseDeclared": "ISC"},
      {"SPDXID": "SPDXRef-b", "name": "b", "licenseDeclared": "ISC"},
      {"SPDXID": "SPDXRef-c", "name": "c", "licenseDeclared": "NONE"}],
    "relationships": [
      {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
       "relatedSpdxElement": "SPDXRef-app"},
      {"spdxElementId": "SPDXRef-app", "relationshipType": "DEPENDS_ON",
       "relatedSpdxElement": "SPDXRef-a"},
      {"spdxElementId": "SPDXRef-b", "relationshipType": "DEPENDENCY_OF",
       "relatedSpdxElement": "SPDXRef-a"},
      {"spdxElementId": "SPDXRef-app", "relationshipType": "STATIC_LINK",
       "relatedSpdxElement": "SPDXRef-c"},
      {"spdxElementId": "SPDXRef-app", "relationshipType": "CONTAINS",
       "relatedSpdxElement": "SPDXRef-file"}]})json");
}

Json CycloneDx() {
  return Json::parse(R"json({
    "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
    "metadata": {"component": {"type": "application", "bom-ref": "app", "name": "app"}},
    "components": [
      {"bom-ref": "a", "name": "a", "version": "2", "purl": "pkg:npm/a@2",
       "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "zlib"}}],
       "components": [{"bom-ref": "a1", "name": "a1",
                       "licenses": [{"expression": "(MIT OR Apache-2.0)"}]
}]
},
      {"name": "b", "licenses": [{"license": {"name": "The Own License"}}]},
      {"bom-ref": "c", "name": "c"}],
    "dependencies": [{"ref": "app", "dependsOn": ["a", "c"]}, {"ref": "c"},
                     {"ref": "a", "dependsOn": ["service"]}]
})json");
}

TEST(SbomTest, ReadsSpdx) {
  auto sbom = Read(Spdx());
  ASSERT_TRUE(sbom.ok()) << sbom.status();
  EXPECT_EQ(sbom->format, SbomFormat::kSpdx);
  EXPECT_EQ(sbom->spec_version, "2.3");
  ASSERT_EQ(sbom->components.size(), 4u);
  EXPECT_EQ(sbom->components[0].license, Parse("MIT OR GPL-2.0-only"));
  EXPECT_EQ(sbom->components[0].field, "licenseConcluded");
  EXPECT_EQ(sbom->components[0].purl, "pkg:npm/app@1");
  EXPECT_FALSE(sbom->components[0].ambiguous);
  EXPECT_EQ(sbom->components[1].license, Parse("MIT AND Zlib"));
  EXPECT_EQ(sbom->components[1].field, "licenseInfoFromFiles");
  EXPECT_TRUE(sbom->components[1].ambiguous);
  EXPECT_EQ(sbom->components[2].license, Parse("ISC"));
  EXPECT_TRUE(sbom->components[3].license.is_no_assertion());
  EXPECT_EQ(sbom->components[3].field, "");
  EXPECT_THAT(sbom->edges, ElementsAre(SbomEdge{0, 1, LicenseCombination::kMerged},
                                       SbomEdge{0, 3, LicenseCombination::kLinkedStatic},
                                       SbomEdge{1, 2, LicenseCombination::kMerged}));
  EXPECT_EQ(sbom->edges_elsewhere, 1u);
}

TEST(SbomTest, ReadsCycloneDx) {
  auto sbom = Read(CycloneDx());
  ASSERT_TRUE(sbom.ok()) << sbom.status();
  EXPECT_EQ(sbom->format, SbomFormat::kCycloneDx);
  std::vector<std::string> licenses;
  for (const SbomComponent& component : sbom->components) {
    licenses.push_back(component.name + ": " + component.license.ToString());
  }
  EXPECT_THAT(licenses, ElementsAre("app: NOASSERTION", "a: MIT AND Zlib", "a1: MIT OR Apache-2.0",
                                    "b: NOASSERTION", "c: NOASSERTION"));
  EXPECT_TRUE(sbom->components[1].ambiguous);
  EXPECT_FALSE(sbom->components[2].ambiguous);
  EXPECT_THAT(sbom->components[3].unread, ElementsAre("The Own License"));
  EXPECT_EQ(sbom->edges.size(), 3u);
  EXPECT_EQ(sbom->edges_elsewhere, 1u);
}

TEST(SbomTest, WhatNobodyCanReadIsNotKnown) {
  Json document = CycloneDx();
  document["components"][0]["licenses"] = Json::array(
      {{{"license", {{"id", "MIT"}}}}, {{"license", {{"id", "Newer-Than-The-List-1.0"}}}}});
  auto sbom = Read(document);
  ASSERT_TRUE(sbom.ok()) << sbom.status();
  EXPECT_TRUE(sbom->components[1].license.is_no_assertion());
  EXPECT_THAT(sbom->components[1].unread, ElementsAre("Newer-Than-The-List-1.0"));
}

TEST(SbomTest, RefusesCyclesNamingTheWay) {
  auto depend = [](const char* ref, const char* on) {
    return Json{{"ref", ref}, {"dependsOn", Json::array({on})}};
  };
  Json document = CycloneDx();
  document["dependencies"].push_back(depend("c", "a1"));
  EXPECT_TRUE(Read(document).ok());
  document["dependencies"].push_back(depend("a1", "app"));
  auto sbom = Read(document);
  EXPECT_EQ(Reason(sbom.status()), "SBOM_CYCLIC");
  EXPECT_THAT(std::string(Message(sbom.status())), HasSubstr("app -> a -> a1 -> app"));
  document = CycloneDx();
  document["dependencies"].push_back(depend("c", "c"));
  EXPECT_THAT(std::string(Message(Read(document).status())), HasSubstr("c -> c"));
  document = Spdx();
  document["relationships"].push_back({{"spdxElementId", "SPDXRef-app"},
                                       {"relationshipType", "CONTAINED_BY"},
                                       {"relatedSpdxElement", "SPDXRef-b"}});
  EXPECT_EQ(Reason(Read(document).status()), "SBOM_CYCLIC");
}

TEST(SbomTest, ALongChainIsWalkedWithoutRecursion) {
  Json document = CycloneDx();
  document["components"] = Json::array();
  document["dependencies"] = Json::array();
  constexpr int kLength = 20000;
  for (int i = 0; i < kLength; ++i) {
    document["components"].push_back({{"bom-ref", std::to_string(i)}, {"name", "n"}});
    document["dependencies"].push_back(
        {{"ref", std::to_string(i)}, {"dependsOn", Json::array({std::to_string(i + 1)})}});
  }
  EXPECT_TRUE(Read(document).ok());
  document["dependencies"].back()["dependsOn"] = Json::array({"0"});
  auto sbom = Read(document);
  EXPECT_EQ(Reason(sbom.status()), "SBOM_CYCLIC");
  EXPECT_THAT(std::string(Message(sbom.status())), HasSubstr("... (20000 components)"));
}

struct BadSbom {
  const char* pointer;
  const char* value;
  const char* message;
};

TEST(SbomTest, RefusesOtherShapes) {
  const BadSbom cases[] = {
      {"/specVersion", "\"1.4\"", "expected SPDX 2.2 or 2.3 or CycloneDX 1.5 to 1.7"},
      {"/bomFormat", "\"SPDX\"", "expected SPDX"},
      {"/spdxVersion", "\"SPDX-2.3\"", "expected SPDX"},
      {"/components", "7", "expected an array"},
      {"/components/0", "[]", "components[0]"},
      {"/components/0/name", "7", "components[0].name"},
      {"/components/0/name", "\"\"", "needs a name"},
      {"/components/0/bom-ref", "\"c\"", "two components have the reference 'c'"},
      {"/components/0/licenses/0", "{}", "expected either a license or an expression"},
      {"/components/0/licenses/0/license", "{\"id\": \"MIT\", \"name\": \"x\"}",
       "expected either an id or a name"},
      {"/components/0/components/0/licenses/0/expression", "7",
       "components[0].components[0].licenses[0].expression"},
      {"/dependencies/0/dependsOn", "[7]", "dependencies[0]"},
      {"/metadata", "[]", "metadata"},
  };
  for (const BadSbom& bad : cases) {
    Json document = CycloneDx();
    document[Json::json_pointer(bad.pointer)] = Json::parse(bad.value);
    auto sbom = Read(document);
    ASSERT_FALSE(sbom.ok()) << bad.pointer;
    EXPECT_EQ(Reason(sbom.status()), "SBOM_INVALID") << bad.pointer;
    EXPECT_THAT(std::string(Message(sbom.status())), HasSubstr(bad.message)) << bad.pointer;
  }
  for (const char* text : {"", "[]", "{}", "{\"spdxVersion\": \"SPDX-2.3\", \"packages\": [{}]}"}) {
    EXPECT_EQ(Reason(ReadSbom(text, BundledLicenseList()).status()), "SBOM_INVALID") << text;
  }
  std::string deep = R"({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": )";
  for (int i = 0; i < 100000; ++i) deep += R"([{"name": "x", "components": )";
  EXPECT_EQ(Reason(ReadSbom(deep, BundledLicenseList()).status()), "SBOM_INVALID");
}

TEST(SbomTest, RefusesMoreThanItsLimits) {
  Json document = CycloneDx();
  Json license = {{"license", {{"id", "MIT"}}}};
  document["components"][0]["licenses"] = Json::array();
  for (size_t i = 0; i <= kMaxSbomLicenses; ++i) {
    document["components"][0]["licenses"].push_back(license);
  }
  EXPECT_THAT(std::string(Message(Read(document).status())), HasSubstr("at most 256"));
  std::string many = R"({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [)";
  for (size_t i = 0; i <= kMaxSbomComponents; ++i)
    many += i == 0 ? R"({"name":"x"})" : R"(,{"name":"x"})";
  EXPECT_THAT(std::string(Message(ReadSbom(many + "]}", BundledLicenseList()).status())),
              HasSubstr("at most 100000"));
  EXPECT_EQ(Reason(ReadSbom(std::string(kMaxSbomBytes + 1, ' '), BundledLicenseList()).status()),
            "SBOM_INVALID");
}

// --- Evidence.

std::vector<std::string> Rules(const LicenseEvidence& evidence) {
  std::vector<std::string> rules;
  for (const Finding& finding : EvidenceFindings(evidence, "s")) rules.push_back(finding.rule);
  return rules;
}

std::string Effective(const LicenseEvidence& evidence) {
  return EffectiveLicense(evidence, BundledLicenseList())->ToString();
}

TEST(LicenseEvidenceTest, AgreementSaysNothing) {
  LicenseEvidence evidence{Parse("MIT AND GPL-2.0"), {}, {}, ""};
  EXPECT_THAT(Rules(evidence), IsEmpty());
  evidence.observed = {{"scan", Parse("GPL-2.0-only AND MIT")}, {"sbom", Parse("NOASSERTION")}};
  EXPECT_THAT(Rules(evidence), IsEmpty());
  EXPECT_EQ(Effective(evidence), "MIT AND GPL-2.0");
  // A choice of which one branch is declared is no disagreement.
  evidence.observed = {{"scan", Parse("MIT AND (GPL-2.0-only OR Zlib)")}};
  EXPECT_THAT(Rules(evidence), IsEmpty());
}

TEST(LicenseEvidenceTest, DoubtNeverAllowsMore) {
  LicenseEvidence evidence{Parse("MIT"), {{"scan", Parse("MIT AND GPL-3.0-only")}}, {}, ""};
  EXPECT_THAT(Rules(evidence), ElementsAre("license.observed-undeclared"));
  EXPECT_THAT(EvidenceFindings(evidence, "s")[0].message,
              HasSubstr("scan observed GPL-3.0-only; declared is MIT"));
  EXPECT_EQ(Effective(evidence), "MIT AND GPL-3.0-only");
  evidence.concluded = ConcludedLicense{Parse("MIT"), "ada", "a test file"};
  EXPECT_EQ(Effective(evidence), "MIT");
  EXPECT_EQ(EvidenceFindings(evidence, "s")[0].severity, Severity::kInfo);
  evidence = {Parse("NOASSERTION"), {{"scan", Parse("MIT")}}, {}, ""};
  EXPECT_EQ(Effective(evidence), "NOASSERTION");
  EXPECT_THAT(Rules(evidence), ElementsAre("license.observed-undeclared"));
  evidence = {Parse("MIT"), {{"scan", Parse("NONE")}}, {}, ""};
  EXPECT_EQ(Effective(evidence), "NOASSERTION");
}

TEST(LicenseEvidenceTest, TellsWhatWasNotObservedAndWhatIsAmbiguous) {
  const LicenseEvidence evidence{
      Parse("MIT AND Zlib"), {{"sbom", Parse("MIT"), /*ambiguous=*/true}}, {}, ""};
  EXPECT_THAT(Rules(evidence),
              ElementsAre("license.ambiguous-list", "license.declared-not-observed"));
}

TEST(LicenseEvidenceTest, FindsTheComponentOfAPackage) {
  const Sbom sbom = Read(CycloneDx()).value();
  auto observed = ObservedOf(sbom, "pkg:npm/a@2", "sha256:x");
  ASSERT_TRUE(observed.has_value());
  EXPECT_EQ(observed->expression, Parse("MIT AND Zlib"));
  EXPECT_TRUE(observed->ambiguous);
  EXPECT_EQ(observed->source, "sha256:x");
  EXPECT_TRUE(ObservedOf(sbom, "pkg:npm/a@3", "")->expression.is_no_assertion())
      << "of the document's subject, which states no license";
  Json document = CycloneDx();
  document.erase("metadata");
  EXPECT_EQ(ObservedOf(Read(document).value(), "pkg:npm/a@3", ""), std::nullopt);
  EXPECT_EQ(ObservedOf(Read(document).value(), "", ""), std::nullopt);
}

TEST(LicenseEvidenceTest, TakesWhatTheDocumentIsAboutWhereNoComponentHasTheUrl) {
  Json document = CycloneDx();
  document["metadata"]["component"]["licenses"] = Json::parse(R"([{"expression": "ISC"}])");
  EXPECT_EQ(ObservedOf(Read(document).value(), "pkg:npm/other@1", "x")->expression, Parse("ISC"));
  EXPECT_EQ(ObservedOf(Read(document).value(), "", "x")->expression, Parse("ISC"));
  EXPECT_EQ(ObservedOf(Read(Spdx()).value(), "", "x")->expression, Parse("MIT OR GPL-2.0-only"));
  Json described = Spdx();
  described["relationships"] = Json::array();
  described["documentDescribes"] = {"SPDXRef-b", "SPDXRef-elsewhere"};
  EXPECT_EQ(ObservedOf(Read(described).value(), "", "x")->expression, Parse("ISC"));
  described["documentDescribes"] = {"SPDXRef-b", "SPDXRef-app"};
  EXPECT_EQ(ObservedOf(Read(described).value(), "", "x"), std::nullopt) << "two, of other licenses";
  described["documentDescribes"] = {7};
  EXPECT_EQ(Reason(Read(described).status()), "SBOM_INVALID");
}

TEST(LicenseEvidenceTest, WhatCouldNotBeReadIsNotKnown) {
  Json document = CycloneDx();
  document["metadata"]["component"]["licenses"] =
      Json::parse(R"([{"license": {"name": "Do What You Like"}}])");
  auto observed = ObservedOf(Read(document).value(), "", "sbom");
  ASSERT_TRUE(observed.has_value());
  EXPECT_THAT(observed->unread, ElementsAre("Do What You Like"));
  LicenseEvidence evidence{Parse("MIT"), {*observed}, {}, ""};
  EXPECT_EQ(Effective(evidence), "NOASSERTION");
  EXPECT_THAT(Rules(evidence), ElementsAre("license.observation-unread"));
  EXPECT_THAT(EvidenceFindings(evidence, "s")[0].message, HasSubstr("'Do What You Like'"));
  evidence.observed = {{.source = "sbom", .expression = {}, .fault = "it is cyclic"}};
  EXPECT_EQ(Effective(evidence), "NOASSERTION");
  EXPECT_THAT(EvidenceFindings(evidence, "s")[0].message, HasSubstr("it is cyclic"));
  evidence.concluded = ConcludedLicense{Parse("MIT"), "ada", "asked the author"};
  EXPECT_EQ(Effective(evidence), "MIT");
  EXPECT_THAT(Rules(evidence), ElementsAre("license.observation-unread", "license.concluded"));
}

}  // namespace
}  // namespace dml
