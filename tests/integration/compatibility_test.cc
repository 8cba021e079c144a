// Questions on compatibility by the command line, to a daemon.
#include <gmock/gmock.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using testing::ReadBytes;
using testing::SpecJson;
using testing::WriteBytes;

class CompatibilityTest : public testing::CommandLibrary {
 protected:
  void SetUp() override {
    Begin();
    Add("app", "1.0.0", R"(,"requires":[{"anyOf":[{"name":"lib"}],"source":"needs a lib"}])");
    Add("app", "2.0.0",
        R"(,"requires":[{"anyOf":[{"name":"lib","range":"vers:semver/>=2.0.0"}],"source":"lib >= 2"}])");
    for (const char* version : {"1.0.0", "2.0.0", "3.0.0"}) Add("lib", version, "");
  }
  void Add(const std::string& name, const std::string& version, const std::string& more) {
    WriteBytes(Path("tool"), name + version);
    WriteBytes(Path("spec.json"), SpecJson("acme/" + name, version, "MIT", more));
    Do({"package", "publish", "--spec", Path("spec.json"), "--file", Path("tool"), "--key",
        Path("ann")});
  }
  static std::string Variant(const std::string& name, const std::string& version) {
    return "packages/acme/" + name + "/versions/" + version + "/variants/any";
  }
};

TEST_F(CompatibilityTest, ResolvesAndLocks) {
  Json answer = Do({"compat", "resolve", "acme/app", "--lockfile", Path("lock")});
  EXPECT_EQ(answer["outcome"], "SOLVED");
  ASSERT_EQ(answer["packages"].size(), 2u);
  EXPECT_EQ(answer["packages"][0]["variant"], Variant("app", "2.0.0"));
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "3.0.0"));
  EXPECT_EQ(answer["lockfile"], Path("lock"));
  EXPECT_THAT(ReadBytes(Path("lock")), HasSubstr("\"dml.lock/v1\""));

  Add("lib", "4.0.0", "");
  answer = Do({"compat", "resolve", "acme/app"});
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "4.0.0"));
  answer = Do({"compat", "resolve", "acme/app", "--locked", Path("lock")});
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "3.0.0")) << "as it was locked";
  Do({"package", "withdraw", "acme/lib@3.0.0", "--reason", "bad"});
  answer = Do({"compat", "resolve", "acme/app", "--locked", Path("lock")}, 3);
  EXPECT_EQ(answer["outcome"], "UNSOLVABLE");
  EXPECT_THAT(answer["reasons"].dump(), HasSubstr(Path("lock")));

  answer = Do({"compat", "resolve", "acme/app", "--mode", "minimal-change", "--in-use",
               "acme/lib@2.0.0", "--in-use", "acme/app@1.0.0"});
  EXPECT_EQ(answer["packages"][0]["variant"], Variant("app", "1.0.0"));
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "2.0.0"));
}

TEST_F(CompatibilityTest, AsksByADocument) {
  WriteBytes(Path("ask.yaml"),
             "schema: dml.resolve/v1\nwanted: [{name: acme/app}]\nmode: OLDEST\n"
             "pins: [{package: acme/lib, range: 'vers:semver/>=2.0.0', source: ticket 42}]\n");
  const Json answer = Do({"compat", "resolve", "--request", Path("ask.yaml")});
  EXPECT_EQ(answer["mode"], "OLDEST");
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "2.0.0"));
  WriteBytes(Path("ask.yaml"), "schema: dml.resolve/v1\nwanted:\n- {name: app}\n");
  const Json error = Do({"compat", "resolve", "--request", Path("ask.yaml")}, 2);
  EXPECT_EQ(error["error"]["reason"], "NAME_INVALID");
  EXPECT_THAT(error["error"]["message"].get<std::string>(), HasSubstr("line 3"));
  EXPECT_EQ(error["error"]["fields"][0]["field"], "wanted[0].name");
}

