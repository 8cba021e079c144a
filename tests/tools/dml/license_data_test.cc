// License data of a running library, and the answers that go by it.
#include <sstream>

#include <gmock/gmock.h>

#include "core/crypto/sha256.h"
#include "tests/integration/support/running_library.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

std::string Matrix(std::string_view mit_of_isc) {
  return fmt::format(
      R"({{"timeformat": "t", "timestamp": "T", "licenses": [
        {{"name": "MIT", "compatibilities": [
          {{"name": "MIT", "compatibility": "Same", "explanation": "same"}},
          {{"name": "ISC", "compatibility": "{}", "explanation": "because"}}]}},
        {{"name": "ISC", "compatibilities": [
          {{"name": "MIT", "compatibility": "Yes", "explanation": "e"}},
          {{"name": "ISC", "compatibility": "Same", "explanation": "same"}}]}}]}})",
      mit_of_isc);
}

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses:
  rules:
    - {id: inside, outcome: ALLOW_WITH_OBLIGATIONS, categories: [copyleft],
       obligations: [source-offer], when: {provisions: [INTERNAL]}}
  contexts: [{environment: lab, provision: INTERNAL}]
)";

class LicenseDataCommandTest : public ::testing::Test {
 protected:
  LicenseDataCommandTest() : library_(dir_.path() / "data") {}

  void SetUp() override {
    ASSERT_TRUE(library_.Start()) << "is dmld built?";
    Do({"key", "generate", "--out", File("lea")});
    Do({"key", "register", "--key", File("lea"), "--owner", "lea", "--role", "license-data",
        "--namespace", "*"});
  }

  std::string File(const std::string& name) { return dir_.path() / name; }
  std::string Write(const std::string& name, std::string_view text) {
    return testing::WriteBytes(File(name), text);
  }
  Json Do(Words args, int code = 0) {
    args.insert(args.begin(), {"--output", "json", "--profile", library_.profile()});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(args, out, err), code) << ::testing::PrintToString(args) << err.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }
  Json Set(const std::string& file, const char* kind, const char* version, Words more = {},
           int code = 0) {
    Words args = {"license", "data",      "set",   file,    "--kind",
                  kind,      "--version", version, "--key", File("lea")};
    args.insert(args.end(), more.begin(), more.end());
    return Do(args, code);
  }
  uint64_t JournalSize() { return Do({"status"})["journalSize"]; }

  testing::TempDir dir_;
  testing::RunningLibrary library_;
};

TEST_F(LicenseDataCommandTest, AMatrixIsLoadedComparedByAndReplaced) {
  EXPECT_EQ(Do({"license", "compare", "MIT", "ISC"}, 1)["error"]["reason"],
            "LICENSE_MATRIX_MISSING");
  const std::string matrix = Write("matrix.json", Matrix("No"));
  const uint64_t size = JournalSize();
  const Json dry = Set(matrix, "matrix", "OSADL", {"--dry-run"});
  EXPECT_THAT(dry["changes"], ElementsAre("+ MIT", "+ ISC"));
  EXPECT_FALSE(dry.contains("commit"));
  EXPECT_EQ(JournalSize(), size) << "a dry run changes nothing";

  const Json set = Set(matrix, "matrix", "OSADL");
  EXPECT_EQ(set["licenseData"]["revision"], 1);
  EXPECT_EQ(set["licenseData"]["index"], size);
  const Json denied = Do({"license", "compare", "mit", "ISC"}, 3);
  EXPECT_EQ(denied["outcome"], "DENY");
  EXPECT_EQ(denied["outbound"], "MIT");
  EXPECT_EQ(denied["explanation"], "because");
  EXPECT_EQ(denied["matrix"], "OSADL of T");
  EXPECT_EQ(Do({"license", "compare", "MIT", "ISC", "--combination", "SEPARATE"}, 3)["outcome"],
            "REVIEW");

  // With blanks it replaces nothing, and they are told.
  Write("matrix.json", Matrix(""));
  const Json refused = Set(matrix, "matrix", "OSADL 2", {}, 1);
  EXPECT_EQ(refused["error"]["reason"], "LICENSE_MATRIX_INVALID");
  EXPECT_THAT(refused.dump(), HasSubstr("MIT <- ISC"));
  EXPECT_EQ(Do({"license", "compare", "MIT", "ISC"}, 3)["matrix"], "OSADL of T");

  Write("matrix.json", Matrix("Yes"));
  EXPECT_THAT(Set(matrix, "matrix", "OSADL 2")["changes"], ElementsAre("MIT <- ISC: No, now Yes"));
  EXPECT_EQ(Do({"license", "compare", "MIT", "ISC"})["matrix"], "OSADL 2 of T");
  const Json items = Do({"license", "data", "list"})["items"];
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1]["revision"], 2);
  EXPECT_EQ(items[1]["version"], "OSADL 2");
  EXPECT_TRUE(Do({"license", "data", "list", "--kind", "list"})["items"].empty());
  EXPECT_EQ(Set(matrix, "matrix", "OSADL", {"--revision", "1"}, 1)["error"]["reason"],
            "LICENSE_DATA_REVISION_UNEXPECTED");
}

