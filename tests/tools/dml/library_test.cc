// Commands against a running library, as a user gives them.
#include <sstream>

#include <gmock/gmock.h>

#include "core/trust/statement.h"
#include "tests/integration/support/running_library.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SpecJson;
using Words = std::vector<std::string>;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content:
  allowedNamespaces: [acme]
signatures:
  threshold: 2
licenses:
  allow: [MIT]
)";

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class LibraryTest : public ::testing::Test {
 protected:
  LibraryTest() : library_(dir_.path() / "data") {}

  void SetUp() override {
    ASSERT_TRUE(library_.Start()) << "is dmld built?";
    Do({"namespace", "create", "acme"});
    for (const char* person : {"ann", "bob"}) {
      Do({"key", "generate", "--out", File(person)});
      Do({"key", "register", "--key", File(person), "--owner", person, "--role", "publisher",
          "--namespace", "acme"});
    }
    spec_ = Write("spec.json", SpecJson("acme/api", "1.0.0"));
    tool_ = Write("tool", "#!/bin/sh\n");
  }

  std::string File(const std::string& name) { return dir_.path() / name; }
  std::string Write(const std::string& name, std::string_view text) {
    return testing::WriteBytes(File(name), text);
  }

  Outcome Run(Words args) {
    args.insert(args.begin(), {"--profile", library_.profile()});
    std::ostringstream out;
    std::ostringstream err;
    Outcome run;
    run.code = RunDml(args, out, err);
    run.out = out.str();
    run.err = err.str();
    return run;
  }
  // Runs a command that must end with this code; its JSON.
  Json Do(Words args, int code = 0) {
    args.insert(args.begin(), {"--output", "json"});
    Outcome run = Run(args);
    EXPECT_EQ(run.code, code) << ::testing::PrintToString(args) << run.err;
    return Json::parse(code == 0 || code == 3 ? run.out : run.err, nullptr, false);
  }
  Json Publish(int code = 0) {
    return Do({"package", "publish", "--spec", spec_, "--file", tool_, "--key", File("ann")}, code);
  }
  uint64_t JournalSize() { return Do({"status"})["journalSize"]; }
  std::string KeyIdOf(const char* person) { return Do({"key", "show", File(person)})["id"]; }

  void SetPolicy() {
    Do({"environment", "create", "production"});
    Do({"policy", "set", "--environment", "production", Write("policy.yaml", kPolicy)});
  }
  Json Evaluate(const std::string& variant, int code) {
    return Do({"gate", "evaluate", "--environment", "production", variant}, code);
  }

  testing::TempDir dir_;
  testing::RunningLibrary library_;
  std::string spec_;
  std::string tool_;
};

TEST_F(LibraryTest, PublishingTheSameAgainIsDone) {
  Json first = Publish();
  EXPECT_EQ(first["alreadyPublished"], false);
  const uint64_t size = JournalSize();
  Json again = Publish();
  EXPECT_EQ(again["alreadyPublished"], true);
  EXPECT_EQ(again["variant"], first["variant"]);
  EXPECT_EQ(again["commit"]["index"], first["commit"]["index"]);
  EXPECT_EQ(again["commit"]["time"], first["commit"]["time"]);
  Outcome text =
      Run({"package", "publish", "--spec", spec_, "--file", tool_, "--key", File("bob")});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("already published packages/acme/api/versions/1.0.0/"));
  EXPECT_THAT(text.err, HasSubstr("dml package sign")) << "bob's signature was not added";
  EXPECT_EQ(JournalSize(), size);
}

TEST_F(LibraryTest, PublishingOtherContentOrAWithdrawnVersionIsAnError) {
  Publish();
  Write("tool", "something else");
  EXPECT_EQ(Publish(1)["error"]["reason"], "VERSION_BOUND");
  Write("tool", "#!/bin/sh\n");
  Do({"package", "withdraw", "acme/api@1.0.0", "--reason", "wrong"});
  EXPECT_EQ(Publish(1)["error"]["reason"], "VERSION_EXISTS");
}