TEST_F(CompatibilityTest, SaysWhyNot) {
  Json answer =
      Do({"compat", "why-not", "acme/lib semver:=1.0.0", "--with", "acme/app semver:>=2.0.0"}, 3);
  EXPECT_EQ(answer["outcome"], "UNSOLVABLE");
  EXPECT_THAT(answer["reasons"].dump(), HasSubstr("lib >= 2"));
  answer = Do({"compat", "why-not", "acme/lib semver:=2.0.0", "--with", "acme/app"});
  EXPECT_EQ(answer["outcome"], "POSSIBLE");

  answer = Do({"compat", "versions", "acme/lib", "--with", "acme/app semver:>=2.0.0"});
  ASSERT_EQ(answer["items"].size(), 3u);
  EXPECT_EQ(answer["items"][0]["outcome"], "COMPATIBLE");
  EXPECT_EQ(answer["items"][2]["outcome"], "INCOMPATIBLE");
  EXPECT_EQ(answer["complete"], true);
  Do({"compat", "versions", "acme/none"}, 4);
}

TEST_F(CompatibilityTest, ChecksPlansAndChangesNodes) {
  WriteBytes(Path("nodes.yaml"), "schema: dml.nodes/v1\nnodes:\n- {name: web, count: 2, runs: [" +
                                     Variant("app", "1.0.0") + ", " + Variant("lib", "1.0.0") +
                                     "]}\n");
  const std::string nodes = Path("nodes.yaml");
  EXPECT_EQ(Do({"compat", "check-environment", "--nodes", nodes})["outcome"], "COMPATIBLE");
  Json answer =
      Do({"compat", "check-environment", "--nodes", nodes, "--install", "acme/app@2.0.0"}, 3);
  EXPECT_EQ(answer["outcome"], "INCOMPATIBLE");
  EXPECT_EQ(answer["violations"][0]["source"], "lib >= 2");
  EXPECT_EQ(answer["violations"][0]["signers"][0], "ann");
  EXPECT_EQ(answer["violations"][0]["node"], "web");
  EXPECT_EQ(answer["violations"][0]["nodes"], 2);

  answer = Do({"compat", "what-breaks", "--nodes", nodes, "--remove", "acme/lib"}, 3);
  EXPECT_EQ(answer["violations"][0]["source"], "needs a lib");
  Do({"compat", "what-breaks", "--nodes", nodes, "--remove", "acme/lib@2.0.0"}, 4);

  answer = Do({"compat", "plan", "--nodes", nodes, "--upgrade", "acme/app@2.0.0", "--upgrade",
               "acme/lib@2.0.0"});
  EXPECT_EQ(answer["outcome"], "PLANNED");
  EXPECT_EQ(answer["waves"], 1);
  EXPECT_EQ(answer["steps"][0]["node"], "web");
  EXPECT_EQ(answer["steps"][0]["nodes"], 2);
  answer = Do({"compat", "plan", "--nodes", nodes, "--upgrade", "acme/app@2.0.0"}, 3);
  EXPECT_EQ(answer["outcome"], "NO_ORDER");
  EXPECT_EQ(answer["reasons"][0]["source"], "lib >= 2");

  EXPECT_EQ(
      Do({"compat", "check-environment", "--nodes", nodes, "--on", "db"}, 2)["error"]["reason"],
      "ARGUMENT_INVALID");
  EXPECT_EQ(Do({"compat", "what-breaks", "--nodes", nodes}, 2)["error"]["reason"],
            "ARGUMENT_INVALID");
  WriteBytes(nodes, "schema: dml.nodes/v1\nnodes:\n- {name: web, runs: [app]}\n");
  answer = Do({"compat", "plan", "--nodes", nodes}, 2);
  EXPECT_EQ(answer["error"]["reason"], "NAME_INVALID");
  EXPECT_THAT(answer["error"]["message"].get<std::string>(), HasSubstr("line 3"));
}