TEST_F(LicenseDataCommandTest, ADocumentMayBeLargerThanAMessage) {
  // Over the 4 MiB that a message may have, in texts of half a MiB.
  Json texts = Json::array();
  for (int i = 0; i < 12; ++i) {
    texts.push_back({{"id", fmt::format("LicenseRef-{}", i)}, {"text", std::string(500'000, 'x')}});
  }
  const std::string document = Json{{"schema", "dml.license-texts/v1"}, {"texts", texts}}.dump();
  ASSERT_GT(document.size(), size_t{5} << 20);
  const Words set = {"license", "data",     "set",       Write("large.json", document),
                     "--kind",  "texts",    "--version", "1",
                     "--key",   File("lea")};
  EXPECT_EQ(Do(set)["licenseData"]["size"], document.size());
  EXPECT_EQ(Do({"license", "data", "list"})["items"][0]["content"], Sha256(document).ToString());
}

TEST_F(LicenseDataCommandTest, VerdictsGoByThePropertiesAndNameThem) {
  Do({"environment", "create", "lab"});
  Do({"environment", "create", "shop"});
  const std::string policy = Write("policy.yaml", kPolicy);
  const Words set = {"policy", "set", "--environment", "lab", policy};
  EXPECT_EQ(Do(set, 1)["error"]["reason"], "POLICY_INVALID") << "its category is of no data";
  Set(Write("properties.yaml",
            "categories: [{name: copyleft}]\n"
            "categorizations: [{id: GPL-2.0-only, categories: [copyleft]}]\n"),
      "properties", "props 1");
  Do(set);
  Do({"policy", "set", "--environment", "shop", policy});
  const Json inside = Do({"license", "eval", "GPL-2.0-only", "--environment", "lab"});
  EXPECT_EQ(inside["outcome"], "ALLOW_WITH_OBLIGATIONS");
  EXPECT_THAT(inside["obligations"], ElementsAre("source-offer"));
  EXPECT_EQ(inside["context"]["provision"], "INTERNAL");
  EXPECT_EQ(inside["licensePropertiesVersion"], "props 1");
  const Json outside = Do({"license", "eval", "GPL-2.0-only", "--environment", "shop"}, 3);
  EXPECT_EQ(outside["outcome"], "REVIEW");
  EXPECT_EQ(outside["findings"][0]["rule"], "license.review");
  const std::string without = Write("properties.yaml",
                                    "categories: [{name: other}]\n"
                                    "categorizations: [{id: GPL-2.0-only, categories: [other]}]\n");
  EXPECT_EQ(Set(without, "properties", "props 2", {}, 1)["error"]["reason"], "LICENSE_DATA_IN_USE");
}

}  // namespace
}  // namespace dml