TEST_F(LibraryTest, TheGateDeniesWhatIsNotInTheLibrary) {
  SetPolicy();
  Publish();
  for (const char* variant :
       {"acme/api@2.0.0", "acme/api@1.0.0:linux-amd64", "acme/none@1.0.0", "nowhere/x@1.0.0",
        "packages/acme/none/versions/1.0.0/variants/any"}) {
    Json answer = Evaluate(variant, 3);
    EXPECT_EQ(answer["decision"], "DENY");
    std::vector<std::string> rules;
    for (const Json& finding : answer["findings"]) rules.push_back(finding["rule"]);
    EXPECT_THAT(rules, Contains("content.not-found")) << variant;
  }
  Json both = Do({"gate", "evaluate", "--environment", "production", "acme/api@2.0.0:linux-amd64",
                  "acme/api@1.0.0"},
                 3);
  EXPECT_EQ(both["findings"][0]["subject"],
            "packages/acme/api/versions/2.0.0/variants/linux-amd64");
  EXPECT_EQ(both["findings"][1]["rule"], "signature.threshold") << "all reasons are told";
  Outcome text = Run({"gate", "evaluate", "--environment", "production", "acme/api@2.0.0"});
  EXPECT_THAT(text.err, HasSubstr("there is acme/api@1.0.0:any"));
  EXPECT_EQ(
      Do({"gate", "evaluate", "--environment", "test", "acme/api@1.0.0"}, 4)["error"]["reason"],
      "ENVIRONMENT_NOT_FOUND");
}

TEST_F(LibraryTest, ASecondPublisherSigns) {
  SetPolicy();
  Publish();
  EXPECT_THAT(Evaluate("acme/api@1.0.0", 3)["findings"][0]["message"].get<std::string>(),
              HasSubstr("1 of the 2"));
  Json done = Do({"package", "sign", "acme/api@1.0.0", "--key", File("bob")});
  EXPECT_EQ(done["alreadySigned"], false);
  EXPECT_EQ(done["variant"], "packages/acme/api/versions/1.0.0/variants/any");
  EXPECT_EQ(done["attestation"]["subject"],
            Do({"package", "show", "acme/api@1.0.0"})["variant"]["manifest"]["digest"]);
  EXPECT_EQ(done["attestation"]["keyIds"], Json::array({KeyIdOf("bob")}));
  EXPECT_EQ(done["attestation"]["predicateType"], kPublicationPredicate);
  EXPECT_EQ(done["commit"]["index"], done["attestation"]["index"]);
  EXPECT_EQ(Evaluate("acme/api@1.0.0", 0)["decision"], "ALLOW");
  EXPECT_EQ(Do({"package", "verify", "acme/api@1.0.0"})["passed"], true);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
}

TEST_F(LibraryTest, SigningAgainAddsNothing) {
  Do({"key", "generate", "--algorithm", "ecdsa-p256", "--out", File("cid")});
  Do({"key", "register", "--key", File("cid"), "--owner", "cid", "--role", "publisher",
      "--namespace", "acme"});
  const uint64_t published = Publish()["commit"]["index"];
  Json first = Do({"package", "sign", "acme/api@1.0.0", "--key", File("cid")});
  Json again = Do({"package", "sign", "acme/api@1.0.0", "--key", File("cid")});
  EXPECT_EQ(again["alreadySigned"], true) << "ECDSA signatures are never the same twice";
  EXPECT_EQ(again["attestation"], first["attestation"]);
  EXPECT_EQ(again["commit"]["index"], first["commit"]["index"]);
  Json ann = Do({"package", "sign", "acme/api@1.0.0", "--key", File("ann")});
  EXPECT_EQ(ann["alreadySigned"], true) << "signed when it was published";
  EXPECT_EQ(ann["commit"]["index"], published);
  Json mixed =
      Do({"package", "sign", "acme/api@1.0.0", "--key", File("ann"), "--key", File("bob")});
  EXPECT_EQ(mixed["attestation"]["keyIds"], Json::array({KeyIdOf("bob")})) << "only the new one";
  Outcome text = Run({"package", "sign", "acme/api@1.0.0", "--key", File("bob")});
  EXPECT_THAT(text.out, HasSubstr("already signed packages/acme/api/"));
  EXPECT_THAT(text.out, HasSubstr(KeyIdOf("bob")));
}

TEST_F(LibraryTest, OnlyWhoMayPublishSigns) {
  Publish();
  Do({"key", "generate", "--out", File("eve")});
  EXPECT_EQ(Do({"package", "sign", "acme/api@1.0.0", "--key", File("eve")}, 5)["error"]["reason"],
            "SIGNATURE_MISSING");
  EXPECT_EQ(Do({"package", "sign", "acme/api@2.0.0", "--key", File("bob")}, 4)["error"]["reason"],
            "VARIANT_NOT_FOUND");
}

