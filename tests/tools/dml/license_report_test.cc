// dml license check, report and dry-run on a running library.
#include <gmock/gmock.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LicenseReportCommandTest : public testing::CommandLibrary {
 protected:
  void SetUp() override {
    Begin();
    if (HasFatalFailure()) return;
    Publish("1.0.0", "content");
    Do({"key", "generate", "--out", Path("lea")});
    Do({"key", "register", "--key", Path("lea"), "--owner", "lea", "--role", "license-data",
        "--namespace", "*"});
  }
  void Load(const char* kind, std::string_view content) {
    testing::WriteBytes(Path(kind), content);
    Do({"license", "data", "set", Path(kind), "--kind", kind, "--version", "v1", "--key",
        Path("lea")});
  }
};

TEST_F(LicenseReportCommandTest, ANoticeIsWrittenOnceAllTextsAreThere) {
  const Words report = {"license", "report", "acme/tool@1.0.0"};
  const Json missing = Do(report, 3);
  EXPECT_THAT(missing["missingTexts"], ElementsAre("MIT"));
  EXPECT_TRUE(missing["document"].is_null());
  Load("texts", R"({"schema": "dml.license-texts/v1", "texts":
       [{"id": "MIT", "text": "Permission is granted <to> all & sundry"}]})");
  const Json text = Do(report);
  EXPECT_THAT(text["document"].get<std::string>(), HasSubstr("acme/tool 1.0.0"));
  EXPECT_THAT(text["document"].get<std::string>(), HasSubstr("granted <to> all & sundry"));
  EXPECT_EQ(text["licenseTextsVersion"], "v1");
  EXPECT_EQ(text["obligations"][0]["word"], "unknown") << "no properties are loaded";
  auto write = [&](const char* format) {
    Words words = report;
    words.insert(words.end(), {"--format", format, "--title", "A <b>", "--out", Path(format)});
    EXPECT_EQ(Do(words)["file"], Path(format));
    return testing::ReadBytes(Path(format));
  };
  const std::string html = write("html");
  EXPECT_THAT(html, HasSubstr("<h1>A &lt;b&gt;</h1>"));
  EXPECT_THAT(html, HasSubstr("granted &lt;to&gt; all &amp; sundry"));
  EXPECT_THAT(html, Not(HasSubstr("<to>")));
  const Json spdx = Json::parse(write("spdx"));
  for (const char* member : {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace",
                             "creationInfo", "packages"}) {
    EXPECT_TRUE(spdx.contains(member)) << member;
  }
  EXPECT_THAT(spdx["documentNamespace"].get<std::string>(), HasSubstr("/license-reports/"));
  EXPECT_EQ(spdx["packages"][0]["licenseConcluded"], "MIT");
  Do({"license", "report", "acme/tool@1.0.0", "--environment", "none"}, 4);
}

TEST_F(LicenseReportCommandTest, AReleaseIsReportedAndWhatAnEnvironmentHas) {
  Load("texts", R"({"schema": "dml.license-texts/v1", "texts": [{"id": "MIT", "text": "May"}]})");
  Do({"environment", "create", "production"});
  testing::WriteBytes(Path("policy.yaml"), R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
)");
  Do({"policy", "set", "--environment", "production", Path("policy.yaml")});
  Do({"key", "generate", "--out", Path("rita")});
  Do({"key", "register", "--key", Path("rita"), "--owner", "rita", "--role", "release",
      "--namespace", "*"});
  testing::WriteBytes(Path("changes.json"), R"({"schema": "dml.changes/v1", "changes":
      [{"id": "CHG-1", "title": "Pay by card", "risk": "LOW", "authorizedBy": "p-1"}]})");
  Do({"release", "compose", "--name", "shop", "--version", "1.0.0", "--type", "PATCH",
      "--environment", "production", "--variant", "acme/tool@1.0.0", "--changes",
      Path("changes.json"), "--out", Path("release.json")});
  Do({"release", "seal", Path("release.json"), "--key", Path("rita")});
  const Json report = Do({"license", "report", "--release", "shop@1.0.0"});
  EXPECT_EQ(report["components"], 1);
  EXPECT_THAT(report["document"].get<std::string>(), HasSubstr("acme/tool 1.0.0"));
  const Json missing = Do({"license", "report", "--release", "shop@2.0.0"}, 4);
  EXPECT_EQ(missing["error"]["reason"], "RELEASE_NOT_FOUND");
  const Json nothing = Do({"license", "report", "--environment", "production"}, 4);
  EXPECT_EQ(nothing["error"]["reason"], "NOTHING_DEPLOYED");
  for (const Words& wrong :
       {Words{"license", "report"}, Words{"license", "report", "--release", "shop"},
        Words{"license", "report", "acme/tool@1.0.0", "--release", "shop@1.0.0"}}) {
    EXPECT_EQ(Do(wrong, 2)["error"]["reason"], "ARGUMENT_INVALID");
  }
}

