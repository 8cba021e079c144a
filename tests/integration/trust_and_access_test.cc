// The trust root, roles, tokens, quarantine, holds and media, as people use them.
#include <algorithm>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::CommandLibrary;

class TrustAndAccessTest : public CommandLibrary {
 protected:
  TrustAndAccessTest() : CommandLibrary("auth: {clientCertificates: OPTIONAL}\n") {}

  std::string ReasonOf(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  std::string RootKey() const { return library_.data_dir() / "client" / "root.key"; }

  // From now on whoever has this token.
  std::string ProfileWithToken(const std::string& role, const std::string& scope) {
    Words words = {"token", "issue", "--role", role, "--out", Path("token-" + role)};
    if (!scope.empty()) words.insert(words.end(), {"--scope", scope});
    const Json issued = Do(words);
    token_id_ = issued["token"]["id"].get<std::string>();
    EXPECT_FALSE(issued.contains("secret")) << "it is in the file alone";
    const ClientOptions admin = library_.AdminOptions();
    const std::filesystem::path client = library_.data_dir() / "client";
    testing::WriteBytes(
        Path("token.yaml"),
        fmt::format("server: \"{}\"\ncaFile: {}\ntokenFile: {}\nlogOrigin: {}\nlogKeyFile: {}\n"
                    "rootFile: {}\nstateFile: {}\n",
                    admin.target, (library_.data_dir() / "tls" / "ca.pem").string(),
                    Path("token-" + role), admin.log_origin, (client / "log.pem").string(),
                    (client / "root.json").string(), Path("token.checkpoint")));
    return Path("token.yaml");
  }

  std::string token_id_;
};

TEST_F(TrustAndAccessTest, OnePersonsRootGrowsToTwoOfThree) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"root", "fetch", "--out", Path("root-2")});
  for (const char* name : {"bea", "cid", "dan"}) {
    Do({"key", "generate", "--out", Path(name)});
  }
  Do({"root", "add-key", Path("root-2"), "--out", Path("root-3"), "--role", "root", "--holder",
      "bea", "--key", Path("bea.pub")});
  Do({"root", "add-key", Path("root-3"), "--role", "root", "--holder", "cid", "--key",
      Path("cid.pub"), "--threshold", "2"});
  Do({"root", "sign", Path("root-3"), "--key", RootKey()});
  EXPECT_EQ(ReasonOf({"root", "set", Path("root-3")}, 5), "THRESHOLD_NOT_MET");
  EXPECT_EQ(ReasonOf({"admin", "accept-clock"}, 1), "CLOCK_IN_STEP") << "it is right";
  Do({"root", "sign", Path("root-3"), "--key", Path("bea")});
  Do({"root", "set", Path("root-3")});

  // attack T9: fewer holders than the threshold let nobody vouch, the daemon's administrator among
  // them.
  EXPECT_EQ(ReasonOf({"key", "register", "--key", Path("dan"), "--owner", "dan", "--role",
                      "publisher", "--namespace", "acme"},
                     5),
            "THRESHOLD_NOT_MET");
  Do({"key", "register", "--key", Path("dan"), "--owner", "dan", "--role", "publisher",
      "--namespace", "acme", "--out", Path("root-4")});
  Do({"root", "fetch", "--out", Path("root-3")});
  for (const char* name : {"bea", "cid"}) {
    Do({"root", "sign", Path("root-4"), "--key", Path(name), "--previous", Path("root-3")});
  }
  Do({"root", "set", Path("root-4")});
  Publish("1.0.0", "by dan", "acme/tool", "dan");
  ExpectThere("1.0.0", "by dan");
  EXPECT_TRUE(Do({"package", "verify", "acme/tool@1.0.0"})["passed"]);
  EXPECT_EQ(Do({"root", "fetch"})["root"]["version"], 4);

  // attack T8: whoever saw root 4 takes no older library for it.
  ASSERT_EQ(library_.Stop(), 0);
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(Do({"root", "fetch"})["root"]["version"], 4);
}

TEST_F(TrustAndAccessTest, ARevokedKeysWorkIsFoundAndDeniedAtTheGate) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", "content");
  const Json keys = Do({"key", "list"})["items"];
  const auto ann = std::find_if(keys.begin(), keys.end(),
                                [](const Json& key) { return key["holder"] == "ann"; });
  ASSERT_NE(ann, keys.end());
  const std::string id = (*ann)["id"];
  Do({"key", "revoke", id, "--reason", "laptop stolen"});
  const Json signatures = Do({"key", "signatures", id})["items"];
  ASSERT_EQ(signatures.size(), 1u);
  EXPECT_EQ(signatures[0]["variant"], "packages/acme/tool/versions/1.0.0/variants/any");
  const Json verdict = Do({"package", "verify", "acme/tool@1.0.0"}, 3);
  EXPECT_FALSE(verdict["passed"]);
  EXPECT_NE(verdict.dump().find("laptop stolen"), std::string::npos);
}

// "stolen token after revocation"; attack 32
TEST_F(TrustAndAccessTest, ATokenSeesItsScopeUntilItIsRevoked) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  AddNamespace("secret", "sue");
  Publish("1.0.0", "content");
  Publish("1.0.0", "hidden", "secret/tool", "sue");
  profile_ = ProfileWithToken("reader", "namespaces/acme");
  const Json me = Do({"auth", "whoami"});
  EXPECT_EQ(me["principal"], "token:" + token_id_);
  EXPECT_EQ(me["method"], "token");
  EXPECT_EQ(Do({"namespace", "list"})["items"].size(), 1u);
  EXPECT_EQ(Do({"package", "search", ""})["items"].size(), 1u);
  ExpectThere("1.0.0", "content");
  // Missing and forbidden look alike.
  EXPECT_EQ(ReasonOf({"namespace", "show", "secret"}, 5), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf({"namespace", "show", "nothing"}, 5), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf({"namespace", "create", "mine"}, 5), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf({"role", "grant", "me", "--role", "admin"}, 5), "ROLE_REQUIRED");

  const std::string token = profile_;
  profile_.clear();
  Do({"token", "revoke", token_id_, "--reason", "found in a log"});
  profile_ = token;
  EXPECT_EQ(ReasonOf({"auth", "whoami"}, 5), "TOKEN_REVOKED");
}