TEST_F(LibraryTest, ARevokedKeyIsNamedAsTheReason) {
  SetPolicy();
  Publish();
  Do({"package", "sign", "acme/api@1.0.0", "--key", File("bob")});
  Do({"key", "revoke", KeyIdOf("ann"), "--reason", "laptop stolen"});
  EXPECT_EQ(Do({"package", "verify", "acme/api@1.0.0"})["passed"], true) << "bob signed it too";
  EXPECT_THAT(Evaluate("acme/api@1.0.0", 3)["findings"][0]["message"].get<std::string>(),
              HasSubstr("its key " + KeyIdOf("ann") + " was revoked"));
  Do({"key", "revoke", KeyIdOf("bob"), "--reason", "left"});
  Json report = Do({"package", "verify", "acme/api@1.0.0"}, 3);
  std::string detail;
  for (const Json& step : report["steps"]) {
    if (!step["passed"]) detail += step["detail"].get<std::string>();
  }
  EXPECT_THAT(detail, HasSubstr("was revoked at entry"));
  EXPECT_TRUE(detail.find(KeyIdOf("ann")) != std::string::npos ||
              detail.find(KeyIdOf("bob")) != std::string::npos)
      << detail;
  // Whoever still may publish signs it anew.
  Do({"key", "generate", "--out", File("cid")});
  Do({"key", "register", "--key", File("cid"), "--owner", "cid", "--role", "publisher",
      "--namespace", "acme"});
  Do({"package", "sign", "acme/api@1.0.0", "--key", File("cid")});
  EXPECT_EQ(Do({"package", "verify", "acme/api@1.0.0"})["passed"], true);
}

TEST_F(LibraryTest, APackageProvidesItself) {
  auto publish = [&](const std::string& package, const std::string& version,
                     const std::string& more = "") {
    std::string spec = Write("one.json", SpecJson(package, version, "MIT", more));
    Do({"package", "publish", "--spec", spec, "--key", File("ann")});
  };
  auto providers = [&](Words more) {
    Words args = {"compat", "who-provides", "acme/mail"};
    args.insert(args.end(), more.begin(), more.end());
    return Do(args);
  };
  auto variants = [](const Json& page) {
    std::vector<std::string> out;
    for (const Json& item : page["items"]) {
      EXPECT_EQ(item["relation"], "provides");
      out.push_back(item["variant"].get<std::string>() + " " + item["range"].get<std::string>());
    }
    return out;
  };
  const std::string any = "/variants/any ";
  const std::string provides = R"(,"provides":[{"name":"acme/mail","version":"9.0.0",)"
                               R"("versionScheme":"semver"}])";
  publish("acme/exim", "4.0.0", provides);
  publish("acme/postfix", "3.0.0", provides);
  const std::vector<std::string> others = {"packages/acme/exim/versions/4.0.0" + any + "9.0.0",
                                           "packages/acme/postfix/versions/3.0.0" + any + "9.0.0"};
  EXPECT_EQ(variants(providers({})), others) << "a name that only others provide";
  publish("acme/mail", "1.0.0");
  publish("acme/mail", "2.0.0");
  publish("acme/mail", "3.0.0");
  Do({"package", "withdraw", "acme/mail@3.0.0", "--reason", "wrong"});
  std::vector<std::string> all = {"packages/acme/mail/versions/2.0.0" + any + "2.0.0",
                                  "packages/acme/mail/versions/1.0.0" + any + "1.0.0"};
  all.insert(all.end(), others.begin(), others.end());
  EXPECT_EQ(variants(providers({})), all);
  for (const char* size : {"1", "2", "3", "4", "5"}) {
    EXPECT_EQ(variants(providers({"--all", "--page-size", size})), all) << size;
    std::vector<std::string> paged;
    std::string token;
    do {
      Json page = providers({"--page-size", size, "--page-token", token});
      EXPECT_LE(page["items"].size(), std::stoul(size));
      for (std::string& variant : variants(page)) paged.push_back(std::move(variant));
      token = page["nextPageToken"];
    } while (!token.empty());
    EXPECT_EQ(paged, all) << size;
  }
}

TEST_F(LibraryTest, WhatTheLibraryRefusesIsNoUsageError) {
  SetPolicy();
  EXPECT_EQ(Do({"namespace", "create", "acme"}, 1)["error"]["reason"], "NAMESPACE_EXISTS");
  EXPECT_EQ(Do({"license", "eval", "MIT OR", "--environment", "production"}, 1)["error"]["code"],
            "INVALID_ARGUMENT");
  std::string bad = Write("bad.yaml", "schema: dml.policy/v1\ncontents: {}\n");
  Json policy = Do({"policy", "show", "--environment", "production"});
  Words set = {"policy", "set",    "--environment",         "production",
               bad,      "--etag", policy["policy"]["etag"]};
  EXPECT_EQ(Do(set, 1)["error"]["reason"], "POLICY_INVALID");
  EXPECT_THAT(Run(set).err, HasSubstr("dml policy check FILE"));
  EXPECT_EQ(Do({"log", "prove", "4711"}, 4)["error"]["code"], "NOT_FOUND");
}

