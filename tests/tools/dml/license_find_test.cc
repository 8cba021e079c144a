// dml license find and conclude on a running library.
#include <gmock/gmock.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using LicenseFindCommandTest = testing::CommandLibrary;

TEST_F(LicenseFindCommandTest, FindsByWhatALicenseHolds) {
  Begin();
  Publish("1.0.0", "content");
  const std::string license = "MIT";
  const Json by_name = Do({"license", "find", license, "--all"});
  ASSERT_EQ(by_name["items"].size(), 1u) << by_name;
  EXPECT_EQ(by_name["items"][0]["license"], license);
  EXPECT_EQ(Do({"license", "find", "--part", license})["items"], by_name["items"]);
  EXPECT_TRUE(Do({"license", "find", "--unknown"})["items"].empty());
  EXPECT_EQ(Do({"license", "find", "--category", "copyleft"}, 1)["error"]["reason"],
            "LICENSE_PROPERTIES_MISSING");
  EXPECT_EQ(Do({"license", "find", "--obligation", "notice", "--provision", "INTERNAL"},
               1)["error"]["reason"],
            "LICENSE_PROPERTIES_MISSING");
  EXPECT_EQ(Do({"license", "find", "MIT", "--unmodified"}, 2)["error"]["reason"],
            "ARGUMENT_INVALID");
  Do({"license", "find", "MIT", "--unknown"}, 2);
}

TEST_F(LicenseFindCommandTest, WhatAnSbomObservesCountsUntilAPersonConcludes) {
  Begin();
  Publish("1.0.0", "content");
  Do({"key", "generate", "--out", Path("lea")});
  Do({"key", "register", "--key", Path("lea"), "--owner", "lea", "--role", "license-data",
      "--namespace", "*"});
  testing::WriteBytes(Path("bom.json"),
                      R"({"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata":
      {"component": {"name": "tool", "licenses": [{"expression": "MIT AND GPL-3.0-only"}]}}})");
  const Json variant = Do({"package", "show", "acme/tool@1.0.0"});
  const std::string manifest = variant["variant"]["manifest"]["digest"];
  Do({"attest", "sign", "--type", "https://cyclonedx.org/bom", "--subject", manifest, "--predicate",
      Path("bom.json"), "--key", Path("ann"), "--out", Path("bom.dsse")});
  Do({"package", "attach", "acme/tool@1.0.0", "--envelope", Path("bom.dsse")});
  testing::WriteBytes(Path("policy.yaml"), R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT], deny: [GPL-3.0-only]}
)");
  const Words eval = {"license",         "eval",     "--package",
                      "acme/tool@1.0.0", "--policy", Path("policy.yaml")};
  const Json denied = Do(eval, 3);
  EXPECT_EQ(denied["outcome"], "DENY");
  EXPECT_EQ(denied["expression"], "MIT AND GPL-3.0-only");
  EXPECT_EQ(denied["evidence"]["declared"], "MIT");
  EXPECT_EQ(denied["evidence"]["observed"][0]["expression"], "MIT AND GPL-3.0-only");
  EXPECT_TRUE(denied["evidence"]["concluded"].is_null());
  EXPECT_EQ(denied["findings"][0]["rule"], "license.observed-undeclared");
  const Words conclude = {"license", "conclude", "acme/tool@1.0.0", "--license",
                          "mit",     "--reason", "a test file",     "--key"};
  auto with = [&](const std::string& key) {
    Words words = conclude;
    words.push_back(Path(key));
    return words;
  };
  EXPECT_EQ(Do(with("ann"), 5)["error"]["reason"], "SIGNATURE_MISSING");
  EXPECT_EQ(Do(with("lea"))["conclusion"]["license"], "mit");
  const Json allowed = Do(eval);
  EXPECT_EQ(allowed["outcome"], "ALLOW");
  EXPECT_EQ(allowed["evidence"]["concluded"]["author"], "lea");
  EXPECT_EQ(allowed["evidence"]["concluded"]["expression"], "MIT");
}

}  // namespace
}  // namespace dml
