// What others know of packages, imported by the command line: indexes, SBOMs, advisories, VEX.
#include <gmock/gmock.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using testing::WriteBytes;

class KnowledgeImportTest : public testing::CommandLibrary {
 protected:
  void SetUp() override {
    Begin();
    AddNamespace("debian", "dee");
    Do({"key", "generate", "--out", Path("sue")});
    Do({"key", "register", "--key", Path("sue"), "--owner", "sue", "--role", "advisory",
        "--namespace", "*"});
  }
  // A command that did what it could, and says what it could not.
  Json DoInPart(Words words) {
    words.insert(words.begin(), {"--profile", library_.profile().string(), "--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), 1) << err.str();
    return Json::parse(out.str(), nullptr, false);
  }
  std::string Reason(Words words, int code = 2) {
    return Do(std::move(words), code)["error"]["reason"];
  }
};

constexpr std::string_view kIndex =
    "Package: curl\nVersion: 7.88.1-10\nArchitecture: amd64\nDepends: libc6 (>= 2.34)\n"
    "Recommends: ca-certificates\nFilename: pool/curl.deb\nSize: 1\n\n"
    "Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\n\n"
    "Package: broken\nVersion: one\nArchitecture: amd64\n";

TEST_F(KnowledgeImportTest, AnIndexIsThereForPlanning) {
  WriteBytes(Path("Packages"), std::string(kIndex));
  const Words import = {"import", "debian-index", Path("Packages"), "--namespace",
                        "debian", "--key",        Path("dee")};
  Json answer =
      DoInPart({"import", "debian-index", Path("Packages"), "--namespace", "debian", "--dry-run"});
  EXPECT_EQ(answer["read"], 2);
  answer = DoInPart(import);
  EXPECT_EQ(answer["packages"], 3);
  EXPECT_EQ(answer["published"], 2);
  EXPECT_EQ(answer["batches"], 1);
  EXPECT_EQ(answer["failures"][0]["error"]["reason"], "VERSION_INVALID");
  EXPECT_EQ(answer["unmapped"][0]["example"], "curl 7.88.1-10: ca-certificates");
  answer = DoInPart(import);
  EXPECT_EQ(answer["published"], 0);
  EXPECT_EQ(answer["present"], 2);

  answer = Do({"compat", "resolve", "debian/curl"});
  EXPECT_EQ(answer["packages"].size(), 2u);
  answer = Do({"compat", "who-requires", "debian/libc6", "--range", "vers:deb/>=2.36"});
  EXPECT_EQ(answer["items"].size(), 1u);
  answer = Do({"compat", "who-requires", "debian/libc6", "--version", "deb:2.30"});
  EXPECT_EQ(answer["items"].size(), 0u);
  answer = Do({"compat", "who-provides", "debian/libc6", "--range", "vers:deb/>=2.36"});
  EXPECT_EQ(answer["items"].size(), 1u);
  answer = Do({"compat", "who-provides", "debian/libc6", "--version", "deb:3"});
  EXPECT_EQ(answer["items"].size(), 0u);

  Do({"environment", "create", "production"});
  answer = Do({"gate", "evaluate", "debian/curl@7.88.1-10", "--environment", "production"}, 3);
  EXPECT_THAT(answer["findings"].dump(), HasSubstr("content.reference"));
  EXPECT_EQ(Do({"admin", "verify-views"})["differingKeys"].size(), 0u);

  EXPECT_EQ(Reason({"import", "debian-index", Path("Packages"), "--namespace", "debian"}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"import", "debian-index", Path("none"), "--namespace", "debian", "--key",
                    Path("dee")},
                   2),
            "FILE_NOT_FOUND");
}

TEST_F(KnowledgeImportTest, SbomsBecomeReferences) {
  WriteBytes(Path("app.json"), R"({"bomFormat": "CycloneDX", "specVersion": "1.5",
    "components": [{"bom-ref": "a", "name": "a", "purl": "pkg:npm/a@1.0.0"},
                   {"bom-ref": "b", "name": "b", "purl": "pkg:npm/b@2.0.0"},
                   {"bom-ref": "c", "name": "c"}],
    "dependencies": [{"ref": "a", "dependsOn": ["b"]}]})");
  const Words import = {"import",   "cyclonedx", Path("app.json"), "--map",
                        "npm=acme", "--key",     Path("ann")};
  Json answer = Do(import);
  EXPECT_EQ(answer["published"], 2);
  EXPECT_THAT(answer["unmapped"].dump(), HasSubstr("c: it has no package URL"));
  EXPECT_EQ(Do(import)["present"], 2);
  EXPECT_EQ(Do({"compat", "resolve", "acme/a"})["packages"].size(), 2u);
  answer =
      DoInPart({"import", "spdx", Path("app.json"), "--map", "npm=acme", "--key", Path("ann")});
  EXPECT_THAT(answer["items"].dump(), HasSubstr("it is CycloneDX"));
  EXPECT_EQ(Reason({"import", "cyclonedx", Path("app.json"), "--key", Path("ann")}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"import", "cyclonedx", Path("app.json"), "--map", "npm", "--dry-run"}),
            "ARGUMENT_INVALID");
}