TEST_F(CompatibilityTest, AdvisoriesCountAsAPackagesOwnRelations) {
  Do({"key", "generate", "--out", Path("sue")});
  Do({"key", "register", "--key", Path("sue"), "--owner", "sue", "--role", "advisory",
      "--namespace", "acme"});
  WriteBytes(Path("a.json"),
             R"({"schema": "dml.advisory/v1", "id": "A-1", "revision": 1, "authority": "security",
                 "effect": "DENY", "affects": [{"package": "acme/lib",
                 "range": "vers:semver/>=2.0.0"}], "aliases": ["CVE-1"], "text": "leaks"})");
  Json answer = Do({"advisory", "set", Path("a.json"), "--key", Path("sue"), "--dry-run"});
  EXPECT_FALSE(answer.contains("commit"));
  answer = Do({"advisory", "set", Path("a.json"), "--key", Path("sue")});
  EXPECT_EQ(answer["advisory"]["id"], "A-1");
  EXPECT_TRUE(answer.contains("commit"));
  EXPECT_EQ(Do({"advisory", "list"})["items"][0]["effect"], "DENY");
  EXPECT_EQ(Do({"advisory", "show", "A-1"})["document"]["aliases"][0], "CVE-1");

  EXPECT_EQ(Do({"compat", "check", "acme/lib@3.0.0"}, 3)["violations"][0]["rule"],
            "compatibility.denied");
  answer = Do({"compat", "resolve", "acme/app"});
  EXPECT_EQ(answer["packages"][1]["variant"], Variant("lib", "1.0.0"));
  answer = Do({"compat", "resolve", "acme/app semver:>=2.0.0"}, 3);
  EXPECT_THAT(answer["reasons"].dump(), HasSubstr("advisory A-1 (CVE-1) of security"));

  Do({"advisory", "withdraw", "A-1", "--reason", "another package", "--key", Path("sue")});
  EXPECT_EQ(Do({"advisory", "list"})["items"][0]["withdrawn"], true);
  EXPECT_EQ(Do({"advisory", "list", "--package", "acme/lib"})["items"].size(), 0u);
  Do({"compat", "check", "acme/lib@3.0.0"});

  auto reason = [this](Words words, int code = 2) -> std::string {
    return Do(std::move(words), code)["error"]["reason"];
  };
  EXPECT_EQ(reason({"advisory", "set", Path("a.json"), "--key", Path("ann")}, 5),
            "THRESHOLD_NOT_MET");
  EXPECT_EQ(reason({"advisory", "set", Path("a.json")}), "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"advisory", "set"}), "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"advisory", "show", "A/1"}), "ADVISORY_ID_INVALID");
  EXPECT_EQ(reason({"advisory", "show", "A-9"}, 4), "ADVISORY_NOT_FOUND");
  WriteBytes(Path("a.json"), R"({"schema": "dml.advisory/v1", "id": "A-1"})");
  EXPECT_EQ(reason({"advisory", "set", Path("a.json"), "--key", Path("sue")}), "ADVISORY_INVALID");
}

TEST_F(CompatibilityTest, WrongArgumentsAreRefusedHere) {
  auto reason = [this](Words words, int code = 2) -> std::string {
    return Do(std::move(words), code)["error"]["reason"];
  };
  EXPECT_EQ(reason({"compat", "resolve"}), "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "app"}), "NAME_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--pin", "acme/lib"}), "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--pin", "abi:x deb:= 1"}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--mode", "best"}), "ARGUMENT_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--platform", "Linux"}), "NAME_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--locked", Path("none")}), "FILE_NOT_FOUND");
  WriteBytes(Path("lock"), "{}");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--locked", Path("lock")}),
            "LOCKFILE_INVALID");
  EXPECT_EQ(reason({"compat", "resolve", "acme/app", "--in-use", "acme/none@1"}, 4),
            "PACKAGE_NOT_FOUND");
}

}  // namespace
}  // namespace dml