TEST_F(LibraryTest, VerifySaysWhetherFilesWereChecked) {
  Publish();
  EXPECT_EQ(Do({"package", "verify", "acme/api@1.0.0"})["filesChecked"], false);
  Outcome open = Run({"package", "verify", "acme/api@1.0.0"});
  EXPECT_THAT(open.out, HasSubstr("not checked  give --dir, or --content"));
  EXPECT_THAT(open.out, HasSubstr("(documents, signatures and log; files not checked)"));
  EXPECT_EQ(Do({"package", "verify", "acme/api@1.0.0", "--content"})["filesChecked"], true);
  Outcome whole = Run({"package", "verify", "acme/api@1.0.0", "--content"});
  EXPECT_THAT(whole.out, HasSubstr("stored file tool"));
  EXPECT_THAT(whole.out, Not(HasSubstr("not checked")));
}

TEST_F(LibraryTest, AWithdrawnVariantIsGivenOutOnlyWhereThatIsAskedFor) {
  Publish();
  Do({"package", "withdraw", "acme/api@1.0.0", "--reason", "loses payments"});
  Words get = {"package", "get", "acme/api@1.0.0", "--out", File("out")};
  EXPECT_EQ(Do(get, 1)["error"]["reason"], "VARIANT_WITHDRAWN");
  EXPECT_THAT(Run(get).err, HasSubstr("--withdrawn"));
  get.push_back("--withdrawn");
  EXPECT_EQ(Do(get)["files"].size(), 1u);
}

TEST_F(LibraryTest, ANamespaceThatIsMissingIsSaidToBe) {
  for (const char* name : {"nope/greeter", "acme/greeter"}) {
    EXPECT_EQ(Do({"package", "list", name}, 4)["error"]["reason"],
              std::string(name).starts_with("nope") ? "NAMESPACE_NOT_FOUND" : "PACKAGE_NOT_FOUND");
  }
}

TEST_F(LibraryTest, EnvironmentsAndNodesAreShown) {
  Do({"environment", "create", "production", "--description", "live", "--label", "tier=1"});
  Do({"node", "create", "web-1", "--environment", "production"});
  EXPECT_EQ(Do({"environment", "show", "production"})["environment"],
            Do({"environment", "list"})["items"][0]);
  EXPECT_EQ(Do({"node", "show", "web-1", "--environment", "production"})["node"],
            Do({"node", "list", "--environment", "production"})["items"][0]);
  EXPECT_THAT(Run({"environment", "show", "production"}).out, HasSubstr("live"));
  EXPECT_EQ(Do({"environment", "show", "test"}, 4)["error"]["reason"], "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(Do({"node", "show", "web-2", "--environment", "production"}, 4)["error"]["reason"],
            "NODE_NOT_FOUND");
}

TEST_F(LibraryTest, AVariantThatIsNamedTwiceIsJudgedOnce) {
  SetPolicy();
  Publish();
  const Json once = Evaluate("acme/api@1.0.0", 3);
  Json twice = Do(
      {"gate", "evaluate", "--environment", "production", "acme/api@1.0.0", "acme/api@1.0.0:any"},
      3);
  EXPECT_EQ(twice["findings"], once["findings"]);
  EXPECT_EQ(twice["findingsDigest"], once["findingsDigest"]);
}

TEST_F(LibraryTest, WhatIsSeenToBeWrongHereIsAUsageError) {
  Publish();
  const uint64_t size = JournalSize();
  for (const std::string& reason : {std::string(), std::string(1025, 'x'), std::string("\xff")}) {
    EXPECT_EQ(
        Do({"package", "withdraw", "acme/api@1.0.0", "--reason", reason}, 2)["error"]["reason"],
        "ARGUMENT_INVALID");
    EXPECT_EQ(Do({"key", "revoke", KeyIdOf("ann"), "--reason", reason}, 2)["error"]["reason"],
              "ARGUMENT_INVALID");
  }
  EXPECT_EQ(Do({"package", "publish", "--spec", spec_, "--file", tool_ + "=a", "--file",
                tool_ + "=a/b", "--key", File("ann")},
               2)["error"]["reason"],
            "FILE_NAME_CONFLICT");
  EXPECT_EQ(JournalSize(), size);
}

TEST_F(LibraryTest, AFileInTheWayIsAUsageError) {
  Publish();
  Words get = {"package", "get", "acme/api@1.0.0", "--out", File("out")};
  Do(get);
  Write("out/tool", "changed here");
  EXPECT_EQ(Do(get, 2)["error"]["reason"], "FILE_EXISTS");
  get.push_back("--overwrite");
  Do(get);
  get[4] = tool_;
  EXPECT_EQ(Do(get, 2)["error"]["reason"], "PATH_UNSAFE");
}

}  // namespace
}  // namespace dml