TEST_F(KnowledgeImportTest, AdvisoriesAndVex) {
  WriteBytes(Path("osv.json"), R"({"id": "GHSA-1", "modified": "2026-01-02T00:00:00Z",
    "aliases": ["CVE-1"], "summary": "leaks", "database_specific": {"severity": "HIGH"},
    "affected": [{"package": {"ecosystem": "npm", "name": "lib"},
                  "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]})");
  const Words import = {"import",   "osv",   Path("osv.json"), "--map",
                        "npm=acme", "--key", Path("sue")};
  Json answer = Do({"import", "osv", Path("osv.json"), "--map", "npm=acme", "--dry-run"});
  EXPECT_EQ(answer["items"][0]["document"]["effect"], "REPORT");
  answer = Do(import);
  EXPECT_EQ(answer["set"], 1);
  EXPECT_EQ(Do(import)["present"], 1);
  EXPECT_EQ(Do({"advisory", "list", "--package", "acme/lib"})["items"][0]["effect"], "REPORT");

  WriteBytes(Path("vex.json"), R"({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x/7",
    "author": "ACME", "timestamp": "2026-01-03T00:00:00Z", "version": 1,
    "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "not_affected",
                    "justification": "component_not_present",
                    "products": [{"@id": "pkg:npm/lib@1.0.0"}]}]})");
  answer = Do({"import", "openvex", Path("vex.json"), "--namespace", "acme", "--key", Path("sue")});
  EXPECT_EQ(answer["set"], 1);
  EXPECT_EQ(answer["items"][0]["effect"], "RELAX");

  // A document that cannot be read fails, and the others go on; a withdrawal ends an advisory.
  WriteBytes(Path("bad.json"), "{}");
  WriteBytes(Path("gone.json"), R"({"id": "GHSA-1", "modified": "2026-02-02T00:00:00Z",
    "withdrawn": "2026-02-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "npm", "name": "lib"}, "versions": ["1.0.0"]}]})");
  answer = DoInPart({"import", "osv", Path("bad.json"), Path("gone.json"), "--map", "npm=acme",
                     "--key", Path("sue")});
  EXPECT_EQ(answer["failed"], 1);
  EXPECT_EQ(answer["withdrawn"], 1);
  EXPECT_EQ(answer["items"][0]["error"]["reason"], "ADVISORY_IMPORT_INVALID");

  answer = DoInPart({"import", "csaf", Path("osv.json"), "--namespace", "acme", "--dry-run"});
  EXPECT_EQ(answer["failed"], 1);
  answer = Do({"import", "osv", Path("osv.json"), "--map", "npm=acme", "--key", Path("ann")});
  EXPECT_EQ(answer["items"][0]["result"], "present") << "a newer one, withdrawn, is there";
  EXPECT_EQ(Reason({"import", "osv", Path("osv.json"), "--map", "npm=acme"}), "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"import", "osv", Path("osv.json"), "--key", Path("sue")}), "ARGUMENT_INVALID");
}

TEST_F(KnowledgeImportTest, QuestionsAboutUse) {
  Do({"environment", "create", "production"});
  Json answer = Do({"compat", "who-uses", "acme/lib"});
  EXPECT_EQ(answer["items"].size(), 0u);
  EXPECT_EQ(Reason({"compat", "who-uses"}), "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"compat", "who-uses", "--license", "MIT", "--range", "vers:deb/1"}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"compat", "who-uses", "acme/lib", "--environment", "nowhere"}, 4),
            "ENVIRONMENT_NOT_FOUND");
  Publish("1.0.0", "one");
  Publish("2.0.0", "two");
  WriteBytes(Path("nodes.yaml"),
             "schema: dml.nodes/v1\nnodes:\n- name: web\n"
             "  runs: [packages/acme/tool/versions/2.0.0/variants/any]\n");
  answer = Do({"compat", "safe-rollback", "acme/tool", "--nodes", Path("nodes.yaml")});
  ASSERT_EQ(answer["items"].size(), 1u);
  EXPECT_EQ(answer["items"][0]["outcome"], "SAFE");
  EXPECT_EQ(Reason({"compat", "safe-rollback", "acme/tool"}), "ARGUMENT_INVALID");
  EXPECT_EQ(Reason({"compat", "safe-rollback", "acme/tool", "--environment", "production"}, 4),
            "NOTHING_IN_USE");
}

}  // namespace
}  // namespace dml