TEST_F(LicenseReportCommandTest, ASetIsCheckedAgainstItsOutboundLicense) {
  const Words check = {"license", "check", "acme/tool@1.0.0", "--outbound", "ISC"};
  EXPECT_EQ(Do(check, 1)["error"]["reason"], "LICENSE_MATRIX_MISSING");
  Load("matrix", R"({"timeformat": "t", "timestamp": "T", "licenses": [
      {"name": "MIT", "compatibilities": [
        {"name": "MIT", "compatibility": "Same", "explanation": "same"},
        {"name": "ISC", "compatibility": "Yes", "explanation": "fine"}]},
      {"name": "ISC", "compatibilities": [
        {"name": "MIT", "compatibility": "No", "explanation": "because"},
        {"name": "ISC", "compatibility": "Same", "explanation": "same"}]}]})");
  const Json denied = Do(check, 3);
  EXPECT_EQ(denied["outcome"], "DENY");
  EXPECT_EQ(denied["pairs"], 1);
  EXPECT_EQ(denied["findings"][0]["rule"], "license.incompatible");
  EXPECT_EQ(denied["findings"][0]["conflict"]["outboundVariant"], "");
  EXPECT_EQ(denied["findings"][0]["conflict"]["explanation"], "because");
  EXPECT_EQ(denied["findings"][0]["conflict"]["matrix"], "v1 of T");
  Words separate = check;
  separate.insert(separate.end(), {"--combination", "SEPARATE"});
  EXPECT_EQ(Do(separate, 3)["outcome"], "REVIEW");
  EXPECT_EQ(Do({"license", "check", "acme/tool@1.0.0", "--outbound", "MIT"})["outcome"], "ALLOW");
}

TEST_F(LicenseReportCommandTest, ADryRunTellsWhatAPolicyWouldChange) {
  auto policy = [&](const char* name, const char* licenses) {
    testing::WriteBytes(Path(name), fmt::format("schema: dml.policy/v1\n"
                                                "content: {{allowedNamespaces: [acme]}}\n"
                                                "signatures: {{threshold: 1}}\nlicenses: {{{}}}\n",
                                                licenses));
    return Path(name);
  };
  Do({"environment", "create", "lab"});
  Do({"policy", "set", "--environment", "lab", policy("old", "allow: [MIT]")});
  auto run = [&](const std::string& file) {
    return Do({"license", "dry-run", "--policy", file, "--environment", "lab", "--all"});
  };
  EXPECT_TRUE(run(Path("old"))["items"].empty());
  const Json items = run(policy("new", "deny: [MIT]"))["items"];
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0]["license"], "MIT");
  EXPECT_EQ(items[0]["before"]["outcome"], "ALLOW");
  EXPECT_EQ(items[0]["after"]["outcome"], "DENY");
  EXPECT_THAT(items[0]["after"]["explanation"].get<std::string>(), HasSubstr("deny"));
}

}  // namespace
}  // namespace dml
