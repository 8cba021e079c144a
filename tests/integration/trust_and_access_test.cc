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

// Clients walk roots by signatures alone: whoever revokes a root's key is told what else to do.
TEST_F(TrustAndAccessTest, RevokingAKeyOfTheRootTellsWhoIsLeft) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"root", "fetch", "--out", Path("root-2")});
  Do({"key", "generate", "--out", Path("bea")});
  Do({"root", "add-key", Path("root-2"), "--out", Path("root-3"), "--role", "root", "--holder",
      "bea", "--key", Path("bea.pub"), "--threshold", "2"});
  for (const std::string& key : {RootKey(), Path("bea")}) {
    Do({"root", "sign", Path("root-3"), "--key", key});
  }
  Do({"root", "set", Path("root-3")});
  const std::string id = Do({"key", "show", Path("bea.pub")})["id"];
  const Json done = Do({"key", "revoke", id, "--reason", "laptop stolen"});
  ASSERT_EQ(done["rolesLeft"].size(), 1u);
  const Json left = done["rolesLeft"][0];
  EXPECT_EQ(left["role"], "root");
  EXPECT_EQ(left["threshold"], 2);
  EXPECT_EQ(left["holders"].size(), 1u);
  EXPECT_EQ(left["canBeMet"], false);
  // A publisher's key: nobody is left, and nothing of the root is at stake.
  const std::string ann = Do({"key", "show", Path("ann.pub")})["id"];
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(
      RunDml({"--profile", library_.profile().string(), "key", "revoke", ann, "--reason", "left"},
             out, err),
      0);
  EXPECT_NE(out.str().find("role publisher by delegation acme-publisher: 1 must sign, of: nobody, "
                           "so nobody can sign for it"),
            std::string::npos)
      << out.str();
  // What was said is true: the others cannot make root 4 without the revoked key, and can with it.
  Do({"key", "generate", "--out", Path("bea-2")});
  Do({"root", "rotate", Path("root-3"), id, "--key", Path("bea-2.pub"), "--out", Path("root-4")});
  for (const std::string& key : {RootKey(), Path("bea-2")}) {
    Do({"root", "sign", Path("root-4"), "--key", key, "--previous", Path("root-3")});
  }
  EXPECT_EQ(ReasonOf({"root", "set", Path("root-4")}, 5), "THRESHOLD_NOT_MET");
  Do({"root", "sign", Path("root-4"), "--key", Path("bea"), "--previous", Path("root-3")});
  Do({"root", "set", Path("root-4")});
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

// Who has which copy, not only how many are out.
TEST_F(TrustAndAccessTest, EachCopyOfAMediumIsWithSomebody) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"media", "register", "acme/dvd-7", "--title", "OS 7", "--location", "vault", "--custodian",
      "pat", "--copies", "5"});
  Do({"media", "check-out", "acme/dvd-7", "--copy", "2", "--copy", "4-5", "--custodian", "ann",
      "--location", "site B"});
  EXPECT_EQ(ReasonOf({"media", "check-out", "acme/dvd-7", "--copy", "4", "--custodian", "bob"}, 1),
            "COPIES_ELSEWHERE");
  const Json moved = Do({"media", "move", "acme/dvd-7", "--copy", "1", "--custodian", "pat",
                         "--location", "vault 2"});
  Do({"media", "check-in", "acme/dvd-7", "--copy", "5", "--custodian", "pat"});
  Do({"media", "destroy", "acme/dvd-7", "--copy", "3", "--custodian", "pat", "--note", "shredded"});
  const Json held = Do({"media", "show", "acme/dvd-7"})["media"]["held"];
  std::string shown;
  for (const Json& item : held) {
    shown += fmt::format("{}-{} {} {} {}|", item["first"].get<int>(), item["last"].get<int>(),
                         item["state"].get<std::string>(), item["custodian"].get<std::string>(),
                         item["state"] == "out" ? item["away"].get<std::string>()
                                                : item["location"].get<std::string>());
  }
  EXPECT_EQ(shown,
            "1-1 in pat vault 2|2-2 out ann site B|3-3 destroyed pat vault|4-4 out ann site B|"
            "5-5 in pat vault|");
  EXPECT_EQ(held[0]["index"], moved["commit"]["index"]);
  const Json history = Do({"media", "history", "acme/dvd-7"})["items"];
  ASSERT_EQ(history.size(), 4u);
  EXPECT_EQ(history[0]["which"], "2, 4-5");
  // The library comes to the same when it folds its journal anew.
  EXPECT_TRUE(Do({"admin", "verify-views"})["consistent"]);
  for (const char* bad : {"0", "3-2", "x", "1-", "-1", "1-2-3", "99999999999"}) {
    EXPECT_EQ(
        ReasonOf(
            {"media", "move", "acme/dvd-7", std::string("--copy=") + bad, "--custodian", "pat"}, 2),
        "ARGUMENT_INVALID")
        << bad;
  }
  EXPECT_EQ(ReasonOf({"media", "move", "acme/dvd-7", "--copy", "6", "--custodian", "pat"}, 1),
            "COPIES_INVALID");
  EXPECT_EQ(
      ReasonOf(
          {"media", "move", "acme/dvd-7", "--copy", "1", "--copies", "1", "--custodian", "pat"}, 2),
      "ARGUMENT_INVALID");
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