// attack 25
TEST_F(TrustAndAccessTest, AGrantHoldsUntilItIsRevoked) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  const std::string principal = Do({"auth", "whoami"})["principal"];
  Do({"role", "grant", principal, "--role", "auditor", "--scope", "namespaces/acme"});
  EXPECT_EQ(Do({"auth", "whoami"})["grants"].size(), 2u);
  EXPECT_EQ(Do({"role", "list"})["items"][0]["role"], "auditor");
  Do({"role", "revoke", principal, "--role", "auditor", "--scope", "namespaces/acme", "--reason",
      "left"});
  EXPECT_EQ(Do({"auth", "whoami"})["grants"].size(), 1u);
  // Names are beside the journal, and go.
  Do({"auth", "name", principal, "Pat Moss"});
  EXPECT_EQ(Do({"auth", "whoami"})["displayName"], "Pat Moss");
  Do({"auth", "name", principal});
  EXPECT_EQ(Do({"auth", "whoami"})["displayName"], "");
  EXPECT_EQ(Do({"log", "entries", "--all"}).dump().find("Pat Moss"), std::string::npos);
  EXPECT_GT(Do({"auth", "permissions"})["items"].size(), 50u);
}

TEST_F(TrustAndAccessTest, WhatIsInQuarantineIsForOperatorsUntilItIsReleased) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", "content");
  Do({"quarantine", "put", "acme/tool@1.0.0", "--reason", "under investigation"});
  EXPECT_EQ(Do({"quarantine", "list"})["items"][0]["admissionReason"], "under investigation");
  EXPECT_EQ(ReasonOf({"package", "withdraw", "acme/tool@1.0.0", "--reason", "hm"}, 1),
            "VERSION_QUARANTINED")
      << "withdrawn, everybody could read it";
  EXPECT_EQ(Do({"package", "search", "license = MIT"})["items"][0]["state"], "QUARANTINED");
  ExpectThere("1.0.0", "content");  // An administrator.
  const std::string reader = ProfileWithToken("reader", "");
  profile_ = reader;
  EXPECT_EQ(ReasonOf({"package", "get", "acme/tool@1.0.0", "--out", Path("x")}, 1),
            "VERSION_QUARANTINED");
  EXPECT_EQ(ReasonOf({"quarantine", "release", "acme/tool@1.0.0", "--reason", "fine"}, 5),
            "ROLE_REQUIRED");
  profile_.clear();
  Do({"environment", "create", "production"});
  testing::WriteBytes(Path("policy.yaml"),
                      "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
                      "signatures: {threshold: 1}\nlicenses: {allow: [MIT]}\n");
  Do({"policy", "set", "--environment", "production", Path("policy.yaml")});
  const Words ask = {"gate", "evaluate", "--environment", "production", "acme/tool@1.0.0"};
  EXPECT_NE(Do(ask, 3).dump().find("content.quarantined"), std::string::npos);
  Do({"quarantine", "release", "acme/tool@1.0.0", "--reason", "false alarm"});
  Do(ask);
  profile_ = reader;
  ExpectThere("1.0.0", "content");
  profile_.clear();
  Do({"quarantine", "put", "acme/tool@1.0.0", "--reason", "again"});
  Do({"quarantine", "reject", "acme/tool@1.0.0", "--reason", "infected"});
  EXPECT_EQ(ReasonOf({"quarantine", "release", "acme/tool@1.0.0", "--reason", "fine"}, 1),
            "VERSION_REJECTED");
}

TEST_F(TrustAndAccessTest, AHoldKeepsPayloadThatRetentionLetsGo) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", "old");
  Publish("2.0.0", "new");
  Do({"namespace", "retention", "set", "acme", "--keep-versions", "1"});
  Do({"hold", "place", "case-4711", "acme/tool@1.0.0", "--reason", "court order"});
  EXPECT_EQ(Do({"hold", "list"})["items"][0]["name"], "case-4711");
  Do({"admin", "collect", "--wait"});
  ExpectThere("1.0.0", "old");
  Do({"hold", "release", "case-4711", "acme/tool@1.0.0", "--reason", "closed"});
  EXPECT_EQ(Do({"hold", "list"})["items"].size(), 0u);
}

TEST_F(TrustAndAccessTest, CopiesOfAMediumHaveACustodian) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"media", "register", "acme/dvd-7", "--title", "OS 7", "--location", "vault", "--custodian",
      "pat", "--copies", "2"});
  EXPECT_EQ(Do({"media", "check-out", "acme/dvd-7", "--custodian", "ann", "--note",
                "site B"})["media"]["copiesOut"],
            1);
  EXPECT_EQ(
      ReasonOf({"media", "check-out", "acme/dvd-7", "--custodian", "bob", "--copies", "2"}, 1),
      "COPIES_INVALID");
  Do({"media", "check-in", "acme/dvd-7", "--custodian", "pat"});
  const Json history = Do({"media", "history", "acme/dvd-7"})["items"];
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0]["custodian"], "ann");
  EXPECT_EQ(Do({"media", "list"})["items"][0]["copiesOut"], 0);
}

}  // namespace
}  // namespace dml
